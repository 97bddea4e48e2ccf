"""A small ext4 file system of its own, which can lose its power and be full."""

import fcntl
import os
import struct
import subprocess

from harness.engine import run
from harness.waiting import eventually

# EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (linux/fs/ext4/ext4.h): from this moment on nothing reaches
# the device any more. What was not flushed by then is what a machine loses with its power.
SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)


class Disk:
    """An image file, mounted by a loop device at `path`."""

    def __init__(self, folder, name, mebibytes):
        self.image = folder / f"{name}.img"
        self.path = folder / name
        self.filler = self.path / ".filler"
        self.mebibytes = mebibytes

    def make(self):
        self.path.mkdir()
        with self.image.open("wb") as file:
            file.truncate(self.mebibytes << 20)
        # No blocks are kept for root: full means full. The tables are made now, not by a kernel thread later.
        now = "lazy_itable_init=0,lazy_journal_init=0"
        run("mkfs.ext4", "-q", "-m", "0", "-N", "65536", "-E", now, self.image)
        self.mount()

    def mount(self):
        # The log is written when somebody flushes, and not every five seconds by itself.
        run("mount", "-o", "loop,commit=600", self.image, self.path)

    def lose_power(self):
        """To be called when the process on it is dead: what was not flushed is gone."""
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(folder)
        self.unmount()
        self.mount()

    def unmount(self):
        def unmounted():
            return run("umount", self.path, check=False).returncode == 0

        eventually(f"{self.path} is not in use", unmounted, 10)
        # A mount namespace that is just going may hold a copy, and with it the dead file system.
        eventually(f"the loop device of {self.image} is free", lambda: not self.loops(), 10)

    def loops(self):
        return run("losetup", "--associated", self.image).stdout.strip()

    def fill(self):
        """Takes all space, to the last byte."""
        for size in (1 << 20, 1 << 12):
            free = os.statvfs(self.path)
            blocks = free.f_bavail * free.f_frsize // size * size
            while blocks > 0:
                with self.filler.open("ab") as file:
                    done = subprocess.run(
                        ["fallocate", "--offset", str(file.tell()), "--length", str(blocks), self.filler],
                        capture_output=True,
                    )
                if done.returncode == 0:
                    break
                blocks = blocks // 2 // size * size
        # What is left is less than a block map can take: the last bytes, by writing.
        words = ["dd", "if=/dev/zero", f"of={self.filler}", "bs=4096", "oflag=append", "conv=notrunc"]
        subprocess.run(words, capture_output=True)

    def empty(self):
        self.filler.unlink(missing_ok=True)

    def remove(self):
        """Takes the disk away. The image is a file of the work folder, and goes or stays with it."""
        if os.path.ismount(self.path):
            run("umount", "--lazy", self.path, check=False)
