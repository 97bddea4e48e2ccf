"""See `bin/attack --help`."""

import json
import os
import sys
import tempfile

from attack import mutants, options, sandbox
from attack.report import Report, show

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))


def attack_inside(tree, names, races, report):
    """The attacks of these names, in one sandbox."""
    with tempfile.TemporaryFile("w+") as file:
        number = file.fileno()
        done = sandbox.run(tree, [sys.executable, "-m", "attack.inside", str(races), str(number), *names], pass_fds=[number])
        file.seek(0)
        text = file.read()
    if done.returncode != 0 or not text:
        raise SystemExit(f"bin/attack: the sandbox ended with status {done.returncode}")
    report.rows += json.loads(text)


def main():
    told = options.parse()
    if os.geteuid() != 0:
        raise SystemExit("bin/attack: needs root")
    tree, report = told.tree or TREE, Report()
    if told.attacks:
        attack_inside(tree, told.attacks, told.races, report)
    if told.mutants:
        mutants.hunt(tree, told.mutants, report)
    totals = report.totals()
    if totals:
        print("\ntotals")
        show(totals)
    if told.json:
        report.write(told.json, totals)
    passed, failed, skipped = (report.count(verdict) for verdict in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


main()
