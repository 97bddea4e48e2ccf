"""What `bin/chaos` may be told."""

import argparse
import textwrap

from chaos.faults import ALL


def parse():
    names = sorted(ALL)
    parser = argparse.ArgumentParser(
        prog="bin/chaos", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Runs a server and an agent as two processes on real containers, with clients that never stop, and\n"
            "injects faults one after the other; then judges what Boathook promised: nothing accepted is lost,\n"
            "nothing that changes something runs twice, no output is partial without saying so, no digest is\n"
            "wrong, nothing changes after its end, and nothing is left behind. Needs root."),
        epilog=(
            "The sequence of faults is a function of the seed; the timing is not. The exit status is 0 only when\n"
            "every planned fault was injected and nothing was violated. The history of all clients is in\n"
            "history.jsonl in the work folder, which stays after a violation.\n\n"
            "BOATHOOK_BIN is the folder of the executables: a debug build, since only those have fault points.\n\n"
            + textwrap.fill("Faults: " + ", ".join(names), 105, break_on_hyphens=False)
            + "\n\nA name may end in *: --only 'point:*'.\n\n"
            "  bin/chaos --seed 7 --rounds 1000\n"
            "  bin/chaos --rounds 50 --only power-loss-agent,point:agent.report-acknowledged --keep"),
    )
    parser.add_argument("--seed", type=int, default=1, help="of all random choices (default 1)")
    parser.add_argument("--rounds", type=int, default=100, help="how many faults (default 100)")
    parser.add_argument("--epoch", type=int, default=60, help="after how many faults all is checked (default 60)")
    parser.add_argument("--clients", type=int, default=8, help="how many clients at once (default 8)")
    parser.add_argument("--only", default="", metavar="FAULT,…", help="no other faults than these")
    parser.add_argument("--without", default="", metavar="FAULT,…", help="not these faults")
    parser.add_argument("--keep", action="store_true", help="keep the work folder in any case")
    options = parser.parse_args()
    only = matching(parser, options.only) or set(names)
    options.faults = [name for name in ALL if name in only - matching(parser, options.without)]
    if not options.faults or options.rounds < 1 or options.epoch < 1 or options.clients < 1:
        parser.error("nothing to do")
    return options


def matching(parser, words):
    found = set()
    for word in filter(None, words.split(",")):
        here = {name for name in ALL if name == word or word.endswith("*") and name.startswith(word[:-1])}
        if not here:
            parser.error(f"there is no fault {word}")
        found |= here
    return found
