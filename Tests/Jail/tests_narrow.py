"""Views that have only some paths of the instance, and whoever tries to see past them."""

import os
import signal
import subprocess

from harness import (DAC_OVERRIDE, FOWNER, LAYERS, WRITES, Overlay, Running, control, equal, folder, jailed, plain_root, program,
                     ready, refused, test, write, writing)

SECRET = b"canary in the instance, outside"


def guarded_root():
    """/srv/open is what may be seen; everything else has a canary, and hostile links lead there."""
    root = plain_root()
    write(root, "srv/open/inside", b"visible")
    write(root, "srv/open/sub/deep/file", b"y" * 5000)
    write(root, "srv/openly/canary", SECRET)
    write(root, "srv/closed/canary", SECRET)
    write(root, "canary", SECRET)
    write(root, "opt/one/file", b"1")
    links = {"absolute": "/srv/closed", "root": "/", "up": "../closed", "far-up": "../../../../../../srv/closed", "file": "/canary",
             "file-up": "../../canary", "proc": "/proc/self/root/srv/closed", "cwd": "/proc/self/cwd/srv/closed", "sibling": "../openly",
             "dotdot": "..", "twice": "to-absolute", "through": "sub/../../closed", "around": "/srv/open/../closed"}
    for name, target in links.items():
        os.symlink(target, f"{root}/srv/open/to-{name}")
    return root, links


def both(root):
    """The same as a running and as a stopped instance has it."""
    view = Overlay(root)
    return ((view.merged, dict(flags=0)), ([root], dict(flags=LAYERS)))


@test
def nothing_but_the_paths():
    root, _ = guarded_root()
    paths = ["/opt", "/srv/open", "/etc/passwd", "/not/there", "/etc/passwd/x"]
    for roots, options in both(root):
        for command, want in ((["ls", "-A", "/"], b"etc\nopt\nsrv\n"), (["ls", "-A", "/etc", "/srv"], b"/etc:\npasswd\n\n/srv:\nopen\n"),
                              (["ls", "/opt/one"], b"file\n"), (["ls", "/srv/open/sub/../../../opt"], b"one\n"), (["ls", "-d", "/etc/passwd"], b"/etc/passwd\n")):
            got = ready(jailed(command, roots, paths=sorted(paths, key=len), **options))
            equal((got.out, got.code), (want, 0), command)
        # Names come from the instance's passwd if that is one of the paths, and from nowhere else.
        assert b"root" in ready(jailed(["ls", "-l", "/opt"], roots, paths=["/opt", "/etc/passwd"], **options)).out
        assert b" 0 " in ready(jailed(["ls", "-l", "/opt"], roots, paths=["/opt"], **options)).out
        # The control: without paths everything is there.
        assert b"home" in ready(jailed(["ls", "/"], roots, **options)).out
        # None of the paths exists: an empty root.
        equal(ready(jailed(["ls", "-A", "/"], roots, paths=["/gone"], **options)).out, b"")


@test
def hostile_links_lead_nowhere():
    root, links = guarded_root()
    for roots, options in both(root):
        followed = set()
        for name in links:
            for command in (["ls", "-l", f"/srv/open/to-{name}/"], ["ls", "-L", f"/srv/open/to-{name}"], ["ls", f"/srv/open/to-{name}/canary"],
                            ["ls", f"/srv/open/to-{name}/srv/closed"], ["du", "-D", f"/srv/open/to-{name}"], ["du", f"/srv/open/to-{name}/canary"]):
                got = ready(jailed(command, roots, paths=["/srv/open"], **options))
                assert b"canary\n" not in got.out and b"closed\n" not in got.out and b"home" not in got.out, (command, got)
                free = ready(jailed(command, roots, **options))
                if free.code == 0 and free.out != got.out:
                    followed.add(name)
        # The control: the whole view has what they lead to. (Its /proc is an empty folder of the image.)
        equal(followed, set(links) - {"proc", "cwd"}, options)
        for command in (["ls", "-R", "/"], ["ls", "-LR", "/"], ["du", "-aL", "/"], ["du", "-aL", "/srv/open/../.."]):
            got = ready(jailed(command, roots, paths=["/srv/open"], **options))
            assert b"inside" in got.out and b"canary" not in got.out and b"closed" not in got.out, (command, got)
        assert b"canary" in ready(jailed(["ls", "-R", "/"], roots, **options)).out


@test
def a_link_in_the_place_of_a_path():
    root, _ = guarded_root()
    os.symlink("/srv/closed", root + "/opt/link")
    os.symlink("/srv", root + "/opt/way")
    for roots, options in both(root):
        for path in ("/opt/link", "/opt/way/closed", "/rootlink/srv/closed"):
            equal(refused(jailed(["ls", path], roots, paths=[path], **options), "paths"), 40)
    equal(refused(writing(["rm", "-r", "/opt/link/canary"], roots_of(root), paths=["/opt/link"]), "paths"), 40)


def roots_of(root):
    return Overlay(root).merged


@test
def writers_write_in_it_only():
    root, links = guarded_root()
    view = Overlay(root)
    outside = ["srv/closed/canary", "srv/openly/canary", "canary", "home/hard", "etc/passwd"]
    options = dict(paths=["/srv/open"])
    for operand in [f"/srv/open/to-{name}/{victim}" for name in links for victim in ("canary", "closed", "srv/closed", "srv/closed/canary")]:
        ready(writing(["rm", "-rf", operand], view.merged, **options))
    ready(writing(["rm", "-rf", "/srv/closed", "/srv/open/../closed", "/home", "/canary"], view.merged, **options))
    assert all(os.path.exists(f"{view.merged}/{path}") for path in outside), "something outside is gone"
    equal(ready(writing(["rm", "-r", "/srv/open/sub"], view.merged, **options)).code, 0)
    assert not os.path.exists(view.merged + "/srv/open/sub") and os.path.exists(view.merged + "/srv/open/inside")
    # The path itself is a mount: the guard says so; rm without it empties the folder and keeps it.
    equal(refused(writing(["rm", "-r", "/srv/open"], view.merged, guards=["/srv/open"], **options), "guard_mount"), 0)
    equal(refused(writing(["rm", "-r", "/"], view.merged, guards=["/srv/open/../.."], **options), "guard_root"), 0)
    equal(refused(writing(["rm", "-r", "/srv"], view.merged, guards=["/srv"], protected=["/srv"], **options), "guard_system"), 0)
    equal(ready(writing(["rm", "-r", "/srv/open"], view.merged, **options)).err, b"rm: cannot remove '/srv/open': Read-only file system\n")
    equal(os.listdir(view.merged + "/srv/open"), [])
    assert all(os.path.exists(f"{view.merged}/{path}") for path in outside), "something outside is gone"
    # What leads there is not the instance's, and read-only.
    equal(ready(writing(["rm", "-r", "/opt", "/srv"], view.merged, paths=["/srv/closed", "/opt/one/file"])).code, 1)
    assert os.path.exists(view.merged + "/opt/one/file") and os.path.isdir(view.merged + "/srv/closed")
    # A reader removes nothing.
    equal(ready(jailed(["rm", "/canary"], view.merged, paths=["/canary"])).code, 1)
    assert os.path.exists(view.merged + "/canary")
    # The control: in the whole view the links lead a writer outside.
    os.symlink("../openly", view.merged + "/srv/open/to-up")
    equal(ready(writing(["rm", "/srv/open/to-up/canary"], view.merged)).code, 0)
    assert not os.path.exists(view.merged + "/srv/openly/canary")


@test
def paths_in_one_another():
    root, _ = guarded_root()
    for roots, options in both(root):
        paths = ["/srv", "/srv", "/opt/one", "/srv/open", "/opt/one/file", "/srv/open/sub/deep"]
        got = ready(jailed(["ls", "-A", "/", "/opt", "/srv"], roots, paths=paths, **options))
        equal(got.out, b"/:\nopt\nsrv\n\n/opt:\none\n\n/srv:\nclosed\nopen\nopenly\n")
        got = ready(jailed(["ls", "-A", "/srv"], roots, paths=["/srv/open", "/srv/openly"], **options))
        equal(got.out, b"open\nopenly\n")  # one name begins with the other: neither holds the other


@test
def volumes_and_blockers_below_are_kept():
    lower, _ = guarded_root()
    os.makedirs(lower + "/srv/open/data/sub")
    os.makedirs(lower + "/srv/open/proc")
    view = Overlay(lower)
    volume, closed = folder("volume"), folder("closed")
    write(volume, "kept", b"v")
    write(volume, "part/file", b"v")
    os.mkdir(volume + "/sub")
    write(closed, "canary", SECRET)
    write(view.merged, "srv/open/proc/hidden", SECRET)
    options = dict(volumes=[(volume, "/srv/open/data", "w"), (closed, "/srv/open/data/sub", "r"), (closed, "/srv/closed", "w")],
                   blockers=["/srv/open/proc", "/home", "/opt"])
    got = ready(jailed(["ls", "-A", "/srv/open/data", "/srv/open/data/sub", "/srv/open/proc"], view.merged, paths=["/srv/open"], **options))
    equal(got.out, b"/srv/open/data:\nkept\npart\nsub\n\n/srv/open/data/sub:\ncanary\n\n/srv/open/proc:\n")
    # A path that lies in a volume, and one that a blocker stands on or above.
    got = ready(jailed(["ls", "-A", "/", "/srv/open/data", "/srv/open/data/part"], view.merged, paths=["/home", "/opt/one", "/srv/open/data/part"], **options))
    equal(got.out, b"/:\nhome\nsrv\n\n/srv/open/data:\npart\n\n/srv/open/data/part:\nfile\n")
    equal(ready(jailed(["ls", "-A", "/home"], view.merged, paths=["/home"], **options)).out, b"")
    # Writers: where the volume is "w", and nowhere else.
    write_options = dict(paths=["/srv/open"], **options)
    equal(ready(writing(["rm", "/srv/open/data/sub/canary"], view.merged, **write_options)).err,
          b"rm: cannot remove '/srv/open/data/sub/canary': Read-only file system\n")
    equal(ready(writing(["rm", "/srv/open/data/kept"], view.merged, **write_options)).code, 0)
    assert b"Device or resource busy" in ready(writing(["rm", "-r", "/srv/open/proc"], view.merged, **write_options)).err
    equal((sorted(os.listdir(volume)), os.listdir(closed)), (["part", "sub"], ["canary"]))


@test
def flags_of_a_narrowed_view():
    lower = plain_root()
    os.makedirs(lower + "/many/data")
    os.makedirs(lower + "/many/blocked")
    for i in range(2000):
        os.close(os.open(f"{lower}/many/{'x' * 60}{i:05}", os.O_CREAT, 0o644))
    view = Overlay(lower)
    volume = folder("volume")
    for flags, capabilities in ((0, 1 << DAC_OVERRIDE), (WRITES, 1 << DAC_OVERRIDE | 1 << FOWNER)):
        running = Running(["ls", "-l", "/many"], control([view.merged], flags=flags, capabilities=capabilities, paths=["/many", "/etc/passwd"],
                                                         volumes=[(volume, "/many/data", "r")], blockers=["/many/blocked"]))
        equal(running.status_line(), "ready\n")
        try:
            mounts = [line.split() for line in open(f"/proc/{running.pid}/mountinfo")]
            equal(sorted(mount[4] for mount in mounts), ["/", "/etc/passwd", "/many", "/many/blocked", "/many/data"])
            for mount in mounts:
                options = set(mount[5].split(","))
                assert {"nosuid", "nodev", "noexec", "noatime"} <= options, mount
                equal("ro" in options, flags == 0 or mount[4] in ("/", "/many/data", "/many/blocked"), mount)
                assert "shared" not in str(mount) and "master" not in str(mount), mount
        finally:
            signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
            running.finish()


ESCAPE = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
// Waits inside a folder until somebody has moved it out of the path, then goes up.
int main(void) {
    int folder = open("/srv/open/work/deep", O_RDONLY | O_DIRECTORY);
    if (folder < 0 || fchdir(folder) != 0) return 3;
    puts("inside");
    fflush(stdout);
    struct stat status;
    while (fstatat(AT_FDCWD, "moved", &status, 0) != 0) continue;
    static const char *const up[] = {"..", "../..", "../../..", "../closed/canary", "../srv/closed/canary", "../../srv/closed/canary"};
    for (size_t i = 0; i < sizeof up / sizeof up[0]; i++) {
        int found = open(up[i], O_RDONLY);
        printf("%s %d\n", up[i], found < 0 ? errno : 0);
    }
    return 0;
}
"""


@test
def a_folder_that_is_moved_out_from_under_it():
    """The tenant moves the folder that the tool is in to the root of the instance: ".." must not lead there."""
    root, _ = guarded_root()
    view = Overlay(root)
    with program("escape", ESCAPE):
        for options, answers in ((dict(paths=["/srv/open"]), {"2"}), ({}, {"0", "2"})):
            os.makedirs(view.merged + "/srv/open/work/deep", exist_ok=True)
            running = Running(["escape"], control([view.merged], **options))
            equal(running.status_line(), "ready\n")
            equal(os.read(running.out, 100), b"inside\n")
            os.rename(view.merged + "/srv/open/work/deep", view.merged + "/moved-out")
            write(view.merged, "moved-out/moved")
            result = running.finish()
            lines = [line.rsplit(" ", 1) for line in result.out.decode().splitlines()]
            equal((len(lines), {code for _, code in lines}), (6, answers), result)
            subprocess.run(["rm", "-r", view.merged + "/moved-out"], check=True)


@test
def races_for_a_path():
    """Folder and link to a canary's folder change places while views are made of the folder."""
    root, _ = guarded_root()
    view = Overlay(root)
    os.mkdir(view.merged + "/srv/a")
    write(view.merged, "srv/a/mine", b"")
    os.symlink("/srv/closed", view.merged + "/srv/b")
    swap = subprocess.Popen(["python3", "-c", SWAP, view.merged + "/srv"])
    seen = {"mine": 0, "refused": 0}
    try:
        for _ in range(300):
            got = jailed(["ls", "-A", "/srv/a", "/srv/a/"], view.merged, paths=["/srv/a"])
            assert b"canary" not in got.out, got
            seen["mine"] += b"mine" in got.out
            seen["refused"] += got.status == "failed paths 40\n"
            ready(got) if b"mine" in got.out else None
            got = writing(["rm", "-rf", "/srv/a/canary"], view.merged, paths=["/srv/a"])
            assert got.status in ("ready\n", "failed paths 40\n"), got
    finally:
        swap.kill()
        swap.wait()
    assert os.path.exists(view.merged + "/srv/closed/canary")
    assert all(seen.values()), f"the race showed one side only: {seen}"
    return str(seen)


SWAP = """
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
while True:
    libc.renameat2(-100, b"a", -100, b"b", 2)
"""


@test
def many_paths():
    root = plain_root()
    paths = []
    for i in range(64):
        write(root, f"wide/{i:02}/{'n' * 200}/file", b"")
        paths.append(f"/wide/{i:02}/{'n' * 200}")
    for roots, options in both(root):
        got = ready(jailed(["ls", "-R", "/wide"], roots, paths=paths, **options))
        equal(got.out.count(b"file\n"), 64)
    # A path longer than a name may be is nowhere.
    equal(refused(jailed(["ls"], roots, paths=["/" + "x" * 300], flags=LAYERS), "paths"), 36)
