"""What must not be there any more when all has come to rest."""

import os
import pathlib
import time

from chaos.fleet import spool
from harness import boathook, jailed
from harness.engine import ROOT, run

TOOLS = ("/bin/ls", "/bin/du", "/bin/rm")


class Residue:
    def __init__(self, fleet, engine, instances):
        self.fleet = fleet
        self.engine = engine
        self.instances = instances
        self.mounts = self._mounts()
        self.container_mounts = {instance.container.name: instance.mounts() for instance in instances}
        self._known = set()
        self._leaks = set()

    def note_leaks(self):
        """The engine has died and is back: what it had mounted for a hold may still be there."""
        roots = [instance.merged for instance in self.instances if not instance.is_running]
        self._leaks |= {(number, point) for number, point in mount_numbers() if point.startswith(tuple(roots))}

    def mend_leaks(self, violations, write, seconds=15):
        """The agent takes such a mount away for the next writer: `write` is one. What still is there after it is
        told and taken away here, because until then nobody can write in that container."""
        leaks = self._leaks & mount_numbers()
        for instance in self.instances:
            if any(point.startswith(instance.merged) for _, point in leaks):
                write(instance)
        deadline = time.monotonic() + seconds
        while (leaks := self._leaks & mount_numbers()) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._leaks.clear()
        # The root itself comes last; the others are mounted on it.
        for number, point in sorted(leaks, key=lambda leak: len(leak[1]), reverse=True):
            run("umount", "--lazy", point, check=False)
            if point.endswith("/merged"):
                text = f"a mount of a dead engine, for a writer in a stopped container: {point}"
                violations.add("residue", text)

    def check(self, violations, seconds=5):
        """Waits a little for everything to go; what stays is told, once."""
        deadline = time.monotonic() + seconds
        while (found := self._find() - self._known) and time.monotonic() < deadline:
            time.sleep(0.2)
        self._known |= found
        for sort in sorted({sort for sort, _ in found}):
            names = sorted(name for one, name in found if one == sort)
            violations.add("residue", f"{len(names)} × {sort}: {', '.join(names[:12])}")

    def _find(self):
        found = set()
        found |= {("mount", str(mount)) for mount in self._mounts() - self.mounts}
        found |= {("jailed tool", name) for name in self._tools()}
        found |= {("spool file", name) for name in self._spool()}
        found |= {("draft of a result", name) for name in self._drafts()}
        for instance in self.instances:
            if instance.mounts() != self.container_mounts[instance.container.name]:
                found.add(("changed mount table of a container", instance.container.name))
        return found

    def _mounts(self):
        """Ours and the engine's; but not those of other engines, and not those that come with each start."""
        ours = (str(self.fleet.folder), str(self.engine.folder))
        found = set()
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            fields = line.split()
            point, kind = fields[4], fields[fields.index("-") + 1]
            if point.startswith(ours):
                if "/netns/" not in point and "/containers/" not in point:
                    found.add((point, kind))
            elif not point.startswith(("/tmp/", "/run/", "/var/lib/", f"{ROOT}/")):
                found.add((point, kind))
        return found

    def _tools(self):
        """Below the agent, or left behind by one: then our library is in their memory."""
        below = jailed.descendants(self.fleet.agent.pid) if self.fleet.agent.is_alive else set()
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                program = os.readlink(entry / "exe")
                if not program.endswith(TOOLS):
                    continue
                if int(entry.name) in below or str(boathook.BIN) in (entry / "maps").read_text():
                    yield f"{entry.name} {program}"
            except OSError:
                continue

    def _spool(self):
        folder = spool(self.fleet)
        return [entry.name for entry in folder.iterdir() if not entry.name.startswith(".reserve")]

    def _drafts(self):
        results = self.fleet.data / "results"
        return [str(path.relative_to(results)) for path in results.glob("*/.*")] if results.exists() else []


def mount_numbers():
    """Every mount as its number and its place: a mount that was made anew has another number."""
    lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    return {(fields[0], fields[4]) for fields in (line.split() for line in lines)}
