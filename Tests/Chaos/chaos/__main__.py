"""One run: faults, epochs, the verdict. See `bin/chaos --help`."""

import contextlib
import os
import random
import signal
import sys
import time
import traceback

from chaos import executables, report
from chaos import options as command_line
from chaos.arena import Arena
from chaos.faults import ALL
from chaos.fleet import HASTY, PATIENT


def plan(options):
    """The sequence of faults: a function of the seed, and of which faults there may be."""
    rng = random.Random(options.seed)
    weights = [ALL[name].weight for name in options.faults]
    return rng.choices(options.faults, weights, k=options.rounds)


def inject(arena, number, name):
    if arena.workload.failures:
        raise arena.workload.failures[0]
    arena.number = number
    arena.fleet.ensure_up()
    arena.say("fault", number=number, name=name)
    rng = random.Random(f"{arena.options.seed}/fault/{number}")
    # What could not be reached in time is tried once more.
    done = ALL[name].inject(arena, rng) or ALL[name].inject(arena, rng)
    (arena.injected if done else arena.missed)[name] += 1
    arena.say("injected" if done else "missed", number=number, name=name)


def end_epoch(arena, number):
    started = time.monotonic()
    arena.gate.close()
    arena.fleet.heal()
    arena.residue.mend_leaks(arena.violations, lambda instance: arena.write(instance, number))
    if not arena.gate.wait_until_empty(240):
        raise AssertionError("the clients do not come to an end")
    arena.judge.epoch()
    arena.residue.check(arena.violations)
    # A little hurry in every fourth epoch, so that some commands expire.
    if number % 4 in (2, 3):
        arena.fleet.start_within(HASTY if number % 4 == 2 else PATIENT)
        arena.fleet.server.terminate()
        arena.fleet.start("server")
    print(
        f"epoch {number}: {sum(arena.injected.values())} faults, {len(arena.judge.rows)} commands, "
        f"{arena.violations.total} violations, descriptors {arena.fleet.server.descriptors()} "
        f"{arena.fleet.agent.descriptors()}, at rest after {time.monotonic() - started:.1f} s", flush=True)


def campaign(arena, faults):
    arena.gate.open()
    arena.workload.start()
    rng = random.Random(f"{arena.options.seed}/pauses")
    time.sleep(1)
    for number, name in enumerate(faults, 1):
        inject(arena, number, name)
        if number % arena.options.epoch == 0 or number == len(faults):
            end_epoch(arena, (number - 1) // arena.options.epoch + 1)
            if number < len(faults):
                arena.gate.open()
        time.sleep(rng.uniform(0.05, 0.4))
    arena.gate.close_for_good()
    return arena.judge.end()


def judged(arena, faults):
    try:
        return campaign(arena, faults)
    except AssertionError as error:
        # Somebody did not come back, or no end was reached: what there is, is told all the same.
        traceback.print_exc()
        arena.violations.add("died", f"the run was broken off: {error}")
        return 0, 0


def main():
    options = command_line.parse()
    if os.geteuid() != 0:
        sys.exit("bin/chaos: not root")
    executables.check(options.faults)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    faults = plan(options)
    print(f"seed {options.seed}, {options.rounds} faults", flush=True)
    with contextlib.ExitStack() as stack:
        try:
            arena = Arena(options, stack)
            bodies = judged(arena, faults)
            passed, failed = report.show(arena, len(faults), time.monotonic() - started, bodies)
        finally:
            # The way back is gone to its end: a second Ctrl-C does not leave a half of it.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit("bin/chaos: interrupted")
