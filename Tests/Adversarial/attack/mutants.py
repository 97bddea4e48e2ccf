"""Looking for tests that see a protection go: every mutant of the jail (mutations.py) must be caught by one."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from attack import edits, sandbox
from attack.mutations import MUTANTS  # noqa: F401 (options.py lists them)

# Passes with every mutant that lives.
ALIVE = "one_layer_and_many_layers"
LIKELY_SECONDS, ALL_SECONDS = 90, 600
QUICK_ATTACKS = ["protections-asked-for", "setup-in-short", "every-number", "calls-of-other-conventions", "given", "residue",
                 "rm-through-an-absolute-link", "operand-becomes-the-root"]


class Hunt:
    """The tests of one tree, each run in a sandbox of its own: a weakened jail does real harm."""

    def __init__(self, tree, compiler, unreliable=frozenset()):
        self.tree, self.unreliable = tree, unreliable
        self.environment = {"PATH": f"{sandbox.TREE}/.compiler:/usr/sbin:/usr/bin:/sbin:/bin"}
        edits.quiet_compiler(os.path.join(tree, ".compiler"), compiler)

    def run(self, *command, seconds):
        """The command's output, also when it did not end in time."""
        with tempfile.TemporaryFile("w+") as file:
            try:
                done = sandbox.run(self.tree, list(command), self.environment, timeout=seconds, stdout=file, stderr=file)
                status = done.returncode
            except subprocess.TimeoutExpired:
                status = "hung"
            file.seek(0)
            return file.read(), status

    def jail_tests(self, names):
        """(those that passed, those that failed) of Tests/Jail."""
        text, status = self.run("sh", f"{sandbox.TREE}/Tests/Jail/run", *names, seconds=LIKELY_SECONDS if names else ALL_SECONDS)
        passed, failed = re.findall(r"^ok (\w+)", text, re.M), re.findall(r"^not ok (\w+)", text, re.M)
        if not re.search(r"^\d+ passed, \d+ failed", text, re.M):
            # It ended in the middle: the jail took the tests' own ground away, or one never came back.
            failed.append("(the tests did not come to an end: " + str(status) + ")" if passed or "hung" == status else "")
        self.last = text
        return passed, [name for name in failed if name]

    def attacks(self, names):
        text, _ = self.run(sys.executable, "-m", "attack.inside", "200", "2", *names, seconds=ALL_SECONDS)
        self.last = text
        return ["attack:" + name for name in re.findall(r"^ok \w+/([\w-]+)", text, re.M)], \
            ["attack:" + name for name in re.findall(r"^not ok \w+/([\w-]+)", text, re.M)]

    def catch(self, hunters):
        """The names of the tests that failed: of the likely ones, or else of all."""
        tests = [name for name in hunters if not name.startswith("attack:")]
        attacks = [name.removeprefix("attack:") for name in hunters if name.startswith("attack:")]
        passed, failed = self.jail_tests([ALIVE, *tests])
        if ALIVE not in passed and ALIVE not in failed:
            return None, failed
        # The likely ones, then everything.
        ways = [lambda: failed, lambda: self.attacks(attacks)[1] if attacks else [], lambda: self.jail_tests([])[1],
                lambda: self.attacks(QUICK_ATTACKS)[1]]
        for way in ways:
            caught = [name for name in way() if name not in self.unreliable]
            if caught:
                return ALIVE in passed, caught
        return ALIVE in passed, []


def judge(hunt, mutant):
    alive, caught = hunt.catch(mutant.hunters)
    if alive is None:
        return "does not build", caught
    if not caught:
        return "survived", caught
    return "caught" if alive or not mutant.lives else "is no jail any more", caught


class Hunted:
    """One hunt for all mutants of a tree."""

    def __init__(self, tree, work):
        self.tree, self.work = tree, work
        self.rows, self.verdicts = [], {}
        self.unreliable = set()

    def copy(self, name):
        copy = os.path.join(self.work, name)
        edits.copy_tree(self.tree, copy)
        return copy

    def control(self, mutants):
        """The jail as it is: a test that fails with it, here in the sandbox, catches nothing."""
        attacks = {name.removeprefix("attack:") for mutant in mutants for name in mutant.hunters if name.startswith("attack:")}
        plain = Hunt(self.copy("unchanged"), self.compiler)
        passed, failed = plain.jail_tests([])
        assert ALIVE in passed, f"the jail as it is does not work here:\n{plain.last[-3000:]}"
        more = plain.attacks(sorted(attacks | set(QUICK_ATTACKS)))
        self.unreliable = set(failed + more[1])
        print(f"mutants/unchanged: passes {len(passed + more[0])} tests, fails {', '.join(sorted(self.unreliable)) or 'none'}", flush=True)
        if more[1]:
            print(plain.last, flush=True)

    compiler = shutil.which("cc")

    def hunt(self, mutant):
        begun = time.monotonic()
        copy = self.copy(mutant.name)
        try:
            edits.apply(copy, mutant.edits)
            verdict, caught = judge(Hunt(copy, self.compiler, self.unreliable), mutant)
        except edits.Stale as reason:
            verdict, caught = "does not fit", [str(reason)]
        self.verdicts[mutant.name] = verdict
        self.rows.append(f"{mutant.name}: {verdict} by {', '.join(caught[:3]) or 'nothing'}")
        print(f"{'ok' if verdict == 'caught' else 'not ok'} mutants/{self.rows[-1]} ({time.monotonic() - begun:.0f} s)", flush=True)
        shutil.rmtree(copy)


def hunt(tree, mutants, report):
    started = time.monotonic()
    work = tempfile.mkdtemp(prefix="boathook-mutants.", dir="/tmp")
    try:
        hunted = Hunted(tree, work)
        hunted.control(mutants)
        for mutant in mutants:
            hunted.hunt(mutant)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    caught = sum(verdict == "caught" for verdict in hunted.verdicts.values())
    passed = caught == len(mutants)
    figures = {"mutants": len(mutants), "caught": caught, "what caught which": hunted.rows,
               "control": "the jail as it is fails " + (", ".join(sorted(hunted.unreliable)) or "none") + ", which count for nothing"}
    report.rows.append({"attack": "mutants", "group": "mutants", "verdict": "passed" if passed else "failed", "note": "",
                        "seconds": round(time.monotonic() - started, 2), "figures": figures})
    print(f"{'ok' if passed else 'not ok'} mutants: {caught} of {len(mutants)} caught; {figures['control']}")
