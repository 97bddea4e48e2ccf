"""What all races have in common: an instance, canaries outside, an attacker, a volley of runs, and a control."""

import os
import subprocess

from attack.arena import Attacker
from attack.canary import Snapshot
from attack.report import ATTACKS

VICTIMS = 6
SECRET = "CANARY-SECRET"
LEAST_HITS = 10  # a control that hits less often shows nothing
MOST_CONTROL_RUNS = 20_000


def plant(folder):
    """A canary: names that a tool which was led here would remove, and one that only a listing of this folder has."""
    os.makedirs(os.path.join(folder, "sub"), exist_ok=True)
    for name in victims() + [SECRET, "sub/victim-0", "sub/" + SECRET]:
        with open(os.path.join(folder, name), "w") as file:
            file.write("alive")
    return folder


def victims():
    return [f"victim-{number}" for number in range(VICTIMS)]


def paths_of(folder):
    return [os.path.join(folder, name) for name in victims()]


def full(folder):
    """The order to keep a folder with the canary's names in the tenant's tree."""
    return [f"d {folder}", f"d {folder}/sub", f"f {folder}/sub/victim-0"] + [f"f {folder}/{name}" for name in victims()]


def pair(one, other, link):
    """The order to keep a folder and a link, of these two names, and the folder full whichever it is."""
    return [f"p {one} {other} {link}", *full(one), *full(other)]


class Course:
    """One race: where it happens, and how often the tools of one library are sent through it."""

    def __init__(self, arena):
        self.arena = arena
        arena.raced = True
        self.instance = arena.overlay()
        self.neighbour = plant(arena.overlay().upper)
        self.canary = plant(arena.folder("canary"))
        self.climbing = "../" * 40 + self.canary.lstrip("/")
        self.merged = self.instance.merged
        self.home = os.path.join(self.merged, "home")
        os.mkdir(self.home)
        self.watched = paths_of(self.canary)
        self.planted = [self.canary, self.neighbour, self.instance.lower]
        self.changes = 0

    def block(self, **options):
        harness = self.arena.harness
        if options.pop("writes", True):
            options["flags"] = options.get("flags", 0) | harness.WRITES
            options.setdefault("capabilities", 1 << harness.DAC_OVERRIDE | 1 << harness.FOWNER)
        path = os.path.join(self.instance.base, "block")
        with open(path, "wb") as file:
            file.write(harness.control([self.merged], **options))
        return path

    def volley(self, library, command, block, runs, arm, attack, place=None, needle=SECRET, until=None):
        """Sends a tool in again and again while the attacker works; returns its figures."""
        order = os.path.join(self.instance.base, "order")
        with open(order, "w") as file:
            file.write("\n".join(arm) + "\n")
        place = place or self.home
        arguments = ["--library", library, "--block", block, "--runs", str(runs), "--place", place, "--arm", order]
        for path in self.watched:
            arguments += ["--watch", path]
        if needle:
            arguments += ["--needle", needle]
        if until is not None:
            arguments += ["--until", str(until)]
        volley = self.arena.program("volley", "arm", spawner=True)
        output = os.path.join(self.instance.base, "output")
        with open(output, "w+") as file, Attacker(self.arena.program("attacker"), place, *attack) as attacker:
            done = subprocess.run([volley, *arguments, "--", *command], stdout=file, timeout=7200, check=False)
            assert done.returncode == 0, f"the volley ended with {done.returncode}"
            file.seek(0)
            lines = file.read().splitlines()
        self.changes += attacker.changes
        return parse(lines)

    def product(self, figures, command, block, runs, arm, attack, **options):
        """The jail under attack: nothing outside may change, nothing of it may be seen."""
        before = Snapshot(self.planted)
        found = self.volley(self.arena.library_path, command, block, runs, arm, attack, **options)
        after = Snapshot(self.planted)
        changed = before.differences(after)
        escapes = found["deleted"] + found["disclosed"]
        add(figures, "runs", found["runs"])
        add(figures, "escapes", escapes or len(changed))
        add(figures, "names changed meanwhile", self.changes)
        self.changes = 0
        outcomes = figures.setdefault("outcomes", {})
        for words, count in found["outcomes"].items():
            add(outcomes, words, count)
        assert escapes == 0, f"{found['deleted']} runs deleted outside, {found['disclosed']} showed what is outside"
        assert not changed, f"changed outside: {changed[:5]}"
        assert "hung" not in " ".join(outcomes), "a run hung"
        assert self.is_raced(outcomes), f"no run reached its tool: {outcomes}"

    @staticmethod
    def is_raced(outcomes):
        return any(words.startswith("ready") for words in outcomes)

    def control(self, figures, library, command, block, arm, attack, **options):
        """The same race, with the containment taken away: it must be caught often enough."""
        path = self.arena.weak_path(library) if library else self.arena.library_path
        found = self.volley(path, command, block, MOST_CONTROL_RUNS, arm, attack, until=LEAST_HITS, **options)
        hits = found["deleted"] + found["disclosed"]
        figures["control"] = f"{hits} hits in {found['runs']} runs"
        figures["control hits"] = min(hits, figures.get("control hits", hits))
        assert hits >= LEAST_HITS, f"the control caught {hits} in {found['runs']} runs"


def add(figures, name, count):
    figures[name] = figures.get(name, 0) + count


def parse(lines):
    found = {"outcomes": {}}
    for line in lines:
        words = line.split()
        if words[0] == "runs":
            found["runs"] = int(words[1])
        elif words[0] == "hits":
            found[words[1]] = int(words[2])
        else:
            add(found["outcomes"], " ".join(words[2:]), int(words[1]))
    return found


def share(arena, parts=1):
    """How many runs one of the races makes: all together make what was asked for."""
    races = sum(one.group == "races" and one.name != "the-host-is-untouched" for one in ATTACKS)
    return max(1, -(-arena.races // races // parts))
