"""Many entries, deep ones, large files, many names for one file."""

import hashlib
import os
import signal
import time

from attack.report import attack
from attack.trees.ground import Ground, ended, equal, untouched

MANY = 1_000_000
DEEP = 100_000


def fill(folder, count, name):
    handle = os.open(folder, os.O_RDONLY)
    for number in range(count):
        os.mknod(name % number, 0o100644, dir_fd=handle)
    os.close(handle)


@attack("trees")
def a_million_entries(arena, figures):
    ground = Ground(arena)
    os.mkdir(ground.home + "/many")
    fill(ground.home + "/many", MANY, "entry-%07d")
    boundless = arena.weak("boundless")
    with untouched(ground, figures):
        wanted = hashlib.sha256(b"".join(b"entry-%07d\n" % number for number in range(MANY))).hexdigest()
        listed = ground.read("ls", "/home/many")
        ended(listed, 0, "ls")
        equal(hashlib.sha256(listed.out).hexdigest(), wanted, "the listing")
        counted = ground.read("du", "--inodes", "-s", "/home/many")
        equal((counted.code, counted.out), (0, b"%d\t/home/many\n" % (MANY + 1)), "du")

        # Too little memory, or time: an honest end, and at once.
        small = ground.read("ls", "-l", "/home/many", memory=64 << 20)
        assert small.code == 2 and b"memory exhausted" in small.err, small
        hurried = ground.harness.Running(["ls", "-l", "/home/many"], ground.harness.control([ground.view.merged]))
        equal(hurried.status_line(), "ready\n", "the status")
        started = time.monotonic()
        signal.pidfd_send_signal(hurried.pidfd, signal.SIGKILL)
        killed = hurried.finish()
        equal(killed.code, -9, "killed")
        assert time.monotonic() - started < 30, "it did not end when it was killed"
        by_time = ground.read("ls", "-lR", "/home/many", "/home/many", "/home/many", "/home/many", "/home/many", "/home/many", cpu=1)
        equal(by_time.code, -9, "at the end of its processor time")

        # The control: without the limit of memory, the same goes on.
        endless = ground.read("ls", "-l", "/home/many", memory=64 << 20, library=boundless)
        ended(endless, 0, "the control")
        figures["control"] = "caught"

        ended(ground.write("rm", "-r", "/home/many", timeout=300), 0, "rm")
        equal(os.listdir(ground.view.merged + "/home"), [], "what is left")


def descend(folder, depth):
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)


@attack("trees")
def deeper_than_any_path(arena, figures):
    ground = Ground(arena)
    os.mkdir(ground.home + "/deep")
    descend(ground.home + "/deep", DEEP)
    with untouched(ground, figures):
        counted = ground.read("du", "-s", "--inodes", "/home/deep", timeout=120)
        equal((counted.code, counted.out), (0, b"%d\t/home/deep\n" % (DEEP + 1)), "du")
        # ls goes by paths, which the kernel takes up to 4,096 bytes long: it says where it stopped.
        listed = ground.read("ls", "-R", "/home/deep", timeout=120)
        ended(listed, 1, "ls")
        assert b"File name too long" in listed.err, listed
        # The control: a du that goes by paths is caught by a wrong total.
        naive = ground.read(arena.busybox("du"), "-s", "/home/deep", timeout=120)
        assert naive.code != 0 or naive.err, naive
        figures["control"] = "caught"
        ended(ground.write("rm", "-r", "/home/deep", timeout=300), 0, "rm")
        equal(os.listdir(ground.view.merged + "/home"), [], "what is left")


@attack("trees")
def files_of_eight_exbibytes(arena, figures):
    ground = Ground(arena)
    largest = (1 << 63) - 1
    for name in ("one", "other"):
        with open(os.path.join(ground.home, name), "wb") as file:
            os.truncate(file.fileno(), largest)
    with untouched(ground, figures):
        listed = ground.read("ls", "-ls", "/home")
        ended(listed, 0, "ls")
        equal(listed.out.split(b"\n")[0], b"total 0", "the total")
        equal([line.split()[5] for line in listed.out.splitlines()[1:]], [b"%d" % largest] * 2, "the sizes")
        equal(ground.read("du", "-B1", "/home/one").out, b"0\t/home/one\n", "du")
        # Their sum is the largest even number; with their folder's own size it is more than a number holds.
        both = ground.read("du", "-c", "-B1", "--apparent-size", "/home/one", "/home/other", "/home/one")
        ended(both, 0, "du of both")
        equal(both.out.splitlines()[-1], b"%d\ttotal" % (2 * largest), "the sum")
        above = ground.read("du", "-s", "-B1", "--apparent-size", "/home")
        equal((above.code, above.out), (0, b"Infinity\t/home\n"), "the sum with their folder")
        # The control: what such a file looks like to whoever reads it (du -b is the apparent size).
        equal(ground.read("du", "-b", "/home/one").out, b"%d\t/home/one\n" % largest, "the control")
        figures["control"] = "caught"
        ended(ground.write("rm", "/home/one", "/home/other"), 0, "rm")


@attack("trees")
def farms_of_hard_links(arena, figures):
    """100,000 names for one file, and 50,000 files of two names each: du remembers every one of them."""
    ground = Ground(arena)
    for name in ("one", "pairs"):
        os.mkdir(os.path.join(ground.home, name))
    with open(ground.home + "/one/0", "wb") as file:
        file.write(b"x" * 4096)
    handle = os.open(ground.home, os.O_RDONLY)
    for number in range(1, 100_000):
        os.link("one/0", f"one/{number}", src_dir_fd=handle, dst_dir_fd=handle)
    for number in range(50_000):
        os.mknod(f"pairs/a{number}", 0o100644, dir_fd=handle)
        os.link(f"pairs/a{number}", f"pairs/b{number}", src_dir_fd=handle, dst_dir_fd=handle)
    os.close(handle)
    with untouched(ground, figures):
        once = ground.read("du", "-s", "-b", "--inodes", "/home/one", "/home/pairs")
        ended(once, 0, "du")
        equal([int(line.split()[0]) for line in once.out.splitlines()], [2, 50_001], "inodes")
        size = ground.read("du", "-s", "/home/one", "-B1")
        equal(int(size.out.split()[0]), 4096, "one file's size")
        # The control: -l counts every name.
        every = ground.read("du", "-s", "-l", "-B1", "/home/one")
        equal(int(every.out.split()[0]), 4096 * 100_000, "the control")
        figures["control"] = "caught"
        ended(ground.write("rm", "-r", "/home/one", "/home/pairs", timeout=120), 0, "rm")
