"""Processes that are killed, ended, or stand still for a moment; and tools that somebody kills."""

import os
import signal
import time

from chaos.faults.catalogue import fault
from harness import jailed

TOOLS = ("ls", "du", "rm")


def some_moment(rng):
    """Anywhere in the workload's course."""
    time.sleep(rng.uniform(0, 0.2))


def restart(arena, *names):
    for name in names:
        arena.fleet.start(name)


def kill(name):
    def inject(arena, rng):
        some_moment(rng)
        arena.fleet.nodes[name].kill()
        time.sleep(rng.choice((0, 0, rng.uniform(0, 0.5))))
        restart(arena, name)
        return True

    return inject


fault("kill-agent", 8)(kill("agent"))
fault("kill-server", 7)(kill("server"))


@fault("kill-both", 4)
def kill_both(arena, rng):
    some_moment(rng)
    first, second = rng.sample(("agent", "server"), 2)
    arena.fleet.nodes[first].kill()
    arena.fleet.nodes[second].kill()
    restart(arena, *rng.sample(("agent", "server"), 2))
    return True


def terminate(arena, name):
    if not arena.fleet.nodes[name].terminate():
        arena.violations.add("died", f"the {name} did not end within 10 s of SIGTERM")
    restart(arena, name)
    return True


@fault("term-agent", 3)
def term_agent(arena, rng):
    some_moment(rng)
    return terminate(arena, "agent")


@fault("term-server", 3)
def term_server(arena, rng):
    some_moment(rng)
    return terminate(arena, "server")


def stand_still(arena, name, rng):
    node = arena.fleet.nodes[name]
    node.signal(signal.SIGSTOP)
    try:
        time.sleep(rng.uniform(0.2, 2))
    finally:
        node.signal(signal.SIGCONT)
    return True


@fault("pause-agent", 3)
def pause_agent(arena, rng):
    return stand_still(arena, "agent", rng)


@fault("pause-server", 3)
def pause_server(arena, rng):
    return stand_still(arena, "server", rng)


@fault("kill-tool", 8)
def kill_tool(arena, rng):
    """SIGKILL to a jailed tool that has passed the last step before its main."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = [
            pid for tool in TOOLS for pid in jailed.running(arena.fleet.agent.pid, tool) if jailed.confined(pid)
        ]
        if found:
            try:
                os.kill(rng.choice(found), signal.SIGKILL)
                return True
            except ProcessLookupError:
                continue
        time.sleep(0.01)
    return False
