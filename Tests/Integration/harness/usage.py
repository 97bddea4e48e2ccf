"""What a process holds, as the kernel counts it."""

import os
import pathlib


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sockets_and_spools(pid):
    """What a follower takes; the database's descriptors come and go with its readers."""
    held = 0
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(entry.path)
        except FileNotFoundError:
            continue
        held += target.startswith("socket:") or "/spool/" in target
    return held


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
