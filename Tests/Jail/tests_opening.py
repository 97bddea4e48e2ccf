"""What a tool must not open, and what it must not read of the instance to know itself by."""

import os
import select
import signal
import subprocess
import time

from harness import LAYERS, Overlay, chrooted, copy_tools, equal, jailed, plain_root, program, ready, test, write

READERS = (["cat", "/pipe"], ["head", "/pipe"], ["tail", "/pipe"], ["wc", "/pipe"], ["grep", "x", "/pipe"], ["grep", "-R", "x", "/pipes"],
           ["sort", "/pipe"], ["sort", "--files0-from=/pipe"], ["uniq", "/pipe"], ["cut", "-c1", "/pipe"], ["sha256sum", "/pipe"],
           ["sha256sum", "-c", "/pipe"], ["md5sum", "/pipe"], ["wc", "--files0-from=/pipe"], ["du", "--files0-from=/pipe"], ["du", "-X", "/pipe", "/"],
           ["grep", "-f", "/pipe", "/etc/passwd"], ["cat", "/to-pipe"], ["tail", "-c5", "/pipe"], ["head", "-c-5", "/pipe"])


def piped_root():
    root = plain_root()
    os.mkfifo(root + "/pipe")
    os.makedirs(root + "/pipes")
    os.mkfifo(root + "/pipes/one")
    os.symlink("pipe", root + "/to-pipe")
    copy_tools(root, ("cat", "head", "tail", "wc", "grep", "sort", "uniq", "cut", "sha256sum", "md5sum"))
    return root


@test
def fifos_do_not_open():
    root = piped_root()
    for command in (["cat", "/pipe"], ["uniq", "/pipe"], ["sha256sum", "/pipe"], ["grep", "-R", "x", "/pipes"]):
        assert chrooted(command, root, timeout=0.5).timed_out, f"the control did not hang: {command}"
    for roots, flags in ((Overlay(root).merged, 0), ([root], LAYERS)):
        for command in READERS:
            got = ready(jailed(command, roots, flags=flags, timeout=20))
            assert not got.timed_out and got.code not in (0, None), (command, got)
            assert b"No such device or address" in got.err, (command, got)
        # Looking at one is no opening.
        equal(ready(jailed(["ls", "-l", "/pipe"], roots, flags=flags)).code, 0)


@test
def a_running_instances_fifo_keeps_its_bytes():
    """An overlay's FIFO is one and the same for all mounts of it: a reader would take what another one waits for."""
    view = Overlay(piped_root())
    end = os.open(view.merged + "/pipe", os.O_RDWR | os.O_NONBLOCK)
    os.write(end, b"for the instance\n")
    for command in READERS:
        assert b"instance" not in ready(jailed(command, view.merged, timeout=20)).out, command
    equal(os.read(end, 100), b"for the instance\n")
    os.close(end)


WRITER = r"""
#include <fcntl.h>
#include <unistd.h>
int main(int count, char **arguments) {
    int end = open(arguments[count - 1], O_WRONLY);
    return end < 0 || write(end, "first\n", 6) != 6;
}
"""


@test
def a_running_instances_writer_goes_on_waiting():
    """A reader that opens and closes would wake it, and its first write would end it (SIGPIPE)."""
    view = Overlay(piped_root())
    with program("writer", WRITER) as path:
        controls = []
        for command in (*[None] * 20, *READERS):
            writer = subprocess.Popen([path, view.merged + "/pipe"])
            while open(f"/proc/{writer.pid}/wchan").read() != "wait_for_partner":
                equal(writer.poll(), None)
                time.sleep(0.001)
            if command is None:
                os.close(os.open(view.merged + "/pipe", os.O_RDONLY | os.O_NONBLOCK))
                controls.append(writer.wait(timeout=60))  # on one processor it may write before our close
                continue
            ready(jailed(command, view.merged, timeout=20))
            reader = os.open(view.merged + "/pipe", os.O_RDONLY | os.O_NONBLOCK)
            select.select([reader], [], [], 60)
            equal(os.read(reader, 100), b"first\n", command)
            os.close(reader)
            equal(writer.wait(timeout=60), 0, command)
        assert -signal.SIGPIPE in controls, controls


FORTIFIED = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
int __open_2(const char *, int), __openat_2(int, const char *, int), __open64_2(const char *, int), __openat64_2(int, const char *, int);
int main(void) {
    int files[] = {__open_2("/pipe", 0), __openat_2(AT_FDCWD, "/pipe", 0), __open64_2("/pipe", 0), __openat64_2(AT_FDCWD, "/pipe", 0)};
    for (int i = 0; i < 4; i++) printf("%d ", files[i]);
    printf("%d %d\n", errno == ENXIO, __open_2("/etc/passwd", 0) > 2);
    return 0;
}
"""


@test
def the_openings_that_fortify_makes():
    """Tools of other distributions may be compiled so: the C library would open for them by itself."""
    with program("fortified", FORTIFIED):
        got = ready(jailed(["fortified"], Overlay(piped_root()).merged, timeout=20))
        equal((got.out, got.timed_out), (b"-1 -1 -1 -1 1 1\n", False), got)


ZONE = "usr/share/zoneinfo/UTC0"


@test
def times_are_utc_whatever_the_instance_has():
    """The C library takes a file by the name of the zone before it takes "UTC0" for a rule."""
    root = plain_root()
    copy_tools(root, ("find", "stat"))
    os.utime(root + "/home/hard", (1_700_000_000, 1_700_000_000))
    commands = (["ls", "-l", "--time-style=full-iso", "/home/hard"], ["du", "--time", "--time-style=full-iso", "/home/hard"],
                ["stat", "--format=%y", "/home/hard"], ["find", "/home/hard", "-printf", "%t\n"])
    tokyo = b"TZif2" + b"\0" * 39 + b"TZif2" + b"\0" * 15 + b"\0\0\0\0" * 4 + b"\0\0\0\1\0\0\0\4" + b"\0\0\x7e\x90\0\0JST\0" + b"\nJST-9\n"
    for make in (lambda path: write(root, ZONE, tokyo), os.mkfifo, lambda path: write(root, ZONE, b"TZif2" + os.urandom(1 << 20))):
        os.makedirs(os.path.dirname(f"{root}/{ZONE}"), exist_ok=True)
        if os.path.lexists(f"{root}/{ZONE}"):
            os.unlink(f"{root}/{ZONE}")
        make(f"{root}/{ZONE}")
        if make is os.mkfifo:
            assert chrooted(commands[0], root, timeout=0.5).timed_out, "the control did not hang"
        for roots, flags in ((Overlay(root).merged, 0), ([root], LAYERS)):
            for command in commands:
                got = ready(jailed(command, roots, flags=flags, timeout=20))
                equal((got.code, got.err), (0, b""), command)
                assert b"22:13" in got.out, (command, got)  # 2023-11-14 22:13:20 UTC
    # Another zone in a date is not understood: its file would be the instance's.
    write(root, "zone", tokyo)
    for zone in ("/zone", ":/zone", "Asia/Tokyo", "JST-9"):
        got = ready(jailed(["find", "/home", "-newermt", f'TZ="{zone}" 2020-01-01'], Overlay(root).merged))
        equal((got.code, got.out), (1, b""), got)
    equal(ready(jailed(["find", "/home/hard", "-newermt", "2023-11-14 22:13:19 UTC", "!", "-newermt", "2023-11-14 22:13:20"], Overlay(root).merged)).out,
          b"/home/hard\n")
