"""The processes that Boathook's jail runs, as the host sees them."""

import contextlib
import os
import pathlib
import signal
import threading
import time


def descendants(ancestor):
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name in parentheses may hold blanks; the parent follows it.
                parents[int(entry.name)] = int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, frontier = set(), {ancestor}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def running(ancestor, program):
    """The ids of the processes below `ancestor` that execute `/usr/bin/PROGRAM`."""
    return _executing(descendants(ancestor), program)


def _executing(pids, program):
    found = []
    for pid in pids:
        try:
            if os.readlink(f"/proc/{pid}/exe").endswith(f"/bin/{program}"):
                found.append(pid)
        except OSError:
            continue
    return found


def confined(pid):
    """Whether the process has passed the last step before `main`: its seccomp filter."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "\nSeccomp:\t2\n" in status


def stopped(pid):
    try:
        return "\nState:\tT" in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def freeze(ancestor, program, seconds=5.0, is_over=lambda: False):
    """Stops the jailed program in its tracks, so that a quick command becomes a slow one.

    One that stands still already is another command's. None when there was none in that time, or, by `is_over`, when
    there will be none any more.
    """
    deadline = time.monotonic() + seconds
    with _becoming(is_over) as over, _eager():
        while time.monotonic() < deadline and not over.is_set():
            for pid in _executing(_at_a_glance(ancestor), program):
                if confined(pid) and not stopped(pid) and _halt(pid):
                    return pid
            time.sleep(0.0001)
    return None


@contextlib.contextmanager
def _becoming(condition):
    """An event that is set once the condition is true; whoever asks for it is not held up."""
    true, enough = threading.Event(), threading.Event()

    def ask():
        while not enough.wait(0.25):
            if condition():
                true.set()
                return

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield true
    finally:
        enough.set()
        thread.join()


@contextlib.contextmanager
def _eager():
    """On a busy machine, this thread is the first to have a processor: what it looks for does not wait for it."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def _at_a_glance(ancestor):
    """As `descendants`, but as the kernel lists children: one that comes or goes at this moment may be missing (proc(5)).

    That is many times as quick, where the kernel is built so.
    """
    if not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"):
        return descendants(ancestor)
    found, frontier = set(), {ancestor}
    while frontier:
        pid = frontier.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    children = {int(child) for child in file.read().split()} - found
                found |= children
                frontier |= children
    return found


def _halt(pid):
    """Whether it stands still now; else it has ended before."""
    try:
        os.kill(pid, signal.SIGSTOP)
        # A moment passes; another search must not find it again.
        while not stopped(pid):
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return False
            os.sched_yield()
        return True
    except (FileNotFoundError, ProcessLookupError):
        return False


def thaw(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def step(pid, seconds=0.001):
    """Lets a stopped program go on until it has had the processor for so long, or has ended.

    On a busy machine it is the last to have it, so that it does not run ahead of the one who is to stop it.
    """

    def spent():
        # Nanoseconds on a processor (Documentation/scheduler/sched-stats.rst of Linux).
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])

    try:
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        enough = spent() + seconds * 1e9
        thaw(pid)
        deadline = time.monotonic() + 5
        while spent() < enough and time.monotonic() < deadline:
            os.sched_yield()
        os.kill(pid, signal.SIGSTOP)
        os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))
        _halt(pid)
    except (FileNotFoundError, ProcessLookupError):
        pass
