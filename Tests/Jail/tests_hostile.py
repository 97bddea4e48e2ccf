"""Roots that somebody prepared against us. Each attack has a control that shows it working without the jail."""

import os
import shutil
import stat
import subprocess

from harness import (LAYERS, LIVE, WORK, Overlay, chrooted, copy_tools, equal, folder, jailed, plain_root, program, ready, refused,
                     test, write, writing)

EVIL = r"""
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {
    if (write(2, "EVIL\n", 5) < 0) _exit(9);
    int marker = open("/PWNED", O_CREAT | O_WRONLY, 0644);
    if (marker >= 0) close(marker);
}
"""


def evil_root():
    """A name service module, a preload list, a loader and an ls of the tenant's."""
    root = plain_root()
    source = WORK + "/evil.c"
    with open(source, "w") as file:
        file.write(EVIL)
    for directory in ("/lib", "/usr/lib", "/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu"):
        os.makedirs(root + directory, exist_ok=True)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", root + directory + "/libnss_evil.so.2", source], check=True)
    for database in ("passwd", "group", "initgroups"):
        write(root, "etc/nsswitch.conf", b"passwd: evil\ngroup: evil\n")
    return root


@test
def hostile_name_service():
    """Whatever asks for names of users and groups, by name or by number."""
    root = evil_root()
    commands = [["ls", "-l", "/home"], ["stat", "--format=%U %G", "/home/hard"], ["find", "/home", "-user", "alice", "-ls"],
                ["find", "/home", "-nogroup", "-o", "-group", "alice", "-printf", "%u %g\n"], ["tree", "-u", "-g", "/home"]]
    commands = [command for command in commands if shutil.which(command[0], path="/usr/bin:/bin")]
    copy_tools(root, {command[0] for command in commands})
    for command in commands:
        before = chrooted(command, root)
        assert b"EVIL" in before.err and os.path.exists(root + "/PWNED"), f"the control was not caught: {before}"
        os.unlink(root + "/PWNED")
    view = Overlay(root)
    for command in commands:
        for got in (jailed(command, view.merged), writing(command, view.merged), jailed(command, [root], flags=LAYERS)):
            ready(got)
            equal((got.code, got.err), (0, b""))
            assert b"alice" in got.out, got
    assert not os.path.exists(view.merged + "/PWNED")


LOADER = r"""
#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
int main(void) {
    struct passwd user, *found = NULL;
    char text[1024];
    printf("%d ", dlopen("/usr/lib/libnss_evil.so.2", RTLD_NOW) != NULL);
    getpwuid_r(4711, &user, text, sizeof text, &found);
    printf("%d %d\n", found != NULL, getgrent() != NULL);
    return 0;
}
"""


@test
def nothing_is_loaded_from_a_view():
    """What the library does not replace would still find no memory to run the tenant's code in."""
    root = evil_root()
    with program("loader", LOADER) as path:
        shutil.copy2(path, root + "/usr/bin/loader")
        before = chrooted(["/usr/bin/loader"], root)
        assert before.out.startswith(b"1 ") and b"EVIL" in before.err, f"the control was not caught: {before}"
        os.unlink(root + "/PWNED")
        view = Overlay(root)
        for got in (jailed(["loader"], view.merged), writing(["loader"], view.merged), jailed(["loader"], [root], flags=LAYERS)):
            equal((ready(got).out, got.err, got.code), (b"0 0 0\n", b"", 0), got)
    assert not os.path.exists(view.merged + "/PWNED")


@test
def hostile_preload_loader_and_tool():
    root = evil_root()
    library = root + "/usr/lib/libnss_evil.so.2"
    write(root, "etc/ld.so.preload", b"/usr/lib/libnss_evil.so.2\n")
    before = chrooted(["ls", "/home"], root)
    assert b"EVIL" in before.err, f"the control was not caught: {before}"
    if os.path.exists(root + "/PWNED"):
        os.unlink(root + "/PWNED")
    for victim in ("/usr/bin/ls", "/usr/bin/rm", "/lib64/ld-linux-x86-64.so.2"):
        if os.path.exists(root + victim):
            shutil.copy2(library, root + victim)
    view = Overlay(root)
    got = ready(writing(["ls", "-l", "/usr/bin"], view.merged))
    equal((got.code, got.err), (0, b""))
    equal(ready(writing(["rm", "/home/delete_this.txt"], view.merged)).code, 0)
    assert not os.path.exists(view.merged + "/PWNED")


@test
def hostile_name_files():
    """A FIFO hangs glibc for ever; a device, a link out, a directory, a sparse giant and rubbish must not matter."""
    root = plain_root()
    os.unlink(root + "/etc/passwd")
    os.mkfifo(root + "/etc/passwd")
    assert chrooted(["ls", "-l", "/home"], root, timeout=1).timed_out, "the control did not hang"
    got = ready(jailed(["ls", "-l", "/home"], Overlay(root).merged, timeout=20))
    assert not got.timed_out and got.code == 0 and b" 1000 " in got.out, got

    def device(path):
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero

    def giant(path):
        with open(path, "wb") as file:
            file.truncate(1 << 40)

    def host_link(path):
        os.symlink("/../../../../proc/self/root/etc/passwd", path)

    def rubbish(path):
        with open(path, "wb") as file:
            file.write(os.urandom(1 << 20))

    def full(path):
        with open(path, "wb") as file:
            file.write(b"a:x:1000:1000:" + b"y" * ((1 << 20) - 14))

    for make in (device, giant, host_link, rubbish, full, os.mkdir):
        for name in ("passwd", "group"):
            root = plain_root()
            os.unlink(f"{root}/etc/{name}")
            make(f"{root}/etc/{name}")
            got = ready(jailed(["ls", "-l", "/home"], Overlay(root).merged, timeout=20))
            assert not got.timed_out and got.code == 0 and got.err == b"", (make.__name__, got)


@test
def names_while_the_file_changes():
    root = plain_root()
    view = Overlay(root)
    path = write(view.merged, "etc/passwd", b"x:x:1:1:::\n" * 50000)
    stop = os.fork()
    if stop == 0:
        while True:
            for size in (0, 4096, 1 << 19):
                os.truncate(path, size)
    try:
        for _ in range(100):
            got = ready(jailed(["ls", "-l", "/home"], view.merged))
            equal((got.code, got.err), (0, b""))
    finally:
        os.kill(stop, 9)
        os.waitpid(stop, 0)


@test
def links_resolve_inside():
    host = folder("host-secret")
    write(host, "canary", b"secret")
    root = plain_root()
    for i, target in enumerate((host, "/../../../.." + host, "/proc/1/root" + host, "/proc/self/cwd/../.." + host)):
        os.symlink(target, f"{root}/to-host-{i}")
    view = Overlay(root)
    for i in range(4):
        got = ready(jailed(["ls", f"/to-host-{i}/"], view.merged))
        equal((got.code, got.out), (2, b""), got)
        ready(writing(["rm", "-rf", f"/to-host-{i}/canary", f"/to-host-{i}/"], view.merged))
    assert b"canary" not in ready(jailed(["ls", "-R", "/"], view.merged)).out
    equal(os.listdir(host), ["canary"])


@test
def device_nodes_do_not_open():
    """du --files0-from opens what it is given: the kernel log of the host, under chroot."""
    root = plain_root()
    os.mknod(root + "/log", stat.S_IFCHR | 0o666, os.makedev(1, 11))
    os.mknod(root + "/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    before = chrooted(["du", "--files0-from=/null"], root)
    equal((before.code, before.err), (0, b""), "the control could not open the device")
    for device in ("/null", "/log"):
        got = ready(jailed(["du", "--files0-from=" + device], Overlay(root).merged, timeout=20))
        equal(got.code, 1)
        assert b"Permission denied" in got.err, got


def container_mounts(view, places):
    """Another mount namespace on the same overlay with mounts of its own: a running container's situation."""
    script = f'cd "{view.merged}" && ' + " && ".join(f"mount -t tmpfs tmpfs ./{place}" if os.path.isdir(view.merged + "/" + place) else
                                                    f'mount --bind /etc/hostname ./{place}' for place in places)
    process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script + "; echo made; exec sleep 100"],
                               stdout=subprocess.PIPE)
    equal(process.stdout.readline(), b"made\n")
    return process


@test
def mounts_of_a_running_container_stay():
    places = ["data", "proc", "etc/hosts"]
    lower = plain_root()
    os.makedirs(lower + "/data")
    os.makedirs(lower + "/proc")
    write(lower, "etc/hosts", b"")
    command = ["rm", "-rf", "/data", "/proc", "/etc/hosts"]

    view = Overlay(lower)
    container = container_mounts(view, places)
    try:
        table = f"/proc/{container.pid}/mountinfo"
        before = open(table).read()
        ready(writing(command, view.merged))
        assert open(table).read() != before, "the control did not lose a mount"
    finally:
        container.kill()
        container.wait()

    view = Overlay(lower)
    container = container_mounts(view, places)
    try:
        table = f"/proc/{container.pid}/mountinfo"
        before = open(table).read()
        blockers = ["/" + place for place in places] + ["/not/there"]
        got = ready(writing(command, view.merged, blockers=blockers))
        equal((got.code, got.err.count(b"Device or resource busy")), (1, 3), got)
        equal(open(table).read(), before)
        got = ready(writing(["rm", "-rf", "/etc", "/home"], view.merged, blockers=blockers))
        equal(open(table).read(), before)
        # A blocker is empty, and read-only even to a writer.
        equal(ready(jailed(["ls", "-A", "/data"], view.merged, blockers=blockers)).out, b"")
    finally:
        container.kill()
        container.wait()


@test
def blockers_meet_links():
    lower = plain_root()
    os.symlink("/home", lower + "/mounted")
    view = Overlay(lower)
    equal(refused(writing(["rm", "/home/hard"], view.merged, blockers=["/mounted"]), "blocker"), 40)
    equal(refused(writing(["rm", "/home/hard"], view.merged, blockers=["/mounted/deep"]), "blocker"), 40)
    ready(jailed(["ls"], view.merged, blockers=["/mounted"]))
    # A live mount's place that is gone (renamed a moment ago) leaves its mount unprotected from a writer.
    equal(refused(writing(["rm", "/home/hard"], view.merged, flags=LIVE, blockers=["/gone"]), "blocker"), 2)
    ready(jailed(["ls"], view.merged, flags=LIVE, blockers=["/gone"]))
    assert os.path.exists(view.merged + "/home/hard")


@test
def races_do_not_escape():
    """Directory and link to a host directory change places while we delete; the canary lives on the host."""
    host = folder("canary")
    write(host, "victim", b"alive")
    view = Overlay(plain_root())
    os.mkdir(view.merged + "/home/a")
    os.symlink(host, view.merged + "/home/b")
    swapper = WORK + "/swap"
    with open(WORK + "/swap.c", "w") as file:
        file.write("#include <fcntl.h>\n#include <stdio.h>\n#include <unistd.h>\nint main(void) { if (chdir(\"%s/home\")) return 1; "
                   "for (;;) renameat2(AT_FDCWD, \"a\", AT_FDCWD, \"b\", RENAME_EXCHANGE); }\n" % view.merged)
    subprocess.run(["cc", "-D_GNU_SOURCE", "-o", swapper, WORK + "/swap.c"], check=True)
    process = subprocess.Popen([swapper])
    reached = 0
    try:
        for _ in range(200):
            got = ready(writing(["rm", "-rf", "/home/a/victim"], view.merged))
            assert got.code in (0, 1), got
            reached += os.path.exists(view.merged + "/home/a/victim")
    finally:
        process.kill()
        process.wait()
    equal(os.listdir(host), ["victim"])
    assert reached > 0, "the control path never led to the host"
    return f"200 runs, {reached} times the host's path led to the canary"
