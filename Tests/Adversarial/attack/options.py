"""What `bin/attack` may be told."""

import argparse
import textwrap

from attack import faults, given, probe, races, residue, trees  # noqa: F401 (each puts its attacks on the list)
from attack.mutants import MUTANTS
from attack.report import ATTACKS


def parse():
    groups = {}
    for one in ATTACKS:
        groups.setdefault(one.group, []).append(one.name)
    groups["mutants"] = [mutant.name for mutant in MUTANTS]
    listing = "\n".join(
        textwrap.fill(f"{group}: " + ", ".join(names), 105, break_on_hyphens=False, subsequent_indent="  ")
        for group, names in groups.items())
    parser = argparse.ArgumentParser(
        prog="bin/attack", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Attacks the jail with what a tenant, a fault of the kernel or a mistake in its own source could bring\n"
            "about, and prints what came of it. Each attack has a control: a weakened jail that it must catch.\n"
            "Needs root. Everything happens on a throw-away copy of the host's file tree, in memory."),
        epilog=listing + "\n\n  bin/attack                         all but the mutants\n"
        "  bin/attack --races 50000 races\n  bin/attack mutants\n"
        "  bin/attack --tree /somewhere/else  the jail of another source tree",
    )
    parser.add_argument("names", nargs="*", metavar="name", help="groups or attacks (default: all but the mutants)")
    parser.add_argument("--races", type=int, default=2000, help="how many runs, over all races (default 2000)")
    parser.add_argument("--json", metavar="FILE", help="write everything that was found to this file")
    parser.add_argument("--tree", metavar="DIR", help="the source tree whose jail is attacked (default: this one)")
    options = parser.parse_args()
    if options.races < 1:
        parser.error("at least one race")
    for word in options.names:
        if word not in groups and not any(word in names for names in groups.values()):
            parser.error(f"there is no attack {word}")
    words = options.names or [group for group in groups if group != "mutants"]
    options.attacks = [one.name for one in ATTACKS if one.group in words or one.name in words]
    options.mutants = [mutant for mutant in MUTANTS if "mutants" in words or mutant.name in words]
    return options
