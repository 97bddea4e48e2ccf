"""See `bin/attack --help`."""

import os
import signal
import sys

from attack import faults, options, probe, races, trees
from attack.arena import Arena
from attack.report import Report, chosen, show


def main():
    told = options.parse()
    attacks = chosen(told.names)
    if os.geteuid() != 0:
        raise SystemExit("bin/attack: needs root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    report = Report()
    arena = Arena(told)
    try:
        with arena:
            for one in attacks:
                report.run(arena, one)
    finally:
        if told.keep:
            print(f"kept: {arena.work}")
        else:
            arena.remove()
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
