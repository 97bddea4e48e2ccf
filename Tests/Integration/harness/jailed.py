"""The processes that Boathook's jail runs, as the host sees them."""

import os
import pathlib
import signal
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
    found = []
    for pid in descendants(ancestor):
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


def freeze(ancestor, program, seconds=5.0):
    """Stops the jailed program in its tracks, so that a quick command becomes a slow one.

    One that stands still already is another command's.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for pid in running(ancestor, program):
            if confined(pid) and not stopped(pid):
                try:
                    os.kill(pid, signal.SIGSTOP)
                    # A moment passes until it stands still; another search must not find it again.
                    while not stopped(pid) and os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
                        os.sched_yield()
                    return pid
                except ProcessLookupError:
                    continue
    return None


def thaw(pid):
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def step(pid, seconds=0.001):
    """Lets a stopped program go on until it has had the processor for so long, or has ended."""

    def spent():
        # Nanoseconds on a processor (Documentation/scheduler/sched-stats.rst of Linux).
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])

    try:
        enough = spent() + seconds * 1e9
        thaw(pid)
        deadline = time.monotonic() + 5
        while spent() < enough and time.monotonic() < deadline:
            os.sched_yield()
        os.kill(pid, signal.SIGSTOP)
    except (FileNotFoundError, ProcessLookupError):
        pass
