"""One order many times at once, as from clients that all lost their answers."""

from chaos.faults.catalogue import fault
from chaos.workload import storm


@fault("put-storm", 3)
def put_storm(arena, rng):
    name = f"storm-{arena.number}"
    order = arena.client.writer(rng.choice(arena.instances), name, rng.choice((None, f"key-{name}")))
    if order is None:
        return False
    storm(arena.client, order, rng.randint(5, 10))
    return True
