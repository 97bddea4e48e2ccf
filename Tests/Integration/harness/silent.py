"""File systems that stop answering, by FUSE: made for one test, and gone with it whatever it did (Tests/Integration/programs/silent_fuse.c)."""

import contextlib
import os
import pathlib
import queue
import signal
import subprocess
import threading

from harness.engine import run
from harness.waiting import eventually

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "programs/silent_fuse.c"


def why_not():
    """Why there can be no FUSE here; None when there can."""
    if "\tfuse\n" not in pathlib.Path("/proc/filesystems").read_text():
        return "this kernel has no FUSE"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse cannot be opened: {error}"
    return None


def build(folder):
    """The program, for this host and for any container on it."""
    program = pathlib.Path(folder) / "silent_fuse"
    run("cc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-o", program, SOURCE)
    return program


@contextlib.contextmanager
def connections(folder):
    """The kernel's folder of FUSE connections, mounted at a place of our own (Documentation/filesystems/fuse, "Control filesystem")."""
    run("mount", "-t", "fusectl", "fusectl", folder)
    try:
        yield pathlib.Path(folder)
    finally:
        run("umount", folder)


class SilentFuse:
    """One mounted file system and its server.

    `command` starts the server and `table` is the mountinfo of a process that sees the mount at `point`.
    """

    def __init__(self, command, table, point, connections):
        self.point, self.connections, self.number = str(point), connections, None
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self._lines = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        assert self.next(60) == "mounted", "it did not mount"
        # A connection is named after the minor number of its file system.
        line = next(line.split() for line in pathlib.Path(table).read_text().splitlines() if line.split()[4] == self.point)
        self.number = line[2].partition(":")[2]
        assert (self.connections / self.number / "abort").exists()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def next(self, seconds):
        """The next line that the server writes; None when there is none in that time."""
        with contextlib.suppress(queue.Empty):
            return self._lines.get(timeout=seconds)

    def fall_silent(self, server):
        """From now on, what was named is not answered. `server` is its id on this host."""
        os.kill(server, signal.SIGUSR1)

    def until_silent(self, operation, seconds=60):
        """Waits until somebody waits for that operation."""
        eventually(f"somebody waits for {operation}", lambda: self.next(0.05) == f"{operation} silent", seconds, every=0)

    def requests(self):
        """What was asked for since the silence began, and was not looked at yet."""
        found = []
        while line := self.next(0.2):
            found.append(line)
        return found

    def waiting(self):
        """How many requests the kernel waits for."""
        return int((self.connections / self.number / "waiting").read_text())

    def end(self):
        """Whoever waits gets an error: the server need not live for that, and the kernel forgets the connection with the mount."""
        if self.number:
            with contextlib.suppress(FileNotFoundError):
                (self.connections / self.number / "abort").write_text("1")
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
