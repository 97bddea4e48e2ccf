"""Holes that others had in this very place, one by one (docs/security.md, "Lessons"): what they teach holds here."""

import ctypes
import errno
import os
import re
import shutil
import signal
import stat
import subprocess
import sys

from harness import (HERE, LAYERS, LIVE, PLAIN, POISON, WRITES, Overlay, Running, Skip, control, equal, folder, jailed, plain_root, program, ready,
                     refused, test, write, writing)

# ---- What is opened, and what is made, as strace(1) sees it

CHILD = """
import json, sys
import harness
arguments, roots, options = json.loads(sys.argv[1])
harness.ready(harness.jailed(arguments, roots, **options))
"""


def traced(*command):
    """The calls of each process below `command`, by what it executed."""
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    logs = folder("strace")
    done = subprocess.run(["strace", "-ff", "-s", "4096", "-o", logs + "/log", "-e", "trace=all", *command], capture_output=True,
                          env={**os.environ, "PYTHONPATH": HERE}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and os.listdir(logs), done
    found = {}
    for name in os.listdir(logs):
        with open(f"{logs}/{name}", errors="replace") as file:
            lines = file.read().splitlines()
        started = [index for index, line in enumerate(lines) if line.startswith("execve(") and line.endswith(" = 0")]
        if started:
            found[re.match(r'execve\("([^"]*)"', lines[started[-1]]).group(1)] = lines[started[-1] + 1:]
    return found


def calls_of_the_tool(arguments, roots, **options):
    """(before the pivot, up to "ready", the tool itself)."""
    import json
    lines = traced(sys.executable, "-c", CHILD, json.dumps([arguments, roots, options]))["/usr/bin/" + arguments[0]]
    pivot = next(index for index, line in enumerate(lines) if line.startswith("pivot_root("))
    start = next(index for index, line in enumerate(lines) if '"ready' in line)
    return lines[:pivot], lines[pivot:start], lines[start:]


MAKING = ("mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat", "link", "linkat", "unlink", "unlinkat", "rmdir", "rename", "renameat",
          "renameat2", "creat", "truncate", "chmod", "fchmodat", "chown", "fchownat", "lchown", "utimensat", "setxattr", "lsetxattr")
OURS = r'\(\d+, "(root|narrow|d|f)"'  # in a tmpfs that no name leads to
# The host's, by the linker, by its libraries' own starts, and by us.
HOSTS = ("/etc/ld.so.", "/lib", "/usr/lib", "/proc/self/fd/6", "/usr/share/misc/magic", "/usr/share/zoneinfo/UTC0", "/etc/selinux/", "/sys/fs/selinux",
         "/selinux", "/proc/filesystems")
OPENED = r'(?:openat\((?:AT_FDCWD|\d+), |open\(|stat\(|lstat\(|newfstatat\(\S+ |access\(|readlink\(|statfs\(|chdir\()"(/[^"]*)"'


def objections(before, between, after, named):
    """What a trace has that it must not have. `named`: the paths that the control block names."""
    found = []
    for line in before:
        call = line.split("(")[0]
        path = re.search(OPENED, line)
        if path and not path[1].startswith(HOSTS) and path[1] not in {"/", "/proc/self/oom_score_adj", "/proc/self/fd", *named}:
            found.append("opened before the pivot: " + line)
        if path and any(path[1].startswith(name + "/") for name in named if name != "/"):
            found.append("a path into the instance: " + line)
        if (call in MAKING or "O_CREAT" in line) and not re.search(OURS, line):
            found.append("made or changed by a path: " + line)
        if call == "openat2" and "RESOLVE_NO_SYMLINKS" not in line:
            found.append("a place found through links: " + line)
        if call == "open_tree" and '""' not in line or call == "move_mount" and not re.search(r'move_mount\(\d+, "", \d+, "(root)?"', line):
            found.append("attached by a path: " + line)
        if call == "mount" and not re.search(r'^mount\(NULL, "/", NULL, MS_REC\|MS_PRIVATE|^mount\("boathook", "\d+", "overlay"', line):
            found.append("mounted by a path: " + line)
    for line in between:
        call = line.split("(")[0]
        if call in MAKING or re.search("O_CREAT|O_WRONLY|O_RDWR", line) or call.startswith("open") and "O_PATH" not in line:
            found.append("more than looked at before the tool starts: " + line)
    for line in after:
        path = re.search(OPENED, line)
        if path and re.search(r"ld\.so|\.so\b|nsswitch|/locale|zoneinfo|localtime|gconv|/proc/|/sys/|/dev/|selinux|\.mo$", path[1]):
            found.append("read of the instance: " + line)
        if re.search(r"^mmap\(.*PROT_EXEC|^execve", line):
            found.append("code: " + line)
    return found


@test
def what_is_opened_and_made_by_a_path():
    """Before the view is the root, nothing that a tenant can name is opened by a path, and nothing at all is made by one."""
    view = Overlay(plain_root())
    os.makedirs(view.merged + "/data")
    os.makedirs(view.merged + "/proc")
    volume = folder("volume")
    options = dict(volumes=[[volume, "/data", "w"]], blockers=["/proc", "/etc/group"])
    cases = ((["ls", "-l", "/home", "/data"], [view.merged], dict(flags=LIVE, **options)),
             (["ls", "-l", "/home"], [view.upper, view.lower], dict(flags=LAYERS, **options)),
             (["du", "-a", "/home"], [view.merged], dict(paths=["/home", "/etc/passwd"], **options)),
             (["rm", "-rf", "/home/deep"], [view.merged],
              dict(flags=WRITES | LIVE, capabilities=10, guards=["/home/deep"], protected=["/etc", "/usr"], **options)))
    seen = 0
    for arguments, roots, more in cases:
        trace = calls_of_the_tool(arguments, roots, **more)
        narrowed = [line for line in trace[0] if "narrow" in line or re.match(r"(mkdir|mknod)at\(\d+, \"(home|etc|passwd)\"", line)]
        if "paths" in more:  # the way to them is made in the narrow tmpfs, below a descriptor
            trace = ([line for line in trace[0] if line not in narrowed], *trace[1:])
        equal(objections(*trace, named=[*roots, volume]), [], arguments)
        seen += sum(map(len, trace))
    # The control: the same eye on the same tool under a plain chroot.
    lines = traced("/usr/sbin/chroot", view.merged, "ls", "-l", "/home")
    tool = next(calls for name, calls in lines.items() if name.endswith("bin/ls"))
    faults = " ".join(objections([], [], tool, named=[]))
    assert "nsswitch" in faults and "PROT_EXEC" in faults and "ld.so" in faults, faults
    faults = " ".join(objections(['mkdirat(AT_FDCWD, "/x/home", 0755) = 0', f'openat(AT_FDCWD, "{view.merged}/etc/passwd", O_RDONLY) = 3',
                                  'openat2(3, "data", {flags=O_PATH, resolve=RESOLVE_IN_ROOT}, 24) = 4', 'mount("x", "/x/data", "tmpfs", 0, NULL) = 0'],
                                 ['openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3'], [], named=[view.merged]))
    for word in ("made or changed", "into the instance", "through links", "mounted by a path", "more than looked at"):
        assert word in faults, (word, faults)
    return f"{seen} calls"


# ---- What the tool has

def waiting(view, **options):
    """A tool that is ready, and waits for whoever reads its output."""
    many = view.merged + "/many"
    if not os.path.isdir(many):
        os.mkdir(many)
        for i in range(2000):
            os.close(os.open(f"{many}/{'x' * 60}{i:05}", os.O_CREAT, 0o644))
    running = Running(["ls", "-l", "/many"], control([view.merged], **options))
    equal(running.status_line(), "ready\n")
    return running


def killed(running):
    signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
    running.finish()


@test
def where_it_stands_and_whose_terminal():
    """Wherever the agent stands and whatever it holds open: the tool is in its root, and has no terminal to type into."""
    view = Overlay(plain_root())
    held = os.open(view.merged + "/home", os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(held, True)
    before = os.getcwd()
    os.chdir(view.merged + "/home/deep")
    try:
        running = waiting(view)
        equal(ready(jailed(["ls"], view.merged)).out, ready(jailed(["ls", "/"], view.merged)).out)
    finally:
        os.chdir(before)
        os.close(held)
    try:
        root = os.stat(view.merged)
        for link in ("cwd", "root"):
            there = os.stat(f"/proc/{running.pid}/{link}")
            equal((there.st_dev, there.st_ino), (root.st_dev, root.st_ino), link)
        fields = open(f"/proc/{running.pid}/stat").read().rsplit(")", 1)[1].split()
        equal((fields[3], fields[4]), (str(running.pid), "0"))  # its session, its terminal (proc(5))
        assert not [fd for fd in os.listdir(f"/proc/{running.pid}/fd") if os.readlink(f"/proc/{running.pid}/fd/{fd}").endswith("/home")]
    finally:
        killed(running)


@test
def its_turn_at_the_disk_is_the_last():
    """ioprio_get(2): best effort, level 7 of 0 to 7. The control is this process, to which nobody gave one."""
    call = {"x86_64": 252, "aarch64": 31}[os.uname().machine]
    running = waiting(Overlay(plain_root()))
    try:
        equal([ctypes.CDLL(None).syscall(call, 1, pid) for pid in (running.pid, os.getpid())], [2 << 13 | 7, 0])
    finally:
        killed(running)


@test
def nothing_of_proc_sys_dev_and_cgroups():
    """A tenant's own /proc, /sys and /dev stay files: they are not written to, not mounted over by path, and stand for nothing."""
    root = plain_root()
    write(root, "canary", b"kept")
    for path in ("proc/self/attr/exec", "proc/self/oom_score_adj", "proc/self/exe", "proc/1/exe", "sys/fs/cgroup/release_agent", "proc/sys/kernel/core_pattern"):
        write(root, path, b"the tenant's")
    os.makedirs(root + "/dev")
    os.symlink("/canary", root + "/dev/null")
    os.symlink("/canary", root + "/dev/console")
    view = Overlay(root)
    before = {path: open(view.merged + path).read() for path in ("/canary", "/proc/self/attr/exec", "/proc/self/oom_score_adj", "/sys/fs/cgroup/release_agent")}
    for blockers in ([], ["/proc", "/sys", "/dev"]):
        running = waiting(view, blockers=blockers)
        try:
            mounts = [line.split(" - ") for line in open(f"/proc/{running.pid}/mountinfo")]
            equal({(first.split()[4], rest.split()[0]) for first, rest in mounts}, {("/", "overlay"), *((place, "tmpfs") for place in blockers)})
            equal(open(f"/proc/{running.pid}/oom_score_adj").read(), "1000\n")
            status = os.stat(f"/proc/{running.pid}/fd/0")
            assert stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3), "standard input is not the host's /dev/null"
        finally:
            killed(running)
        assert blockers == [] or ready(jailed(["ls", "-A", "/proc", "/sys", "/dev"], view.merged, blockers=blockers)).out == b"/dev:\n\n/proc:\n\n/sys:\n"
    # What stands in the place of a mount is a link to somewhere else: a reader looks on, a writer does not start.
    ready(jailed(["ls"], view.merged, flags=LIVE, blockers=["/dev/null", "/dev/console"]))
    equal(refused(writing(["rm", "/canary"], view.merged, flags=LIVE, blockers=["/dev/null"]), "blocker"), 40)
    equal({path: open(view.merged + path).read() for path in before}, before)


REACH = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    static const char *const places[] = {"/proc/self/exe", "/proc/1/exe", "/proc/self/fd/1", "/proc/thread-self/exe", "/dev/fd/1", "/proc/self/root/usr/bin/ls"};
    char text[64];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        printf("%d %d\n", open(places[i], O_RDONLY) < 0 ? errno : 0, readlink(places[i], text, sizeof text) < 0 ? errno : 0);
    return 0;
}
"""


@test
def the_hosts_program_is_out_of_reach():
    """What was executed has no name in the view, and no file of the instance is the same inode: nobody writes into its pages."""
    view = Overlay(plain_root())
    with program("reach", REACH):
        got = ready(writing(["reach"], view.merged))
        equal(set(got.out.split(b"\n")[:-1]), {b"2 2"}, got)
    running = waiting(view)
    try:
        tool = os.stat(f"/proc/{running.pid}/exe")
        equal((tool.st_dev, tool.st_ino), (os.stat("/usr/bin/ls").st_dev, os.stat("/usr/bin/ls").st_ino))
        mapped = {line.split(None, 5)[5] for line in open(f"/proc/{running.pid}/maps") if line.count(" /") and "/" in line.split(None, 5)[-1]}
        inside = {(status.st_dev, status.st_ino) for path, _, names in os.walk(view.merged) for name in names for status in [os.lstat(os.path.join(path, name))]}
        for path in mapped:
            name = path.strip().removesuffix(" (deleted)")
            if os.path.exists(name):
                assert (os.stat(name).st_dev, os.stat(name).st_ino) not in inside, name
        assert len(mapped) >= 2, mapped
    finally:
        killed(running)


@test
def a_users_word_is_never_ours():
    """What a user says travels apart from what the jail is told: no word of it means anything to the jail."""
    view = Overlay(plain_root())
    words = [POISON, "LD_PRELOAD=/x", "-rf", "--", "WRITES", "3", "\n", "/proc/self/fd/6"]
    got = ready(jailed(["ls", "--", *words], view.merged))
    equal((got.code, got.out, got.err.count(b"cannot access")), (2, b"", len(words)), got)
    got = ready(jailed(["ls", POISON], view.merged))
    equal((got.code, got.err.splitlines()[0]), (2, f"ls: unrecognized option '{POISON}'".encode()))
    for name in words:
        if "/" not in name:
            write(view.merged, name)
    equal(ready(writing(["rm", "-v", "--", POISON, "3"], view.merged)).out, f"removed '{POISON}'\nremoved '3'\n".encode())
    # Before the poison stands the name that the agent gave; a second one is the user's.
    refused(Running(["ls", "x", POISON], control([view.merged]), poison=False).finish(), "arguments")


@test
def reading_copies_nothing_up():
    """Files with set-user-ID bits, capabilities and other marks are looked at in their layer: none of them is made anew above."""
    root = plain_root()
    write(root, "home/suid", b"\x7fELF", mode=0o6755)
    write(root, "home/capable", b"\x7fELF", mode=0o755)
    os.setxattr(root + "/home/capable", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
    view = Overlay(root)
    for command in (["ls", "-lR", "/"], ["du", "-a", "/"], ["cat", "/home/suid", "/home/capable"], ["sha256sum", "/home/suid"], ["find", "/", "-perm", "-4000"],
                    ["grep", "-r", "x", "/home"], ["stat", "/home/capable"]):
        for flags in (0, LIVE):
            ready(jailed(command, view.merged, flags=flags))
            equal(os.listdir(view.upper), [], command)
    ready(jailed(["ls", "-lR", "/"], [root], flags=LAYERS))
    # The control: opening it for writing on the host does.
    os.close(os.open(view.merged + "/home/suid", os.O_WRONLY))
    equal(os.listdir(view.upper), ["home"])


@test
def the_status_counts_every_operand():
    """A failure that is not the last one is a failure too."""
    view = Overlay(plain_root())
    for command, code in ((["ls", "/missing", "/home"], 2), (["du", "/missing", "/etc"], 1), (["cat", "/missing", "/etc/group"], 1), (["stat", "/missing", "/"], 1)):
        got = ready(jailed(command, view.merged))
        assert got.code == code and got.out and b"/missing" in got.err, (command, got)
    got = ready(writing(["rm", "/missing", "/home/hard"], view.merged))
    equal((got.code, os.path.lexists(view.merged + "/home/hard")), (1, False), got)


@test
def a_disk_without_inodes_is_said():
    """Removing what the image brought takes an inode for its mark above. Where there is none, rm says so."""
    view, disk = Overlay(plain_root()), folder("small")
    subprocess.run(["umount", view.merged], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=12", "small", disk], check=True)
    os.mkdir(disk + "/upper")
    os.mkdir(disk + "/work")
    options = f"lowerdir={view.lower},upperdir={disk}/upper,workdir={disk}/work"
    subprocess.run(["mount", "-t", "overlay", "small", "-o", options, view.merged], check=True)
    own = []
    for number in range(100):
        try:
            os.close(os.open(f"{view.merged}/own-{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except OSError as error:
            equal(error.errno, errno.ENOSPC)
            break
        own.append(f"/own-{number}")
    assert len(own) < 100, "there is room without end"
    assert own, "the control: there was room for some"
    for command in (["rm", "/home/hard"], ["rm", "-rf", "/home/deep"]):
        got = ready(writing(command, view.merged))
        assert got.code == 1 and b"No space left on device" in got.err, (command, got)
    assert os.path.exists(view.merged + "/home/hard") and os.path.exists(view.merged + "/home/deep/a/b/c/file")
    equal(ready(jailed(["du", "-s", "/home"], view.merged)).code, 0)
    # What the instance made itself takes nothing to remove, and then there is room for marks.
    equal(ready(writing(["rm", *own], view.merged)).code, 0)
    equal(ready(writing(["rm", "/home/hard"], view.merged)).code, 0)
    assert not os.path.exists(view.merged + "/home/hard")


@test
def without_a_way_to_seal_there_is_no_jail():
    """An older kernel is not a reason for a weaker jail: each call that it might lack ends the run (strace --inject)."""
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    import json
    view = Overlay(plain_root())
    code = "import json, sys\nimport harness\na, r = json.loads(sys.argv[1])\nprint(json.dumps(repr(harness.writing(a, r, blockers=['/etc'], guards=['/tmp']))))"
    arguments = [sys.executable, "-c", code, json.dumps([["rm", "-v", "/home/hard"], view.merged])]
    environment = {**os.environ, "PYTHONPATH": HERE, **PLAIN, "PATH": os.environ["PATH"]}
    calls = ("mount_setattr", "open_tree", "move_mount", "openat2", "close_range", "statx", "pivot_root", "setns", "seccomp", "capset", "ioprio_set")
    for call in calls:
        done = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error=ENOSYS", *arguments],
                              capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
        step = re.search(r"status='failed \w+ \d+", done.stdout) and "code=125" in done.stdout
        # Without close_range the spawner does not even execute the tool.
        assert "removed" not in done.stdout and (step or call == "close_range" and "OSError: [Errno 38]" in done.stderr), (call, done)
        assert os.path.lexists(view.merged + "/home/hard"), call
    # The control: with all of them, it runs.
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    assert "ready" in done.stdout and not os.path.lexists(view.merged + "/home/hard"), done
    return f"{len(calls)} calls"
