"""What the kernel says of a jailed tool, seen from outside while it waits for its full output pipe."""

import ctypes
import errno
import os
import re
import select
import signal
import subprocess
import time

from harness import (DAC_OVERRIDE, FOWNER, LAYERS, PATIENCE, WORK, WRITES, Overlay, Running, control, equal, folder, jailed, plain_root,
                     program, ready, refused, shim, test, write)


def many_files():
    root = plain_root()
    os.mkdir(root + "/many")
    for i in range(2000):
        os.close(os.open(f"{root}/many/{'x' * 60}{i:05}", os.O_CREAT, 0o644))
    return Overlay(root)


def waiting(view, **options):
    """`ls -l` of more than a pipe holds; returns once it sleeps in write."""
    running = Running(["ls", "-l", "/many"], control([view.merged], **options))
    equal(running.status_line(), "ready\n")
    for _ in range(6000):
        state = open(f"/proc/{running.pid}/status").read()
        if "State:\tS" in state and open(f"/proc/{running.pid}/wchan").read().find("pipe") >= 0:
            return running, state
        time.sleep(0.01)
    raise AssertionError(state)


def field(status, name):
    return re.search(rf"^{name}:\s*(.*)$", status, re.M).group(1)


@test
def seen_from_outside():
    view = many_files()
    volume = folder("volume")
    for flags, capabilities in ((0, 1 << DAC_OVERRIDE), (WRITES, 1 << DAC_OVERRIDE | 1 << FOWNER), (0, 0)):
        running, status = waiting(view, flags=flags, capabilities=capabilities, volumes=[(volume, "/tmp", "w")], blockers=["/etc/group", "/home"])
        try:
            proc = f"/proc/{running.pid}"
            want = f"{capabilities:016x}"
            equal([field(status, "Cap" + name) for name in ("Prm", "Eff", "Bnd")], [want] * 3)
            equal([field(status, "Cap" + name) for name in ("Inh", "Amb")], ["0" * 16] * 2)
            equal((field(status, "NoNewPrivs"), field(status, "Seccomp"), field(status, "Seccomp_filters")), ("1", "2", "1"))
            equal(field(status, "NSpid").split()[-1], "1")
            equal((field(status, "Threads"), field(status, "Umask"), int(field(status, "SigBlk"), 16)), ("1", "0022", 0))
            equal(int(field(status, "SigIgn"), 16), 0)
            equal(sorted(os.listdir(proc + "/fd")), ["0", "1", "2"])
            equal(os.readlink(proc + "/fd/0"), "/dev/null")
            for name in ("mnt", "pid", "net", "ipc", "uts", "cgroup"):
                assert os.readlink(f"{proc}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"), name
            mounts = [line.split() for line in open(proc + "/mountinfo")]
            equal([mount[4] for mount in mounts], ["/", "/tmp", "/etc/group", "/home"])
            for mount in mounts:
                options, blocked = set(mount[5].split(",")), mount[4] in ("/etc/group", "/home")
                assert {"nosuid", "nodev", "noexec", "noatime"} <= options, mount
                assert ("ro" in options) == (blocked or flags == 0), mount
                assert "shared" not in str(mount) and "master" not in str(mount), mount
            interfaces = open(proc + "/net/dev").read().splitlines()[2:]
            equal([line.split(":")[0].strip() for line in interfaces], ["lo"])
            limits = open(proc + "/limits").read()
            for pattern in (rf"cpu time +{20 * PATIENCE} +{20 * PATIENCE + 1} ", r"Max file size +0 +0 ",
                            r"core file size +0 +0 ", r"open files +256 +256 ", r"address space +536870912 +536870912 ",
                            r"locked memory +0 +0 ", r"msgqueue size +0 +0 "):
                assert re.search(pattern, limits), (pattern, limits)
            # The last to get the disk, the first to go when the host's memory ends. The controls: we are neither.
            equal(open(proc + "/oom_score_adj").read(), "1000\n")
            equal(subprocess.run(["ionice", "-p", str(running.pid)], capture_output=True).stdout, b"best-effort: prio 7\n")
            assert open("/proc/self/oom_score_adj").read() != "1000\n"
            assert subprocess.run(["ionice", "-p", str(os.getpid())], capture_output=True).stdout != b"best-effort: prio 7\n"
            # The control: what of the host is mapped, only the host's; nothing writable and executable.
            maps = open(proc + "/maps").read()
            assert not re.search(r" .wx", maps), maps
            assert "libboathook" not in maps and "test" in maps, maps
            equal(field(open("/proc/self/status").read(), "NoNewPrivs"), "0")
        finally:
            signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
            equal(running.finish().code, -9)


@test
def what_it_cannot_give_up_ends_it():
    """A tool that the out-of-memory killer would not take first does not start."""
    view = Overlay(plain_root())
    ready(jailed(["ls"], view.merged))
    subprocess.run(["mount", "-t", "proc", "-o", "ro", "proc", "/proc"], check=True)
    try:
        equal(refused(jailed(["ls"], view.merged), "limits"), errno.EROFS)
    finally:
        subprocess.run(["umount", "/proc"], check=True)


@test
def ends_with_the_thread_that_spawned_it():
    """PR_SET_PDEATHSIG: an agent that is killed leaves no tool behind."""
    view = many_files()
    read, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            running, _ = waiting(view)
            os.write(write_end, str(running.pid).encode())
            signal.pause()
        finally:
            os._exit(1)
    os.close(write_end)
    pid = int(os.read(read, 20))
    os.close(read)
    os.kill(pid, signal.SIGSTOP)  # so that it cannot notice that nobody reads its output
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for _ in range(6000):
        try:
            if "State:\tZ" in open(f"/proc/{pid}/status").read():
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.01)
    raise AssertionError("the tool outlived its agent")


@test
def its_memory_is_closed():
    """PR_SET_DUMPABLE: the same user without capabilities may look at a bare process, not at a jailed one."""
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    bare = subprocess.Popen(powerless + ["sleep", "100"])
    running, _ = waiting(many_files(), capabilities=0)
    try:
        while not os.readlink(f"/proc/{bare.pid}/exe").endswith("/sleep"):  # it is still setpriv, which has more
            equal(bare.poll(), None)
            time.sleep(0.01)
        look = [subprocess.run(powerless + ["cat", f"/proc/{pid}/maps"], capture_output=True) for pid in (bare.pid, running.pid)]
        equal((look[0].returncode, look[1].returncode), (0, 1), look)
    finally:
        bare.kill()
        bare.wait()
        signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
        running.finish()


@test
def stop_and_continue():
    view = many_files()
    running, _ = waiting(view)
    os.kill(running.pid, signal.SIGSTOP)
    time.sleep(0.05)
    os.kill(running.pid, signal.SIGCONT)
    result = running.finish()
    equal((result.code, result.out.count(b"\n")), (0, 2001))


SPIN = "int main(void) { for (volatile unsigned turns = 0;; turns++) continue; }"
GROW = r"""
#include <stdlib.h>
int main(void) {
    for (int megabyte = 0; megabyte < 64; megabyte++)
        if (malloc(1 << 20) == NULL) return 3;
    return 0;
}
"""


def collected(running):
    """What the agent's own call says of the process, once it has ended: its answer, exit code, signal, milliseconds."""
    code, number, used = ctypes.c_int(), ctypes.c_int(), ctypes.c_int64()
    answer = shim.cjail_collect_timed(running.pidfd, ctypes.byref(code), ctypes.byref(number), ctypes.byref(used))
    return answer, code.value, number.value, used.value


@test
def limits_are_real():
    """Time: process 1 survives the soft limit, not the hard one. Memory: there is no more, and the tool says so."""
    view = many_files()
    with program("grow", GROW):
        equal(ready(jailed(["grow"], view.merged)).code, 0, "the control")
        equal(ready(jailed(["grow"], view.merged, memory=48 << 20)).code, 3)
    got = ready(jailed(["ls", "-l", "/many"], view.merged, files=16))
    equal((got.code, got.out.count(b"\n")), (0, 2001))
    with program("spin", SPIN):
        running = Running(["spin"], control([view.merged], cpu=1))
        equal(running.status_line(), "ready\n")
        assert select.select([running.pidfd], [], [], 60)[0], "nothing ended it"
        answer, code, number, used = collected(running)
        equal((answer, code, number), (0, -1, signal.SIGKILL))
        assert 1000 <= used < 10000, used
        equal(collected(running)[0], errno.ECHILD, "it is collected")
        running.close()
    return f"killed after {used} ms of processor time"


@test
def ends_are_told_apart():
    """Killed or ended by itself, and with how much time; a handle of a process that is gone is none."""
    view = many_files()
    for command, want in ((["ls", "/"], (0, 0, 0)), (["ls", "/missing"], (0, 2, 0))):
        running = Running(command, control([view.merged]))
        assert select.select([running.pidfd], [], [], 60)[0], command
        answer, code, number, used = collected(running)
        equal((answer, code, number), want, command)
        assert used < 1000, used
        running.close()
    running, _ = waiting(view)
    equal(collected(running)[0], errno.EAGAIN, "it runs")
    handle = shim.cjail_process(running.pid)
    assert handle >= 0 and not os.get_inheritable(handle), handle
    equal(shim.cjail_kill(handle), 0)
    assert select.select([running.pidfd], [], [], 60)[0]
    equal(collected(running)[:3], (0, -1, signal.SIGKILL))
    equal((shim.cjail_kill(handle), shim.cjail_process(running.pid)), (errno.ESRCH, -errno.ESRCH))
    os.close(handle)
    running.close()


@test
def the_medians():
    """Not a verdict, figures: 200 spawns each, driven from C."""
    root = folder("bench")
    for i in range(25):
        write(root, f"entry-{i:02}", b"")
    write(root, "etc/passwd", b"root:x:0:0:root:/root:/bin/bash\n")
    write(root, "etc/group", b"root:x:0:\n")
    view = Overlay(root)
    blocks = {"merged": control([view.merged]), "layers": control([view.lower], flags=LAYERS),
              "merged, 12 blockers": control([view.merged], blockers=[f"/entry-{i:02}" for i in range(12)])}
    for name, block in blocks.items():
        path = write(WORK, "block", block)
        done = subprocess.run([WORK + "/bench", "200", WORK + "/libboathook-jail.so", path, view.merged], capture_output=True, text=True)
        assert done.returncode == 0, done
        print(f"# {name}: {done.stdout.strip()}")
