"""The power that goes, and the disk that is full."""

import time

from chaos.faults.catalogue import fault
from chaos.faults.kills import restart, some_moment
from harness.waiting import eventually


def power_loss(arena, rng, *names):
    some_moment(rng)
    nodes = rng.sample(names, len(names))
    # A machine without power closes no connection: its peer goes on to believe in the old ones. An agent believes
    # for half a minute, which is too long for most rounds.
    if rng.random() < (0.6 if names == ("agent",) else 0.1):
        arena.fleet.proxy.forsake()
    for name in nodes:
        arena.fleet.nodes[name].kill()
    for name in nodes:
        arena.fleet.disks[name].lose_power()
    restart(arena, *sorted(nodes, reverse=True))
    return True


@fault("power-loss-agent", 7)
def power_loss_agent(arena, rng):
    return power_loss(arena, rng, "agent")


@fault("power-loss-server", 7)
def power_loss_server(arena, rng):
    return power_loss(arena, rng, "server")


@fault("power-loss-both", 3)
def power_loss_both(arena, rng):
    return power_loss(arena, rng, "agent", "server")


def full(arena, rng, name):
    disk = arena.fleet.disks[name]
    node = arena.fleet.nodes[name]
    disk.fill()
    try:
        time.sleep(rng.uniform(0.5, 2))
        course = rng.choice(("stays", "stays", "dies", "dies and comes back"))
        if course != "stays":
            node.kill()
        if course == "dies and comes back":
            come_back(arena, node)
        time.sleep(rng.uniform(0, 1))
    finally:
        disk.empty()
        node.may_die = False
    if not node.is_alive:
        restart(arena, name)
    return True


def come_back(arena, node):
    """On a full disk, a start may be refused; but then it says so and ends."""
    node.may_die = True
    node.start()
    try:
        eventually("it starts, or not", lambda: node.ready.is_set() or not node.is_alive, 5)
    except AssertionError:
        pass  # an agent is ready only once the server knows its containers
    if not node.is_alive:
        arena.exits[f"{node.name} on a full disk"] += 1


@fault("disk-full-agent", 3)
def disk_full_agent(arena, rng):
    return full(arena, rng, "agent")


@fault("disk-full-server", 3)
def disk_full_server(arena, rng):
    return full(arena, rng, "server")
