"""What a tool sees and can change: the same as GNU under a plain chroot, on a merged root and on layers."""

import os
import shutil
import stat
import subprocess

from harness import (DAC_OVERRIDE, FOWNER, LAYERS, WORK, Overlay, chrooted, equal, folder, jailed, plain_root, ready, refused, test,
                     write, writing)

COMMANDS = [
    ["ls"], ["ls", "-l", "-o", "-r"], ["ls", "-l", "/home"], ["ls", "-laR", "/home"], ["ls", "-lan", "/etc"],
    ["ls", "-lisS", "--time-style=full-iso", "/home"], ["ls", "-ld", "/home/link", "/home/link/"], ["ls", "/missing"],
    ["ls", "-l", "/rootlink/home"], ["ls", "-C", "-w60", "-F", "/home"], ["ls", "--color=always", "/home"],
    ["ls", "-lt", "/home/deep/../deep"], ["ls", "--help"], ["du", "-d2", "-h"], ["du", "-a", "/home"], ["du", "-s", "-b", "/"],
    ["du", "-c", "/home/deep", "/etc", "/missing"], ["du", "--inodes", "-d1"], ["du", "-h", "--time", "/home/deep"],
]


@test
def equals_gnu_on_a_merged_root():
    view = Overlay(plain_root())
    for command in COMMANDS:
        got, want = ready(jailed(command, view.merged)), chrooted(command, view.merged)
        equal((got.out, got.err, got.code), (want.out, want.err, want.code), command)
    assert b"alice" in jailed(["ls", "-l", "/home"], view.merged).out
    return f"{len(COMMANDS)} commands"


@test
def equals_gnu_on_layers_with_whiteouts():
    """A stopped container's layers, the upper one with a whiteout, an opaque directory and a new file."""
    view = Overlay(plain_root())
    os.unlink(view.merged + "/home/delete_this.txt")
    shutil.rmtree(view.merged + "/home/deep")
    os.mkdir(view.merged + "/home/deep")
    write(view.merged, "home/new", b"n", owner=(1000, 50))
    names = sorted(os.listdir(view.merged + "/home"))
    wants = [chrooted(command, view.merged) for command in COMMANDS]
    subprocess.run(["umount", view.merged], check=True)
    assert stat.S_ISCHR(os.lstat(view.upper + "/home/delete_this.txt").st_mode), "the upper layer has no whiteout"
    for command, want in zip(COMMANDS, wants):
        got = ready(jailed(command, [view.upper, view.lower], flags=LAYERS))
        equal((got.out, got.err, got.code), (want.out, want.err, want.code), command)
    equal(jailed(["ls", "-A1", "/home"], [view.upper, view.lower], flags=LAYERS).out.decode().split(), names)


@test
def one_layer_and_many_layers():
    root = folder("single")
    write(root, "a", b"")
    equal(ready(jailed(["ls"], [root], flags=LAYERS)).out, b"a\n")
    layers = []
    for i in range(300):
        layer = folder("layer-with-a-name-long-enough-to-fill-a-page-of-options-soon")
        write(layer, f"f{i:03}", b"")
        layers.append(layer)
    got = ready(jailed(["ls"], layers, flags=LAYERS))
    equal(got.out.decode().split(), [f"f{i:03}" for i in range(300)])


@test
def writers_unlink_as_gnu_does():
    commands = [["rm", "-r", "home/delete_this.txt"], ["rm", "/home/secret", "/home/link", "/home/fifo"], ["rm", "-v", "/home/hard"],
                ["rm", "-r", "home/deep"], ["rm", "home"], ["rm", "/missing"], ["rm", "-f", "/missing"], ["rm", "-rv", "/tmp"]]
    one, other = Overlay(plain_root()), Overlay(plain_root())
    for command in commands:
        got, want = ready(writing(command, one.merged)), chrooted(command, other.merged)
        equal((got.out, got.err, got.code), (want.out, want.err, want.code), command)
    tree = [sorted((path[len(view.merged):], sorted(names), sorted(files)) for path, names, files in os.walk(view.merged))
            for view in (one, other)]
    equal(tree[0], tree[1])
    assert not os.path.exists(one.merged + "/home/delete_this.txt") and os.path.exists(one.lower + "/home/delete_this.txt")


@test
def readers_change_nothing():
    view = Overlay(plain_root())
    got = ready(jailed(["rm", "-r", "/home/delete_this.txt"], view.merged, capabilities=1 << DAC_OVERRIDE | 1 << FOWNER))
    equal(got.code, 1)
    assert b"Read-only file system" in got.err or b"Operation not permitted" in got.err, got
    layers = ready(jailed(["rm", "/home/delete_this.txt"], [view.lower], flags=LAYERS))
    equal(layers.code, 1)
    assert os.path.exists(view.merged + "/home/delete_this.txt")


@test
def reading_leaves_access_times_alone():
    view = Overlay(plain_root())
    watched = [view.lower + path for path in ("/home", "/home/deep", "/etc/passwd", "/etc")]
    for path in watched:
        os.utime(path, (1, 1_700_000_000))  # older than the change: relatime would update it
    os.utime(view.lower + "/home/link", (1, 1_700_000_000), follow_symlinks=False)
    ready(jailed(["ls", "-lR"], view.merged))
    ready(jailed(["du", "-a"], view.merged))
    ready(jailed(["ls", "-lR"], [view.lower], flags=LAYERS))
    for path in watched + [view.lower + "/home/link"]:
        equal(os.lstat(path).st_atime, 1.0, path)
    chrooted(["ls", "-l", "/home"], view.lower)
    assert os.stat(view.lower + "/home").st_atime != 1.0, "the control did not update an access time either"


@test
def volumes_where_they_belong():
    lower = plain_root()
    os.makedirs(lower + "/data/inner")
    write(lower, "etc/hosts", b"")
    view = Overlay(lower)
    volume, inner = folder("volume"), folder("inner")
    write(volume, "kept", b"v")
    os.mkdir(volume + "/sub")
    write(inner, "deepest", b"v")
    hosts = write(folder("bind"), "hosts", b"127.0.0.1 localhost\n")
    volumes = [(volume, "/data", "w"), (inner, "/data/sub", "r"), (hosts, "/etc/hosts", "r"), (volume, "/never/there", "w")]
    got = ready(jailed(["ls", "/data", "/data/sub"], view.merged, volumes=volumes))
    equal(got.out, b"/data:\nkept\nsub\n\n/data/sub:\ndeepest\n")
    assert b" 20 " in ready(jailed(["ls", "-l", "/etc/hosts"], view.merged, volumes=volumes)).out
    # A reader writes nowhere; a writer only where the volume is "w".
    equal(ready(jailed(["rm", "/data/kept"], view.merged, volumes=volumes)).code, 1)
    equal(ready(writing(["rm", "/data/sub/deepest"], view.merged, volumes=volumes)).err,
          b"rm: cannot remove '/data/sub/deepest': Read-only file system\n")
    equal(ready(writing(["rm", "/data/kept"], view.merged, volumes=volumes)).code, 0)
    equal((os.listdir(volume), os.listdir(inner)), (["sub"], ["deepest"]))
    # The same over layers, in the order given.
    got = ready(jailed(["ls", "/data"], [view.lower], flags=LAYERS, volumes=volumes))
    equal(got.out, b"sub\n")


@test
def volumes_refuse_links():
    lower = plain_root()
    os.symlink("/etc", lower + "/data")
    os.symlink("/etc/passwd", WORK + "/a-link")
    view = Overlay(lower)
    volume = folder("volume")
    equal(refused(writing(["rm", "/x"], view.merged, volumes=[(volume, "/data", "w")]), "volume"), 40)
    # A reader does without a volume that a link leads to: nothing of it is attached anywhere.
    open(volume + "/inside", "w").close()
    got = ready(jailed(["ls", "/data/", "/etc/"], view.merged, volumes=[(volume, "/data", "r")]))
    assert b"inside" not in got.out, got
    equal(refused(jailed(["ls"], view.merged, volumes=[(WORK + "/a-link", "/etc/passwd", "r")]), "volume"), 40)
    equal(refused(jailed(["ls"], view.merged, volumes=[("/nonexistent", "/home", "r")]), "volume"), 2)


@test
def nothing_of_a_view_survives_it():
    """No mount and no descriptor is left in the caller's namespaces."""
    view = Overlay(plain_root())
    before = open("/proc/self/mountinfo").read(), len(os.listdir("/proc/self/fd")), os.listdir("/sys/fs/cgroup")
    for _ in range(20):
        ready(jailed(["ls", "-l"], view.merged))
        ready(jailed(["ls", "-l"], [view.lower], flags=LAYERS))
    equal((open("/proc/self/mountinfo").read(), len(os.listdir("/proc/self/fd")), os.listdir("/sys/fs/cgroup")), before)
