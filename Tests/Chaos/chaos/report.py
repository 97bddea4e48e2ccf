"""The last lines: what was injected, what became of the commands, what was violated."""

import collections

from chaos.violations import KINDS


def table(title, rows):
    print(f"\n{title}")
    for name, *cells in rows:
        print(f"  {name:<34}" + "".join(f"{cell:>14}" for cell in cells))


def show(arena, planned, seconds, bodies):
    """Prints everything; returns the numbers of what passed and of what failed."""
    injected, missed = arena.injected, arena.missed
    rows = [
        (name, injected[name], f"{missed[name]} missed" if missed[name] else "")
        for name in sorted(injected | missed)
    ]
    table("faults", [*rows, ("all", sum(injected.values()), f"of {planned}")])

    states = collections.Counter(row["state"] for row in arena.judge.rows.values())
    total = sum(states.values()) or 1
    shares = [(state, count, f"{100 * count / total:.2f} %") for state, count in states.most_common()]
    table("commands by their end", shares)
    for wanted in ("denied", "signalled", "lost"):
        notes = collections.Counter(
            (row["note"] or "")[:100] for row in arena.judge.rows.values() if row["state"] == wanted)
        for note, count in notes.most_common(6):
            print(f"    {wanted} {count:>5}  {note}")
    if arena.exits:
        table("exits on a full disk or at a point", sorted(arena.exits.items()))

    counts = arena.violations.counts
    table("violations", [(kind, counts[kind]) for kind in KINDS])
    delivered, over = bodies
    print(f"\n{len(arena.ledger.accepted)} commands accepted, {over} delivered, {delivered} read again at the end")
    print(f"seed {arena.options.seed}, {seconds:.0f} s")
    failed = arena.violations.total + sum(missed.values())
    passed = len(set(arena.judge.rows) - arena.violations.commands)
    return passed, failed
