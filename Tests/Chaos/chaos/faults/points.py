"""kill -9 at a named step of a command's way (Sources/FaultPoints): armed, and waited for until it happens."""

import time

from chaos.faults.catalogue import fault
from chaos.instances import SLOW

POINTS = {
    "agent.order-taken": 3, "agent.intent-written": 3, "agent.hold-taken": 3, "agent.tool-running": 3,
    "agent.tool-ended": 3, "agent.end-written": 3, "agent.report-acknowledged": 3,
    "agent.acknowledgement-written": 3, "agent.journal-rewritten": 1,
    "server.command-stored": 3, "server.command-sent": 3, "server.result-kept": 3, "server.end-stored": 3,
    "server.order-resumed": 3, "server.cancel-stored": 2,
}
SECONDS = 15
# The journal is written anew at a start when it has more bytes than this (Sources/Agent/Journal.swift).
LONG_JOURNAL = 1 << 18


def at_point(point):
    def inject(arena, rng):
        node = arena.fleet.nodes[point.partition(".")[0]]
        armed = arena.fleet.faults / point
        node.may_die = True
        try:
            armed.touch()
            helper = HELPERS.get(point)
            if helper:
                helper(arena, rng)
            deadline = time.monotonic() + SECONDS
            while armed.exists() and time.monotonic() < deadline:
                if not node.is_alive and armed.exists():
                    return False
                time.sleep(0.005)
            try:
                armed.unlink()
                return False
            except FileNotFoundError:
                # Whoever removed the file is killing itself.
                node.meant_to_end.set()
                node.process.wait(10)
                if rng.random() < 0.4:
                    # At the same moment the power goes: what was to be durable by then has to be.
                    arena.fleet.disks[node.name].lose_power()
                    arena.say("and the power", name=point)
                return True
        finally:
            if not node.is_alive:
                arena.fleet.start(node.name)
            node.may_die = False

    return inject


def resume(arena, rng):
    """Orders that the agent does not hold: it is killed while there are some, and comes back."""
    arena.fleet.agent.kill()
    client = arena.client
    for _ in range(3):
        order = client.order("reader", rng.choice(arena.instances), "ls -l tree/small")
        client.put(order)
    arena.fleet.agent.start()


def cancel(arena, rng):
    """A slow command, and the wish that it ends."""
    client = arena.client
    accepted = client.put(client.order("slow", rng.choice(arena.instances), SLOW, timeout=1))
    if accepted not in (None, "refused", "later"):
        client.cancel(accepted)


def sealed(body):
    """A line of the journal (Sources/Agent/Journal/JournalSeal.swift): its object, without the closing brace, and FNV-1a of that."""
    digest = 0xCBF29CE484222325
    for byte in body:
        digest = (digest ^ byte) * 0x100000001B3 % (1 << 64)
    return b'%s,"seal":"%016x"}\n' % (body, digest)


def lengthen_journal(arena, rng):
    """Fills the journal with ids that were acknowledged days ago, so that the next start writes it anew."""
    arena.fleet.agent.kill()
    journal = arena.fleet.agent_data / "agent" / "journal"
    data = journal.read_bytes() if journal.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    lines = []
    size, number = len(whole), 10**15
    # And only when that makes it half as long: what is of today stays.
    while size <= LONG_JOURNAL + 2 * len(whole):
        lines.append(sealed(b'{"acknowledged":%d,"at":1000000000' % number))
        size += len(lines[-1])
        number += 1
    with journal.open("r+b" if journal.exists() else "wb") as file:
        file.truncate(len(whole))
        file.seek(len(whole))
        file.write(b"".join(lines))
    arena.fleet.agent.start()


def write_in_a_stopped_one(arena, rng):
    """A writer for whom the engine must hold a container."""
    client = arena.client
    instance = rng.choice([one for one in arena.instances if not one.is_running])
    name = f"hold-{rng.getrandbits(48)}"
    order = client.writer(instance, name, f"key-{name}")
    if order:
        client.put(order)


HELPERS = {
    "agent.hold-taken": write_in_a_stopped_one,
    "server.order-resumed": resume, "server.cancel-stored": cancel, "agent.journal-rewritten": lengthen_journal,
}

for name, weight in POINTS.items():
    fault(f"point:{name}", weight)(at_point(name))
