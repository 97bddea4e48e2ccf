"""What runs in the sandbox: `python3 -m attack.inside RACES DESCRIPTOR NAME…` makes the attacks of these names and writes
what it found to the descriptor, as JSON."""

import json
import sys

from attack import faults, given, probe, races, residue, trees  # noqa: F401 (each puts its attacks on the list)
from attack.arena import Arena
from attack.report import Report, chosen


def main():
    attacks, report = chosen(sys.argv[3:]), Report()
    arena = Arena(int(sys.argv[1]))
    for one in attacks:
        report.run(arena, one)
    with open(int(sys.argv[2]), "w") as file:
        json.dump(report.rows, file)


if __name__ == "__main__":
    main()
