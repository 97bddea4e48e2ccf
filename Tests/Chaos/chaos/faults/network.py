"""The line between agent and server: cut, refused, late, slow, swallowed, and said twice."""

import re
import time

from chaos.faults.catalogue import fault
from chaos.weather import Trap

LINK, RESULTS, REPORTS = "/agent/v1/link", "/agent/v1/results", "/agent/v1/reports"
# For a trap to be sprung, or a request to have been recorded.
SECONDS = 15


def proxy(arena):
    return arena.fleet.proxy


@fault("cut", 8)
def cut(arena, rng):
    for _ in range(rng.choice((1, 1, 1, 3))):
        time.sleep(rng.uniform(0, 0.15))
        proxy(arena).cut()
    return True


@fault("refuse", 5)
def refuse(arena, rng):
    proxy(arena).refuse()
    proxy(arena).cut()
    time.sleep(rng.uniform(0.1, 1.5))
    proxy(arena).listen()
    return True


@fault("delay", 4)
def delay(arena, rng):
    seconds = rng.uniform(0.5, 1.5)
    proxy(arena).weather.delay_until = time.monotonic() + seconds
    time.sleep(seconds * rng.uniform(0.2, 1))
    return True


@fault("trickle", 4)
def trickle(arena, rng):
    seconds = rng.uniform(0.5, 2)
    proxy(arena).weather.trickle_until = time.monotonic() + seconds
    time.sleep(seconds * rng.uniform(0.2, 1))
    return True


@fault("black-hole", 3)
def black_hole(arena, rng):
    """Accepts and swallows; rarely for longer than the silence after which the agent gives a line up."""
    seconds = 35 if rng.random() < 0.06 else rng.uniform(1, 3)
    proxy(arena).weather.swallowing = True
    time.sleep(seconds)
    proxy(arena).weather.swallowing = False
    # What was swallowed is gone: those connections cannot go on.
    proxy(arena).cut()
    return True


def spring(arena, rng, action, fits):
    """Waits until something has passed that fits."""
    trap = Trap(fits, action, rng)
    proxy(arena).weather.traps.append(trap)
    if not trap.sprung.wait(SECONDS / 3):
        # The agent may still believe in a line to a server that lost its power: then nothing passes for half a minute.
        proxy(arena).cut()
        trap.sprung.wait(SECONDS)
    proxy(arena).weather.traps = []
    if order := re.search(rb'"command_id":(\d+)', trap.data):
        arena.say("info", op=action, command=int(order[1]))
    return trap.sprung.is_set()


@fault("cut-result", 5)
def cut_result(arena, rng):
    """In the middle of an output that is handed over; or in the head, for an end without output."""
    kinds = rng.choice((("body",), ("body",), ("head",)))
    return spring(
        arena, rng, "cut",
        lambda way, piece: way == "up" and piece.path == RESULTS and piece.kind in kinds)


@fault("cut-report", 2)
def cut_report(arena, rng):
    return spring(arena, rng, "cut", lambda way, piece: way == "up" and piece.path in (REPORTS, LINK))


@fault("cut-answer", 5)
def cut_answer(arena, rng):
    """The server has done it, and the agent never hears that."""
    return spring(arena, rng, "cut", lambda way, piece: way == "down" and piece.path == RESULTS)


@fault("cut-order", 4)
def cut_order(arena, rng):
    """In the middle of a line of the link."""
    return spring(
        arena, rng, "cut",
        lambda way, piece: way == "down" and piece.path == LINK and b"command" in piece.data)


@fault("repeat-order", 6)
def repeat_order(arena, rng):
    """A line with an order comes twice: the second is refused with its link, and the agent comes back."""
    return spring(
        arena, rng, "repeat",
        lambda way, piece: way == "down" and piece.kind == "chunk" and b"run_command" in piece.data)


@fault("late-order", 5)
def late_order(arena, rng):
    """A line comes again that was for an earlier link: refused, as above."""
    return spring(
        arena, rng, "insert",
        lambda way, piece: way == "down" and piece.kind == "chunk" and piece.path == LINK and proxy(arena).orders)


@fault("forget-held", 7)
def forget_held(arena, rng):
    """On its next link, the agent is made to say that it holds nothing: the server gives it all open orders once more, signed."""
    trap = Trap(lambda way, piece: way == "up" and piece.kind == "body" and piece.path == LINK, "forget", rng)
    proxy(arena).weather.traps.append(trap)
    proxy(arena).cut()
    trap.sprung.wait(SECONDS)
    proxy(arena).weather.traps = []
    return trap.sprung.is_set()


@fault("repeat-request", 7)
def repeat_request(arena, rng):
    """A whole request of the agent's reaches the server again, on a connection of its own."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        recorded = list(proxy(arena).recorded)
        if recorded:
            try:
                status = proxy(arena).replay(rng.choice(recorded))
            except (OSError, IndexError, ValueError):
                status = None
            arena.say("replayed", status=status)
            if status is not None:
                return True
        time.sleep(0.05)
    return False
