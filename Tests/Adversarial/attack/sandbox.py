"""A throw-away root: the host's file tree as the lower layer of an overlay whose upper layer is in memory.

Weakened jails do on purpose what a jail must not, and so might a broken one. In here, whatever is created, changed or
removed anywhere is written to the upper layer and gone with it; and an upper layer that is still empty at the end shows
that no file of the host was touched.

`run` starts a command in one; this module's own main makes it.
"""

import ctypes
import os
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "/tmp/package"  # where the folder of this package is found inside
TREE = "/tmp/tree"  # and the source tree under attack
UPPER = "BOATHOOK_ATTACK_UPPER"  # the number of a descriptor of the upper layer
INODES = "BOATHOOK_ATTACK_INODES"  # how many the host's file system has

NEWNS, NEWPID = 0x20000, 0x20000000
PRIVATE, BIND, READ_ONLY, REMOUNT, DETACH = 0x44000, 0x1000, 1, 0x20, 2
SIGKILL, PR_SET_PDEATHSIG = 9, 1
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "kmsg": (1, 11), "tty": (5, 0)}


def run(tree, command, environment=None, timeout=None, pass_fds=(), **options):
    """Runs the command in a sandbox of its own; what subprocess.run returns."""
    base = tempfile.mkdtemp(prefix="boathook-attack.", dir="/tmp")
    inside = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1",
              "PYTHONUNBUFFERED": "1", "PYTHONPATH": PACKAGE, **(environment or {})}
    try:
        return subprocess.run([sys.executable, os.path.abspath(__file__), base, os.path.abspath(tree), *command], env=inside,
                              timeout=timeout, pass_fds=pass_fds, check=False, **options)
    finally:
        os.rmdir(base)  # what was mounted there was so in the sandbox's own namespace


# ---- Making it

libc = ctypes.CDLL(None, use_errno=True)


def check(result, about):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{about}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind=None, flags=0, data=None):
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    check(libc.mount(*words, ctypes.c_ulong(flags), None if data is None else data.encode()), f"mount on {target}")


def bind(source, target, read_only=True):
    mount(source, target, flags=BIND)
    if read_only:
        mount(None, target, flags=BIND | REMOUNT | READ_ONLY)


def other_disks():
    """Places of the host that are on file systems of their own, such as a separate /usr."""
    kinds = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "nfs4"}
    with open("/proc/self/mountinfo") as table:
        for line in table:
            words, kind = line.split(), line.split(" - ")[1].split()[0]
            place = words[4]
            if kind in kinds and place != "/" and not place.startswith(("/proc", "/sys", "/dev", "/tmp", "/run", "/var")):
                yield place


def make_devices(folder):
    mount("attack", folder, "tmpfs", data="mode=0755")
    for name, number in DEVICES.items():
        os.mknod(os.path.join(folder, name), stat.S_IFCHR | 0o666, os.makedev(*number))
        os.chmod(os.path.join(folder, name), 0o666)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        os.symlink(target, os.path.join(folder, name))
    os.mkdir(os.path.join(folder, "shm"))


def leave_with_parent():
    check(libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "prctl")


def enter(base, tree):
    """In a mount namespace of our own already, as process 1 of its process namespace."""
    host = os.statvfs("/")
    mount(None, "/", flags=PRIVATE)
    disks = list(other_disks())
    mount("attack", base, "tmpfs", data="mode=0755,size=75%,nr_inodes=0")
    root, upper, work, temporary = (os.path.join(base, name) for name in ("root", "upper", "work", "tmp"))
    for path in (root, upper, work, temporary):
        os.mkdir(path)
    os.chmod(temporary, 0o1777)
    mount("attack", root, "overlay", data=f"lowerdir=/,upperdir={upper},workdir={work}")
    for disk in disks:
        if os.path.isdir(root + disk):
            bind(disk, root + disk)
    mount("attack", root + "/proc", "proc")
    mount("/sys", root + "/sys", flags=BIND | 0x4000)  # MS_REC: the cgroups are below it
    make_devices(root + "/dev")
    bind(temporary, root + "/tmp", read_only=False)
    for source, target in ((os.path.dirname(HERE), PACKAGE), (tree, TREE)):
        os.mkdir(root + target)
        bind(source, root + target)
    descriptor = os.open(upper, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(descriptor, True)
    os.chdir(root)
    check(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    check(libc.umount2(b".", DETACH), "umount2")
    os.chdir("/")
    return {**os.environ, UPPER: str(descriptor), INODES: str(host.f_files - host.f_ffree)}


def changed_on_the_host():
    """What the upper layer has: everything that was written outside /tmp, /dev and /proc."""
    found = []

    def walk(descriptor, above):
        for name in sorted(os.listdir(descriptor)):
            found.append(f"{above}/{name}")
            if stat.S_ISDIR(os.lstat(name, dir_fd=descriptor).st_mode):
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                walk(below, f"{above}/{name}")
                os.close(below)

    upper = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=int(os.environ[UPPER]))
    walk(upper, "")
    os.close(upper)
    return found


def wait_for(process):
    """Its exit status as a shell says it; whoever else ends meanwhile is collected too."""
    while True:
        pid, status = os.wait()
        if pid == process:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main(base, tree, *command):
    """Process 1 of a process namespace only waits: when it is killed, with whoever started it, nothing of it is left."""
    leave_with_parent()
    check(libc.unshare(NEWNS | NEWPID), "unshare")
    first = os.fork()
    if first != 0:
        sys.exit(wait_for(first))
    leave_with_parent()
    environment = enter(base, tree)
    worker = os.fork()
    if worker != 0:
        os._exit(wait_for(worker))
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main(*sys.argv[1:])
