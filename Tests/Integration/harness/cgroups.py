"""The control groups of an agent, as the host sees them."""

import os
import pathlib

MOUNT = pathlib.Path("/sys/fs/cgroup")


def hierarchies():
    """Where control groups are mounted: one of version 2, or several of version 1."""
    found = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        if rest.split()[0] in ("cgroup", "cgroup2"):
            found.append(pathlib.Path(fields.split()[4]))
    return found


def of(agent_folder):
    """The folders of the agent whose own folder this is, one in each hierarchy that it uses."""
    found = os.stat(agent_folder)
    name = f"{found.st_dev:x}-{found.st_ino:x}"
    return [folder for mount in hierarchies() if (folder := mount / "boathook" / name).exists()]


def groups(agent_folder):
    """The groups of its tools."""
    return [group for folder in of(agent_folder) for group in folder.iterdir() if group.is_dir()]


def memory_limit(group):
    for name in ("memory.limit_in_bytes", "memory.max"):
        if (group / name).exists():
            return int((group / name).read_text())
    return None


def members(pid):
    """The groups that a process is in: by controller; `""` is version 2."""
    lines = pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return {name: path for _, names, path in (line.split(":", 2) for line in lines) for name in names.split(",")}
