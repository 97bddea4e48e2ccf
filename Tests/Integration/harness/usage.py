"""What a process holds, as the kernel counts it."""

import os
import pathlib


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def _status(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise AssertionError(f"no {name} of {pid}")


def threads(pid):
    return _status(pid, "Threads")


def resident_mebibytes(pid):
    return _status(pid, "VmRSS") / 1024


def mounts(pid="self"):
    return pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
