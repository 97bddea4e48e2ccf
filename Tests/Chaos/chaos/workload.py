"""Clients that never stop: writers, readers, cancellations, storms of one order, within a bound."""

import random
import threading
import time

from chaos.instances import READERS, SLOW

# Commands that are not over, all clients together.
BOUND = 150
KINDS = {"keyed": 36, "once": 10, "reader": 44, "slow": 2, "storm": 4, "storm-with-key": 4}


class Workload:
    def __init__(self, seed, clients, gate, make_client, instances, ledger):
        self.gate = gate
        self.instances = instances
        self.ledger = ledger
        self.threads = []
        self.failures = []
        for number in range(clients):
            client = make_client(f"client-{number}")
            rng = random.Random(f"{seed}/client/{number}")
            self.threads.append(threading.Thread(target=self._run, args=(number, client, rng), daemon=True))

    def start(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.gate.close_for_good()
        for thread in self.threads:
            thread.join(30)

    def _run(self, number, client, rng):
        names = (f"{number}-{serial}" for serial in range(10**9))
        while self.gate.enter():
            try:
                self._burst(client, rng, names)
            except Exception as error:  # a fault of the harness; the run says so and goes on to its end
                self.failures.append(error)
                raise
            finally:
                self.gate.leave()
            time.sleep(rng.uniform(0, 0.15))

    def _burst(self, client, rng, names):
        """Some orders at once, then their ends, not always waited for."""
        accepted = []
        waiting = self.ledger.open()
        if len(waiting) < BOUND:
            for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
                if self.gate.is_closing:
                    break
                kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
                accepted += self.give(client, rng, kind, next(names))
        else:
            accepted = rng.sample(waiting, 5)
        for one in accepted:
            if rng.random() < 0.08:
                time.sleep(rng.choice((0, 0, 0.02, 0.1)))
                client.cancel(one)
            if client.follow(one, rng.uniform(0.3, 6), lambda: self.gate.is_closing) and rng.random() < 0.15:
                client.read_in_pieces(one, rng.choice(one.urls), [rng.random() for _ in range(rng.randint(1, 3))])

    def give(self, client, rng, kind, name):
        """One order of that kind; the commands that were accepted for it."""
        instance = rng.choice(self.instances)
        if kind == "reader":
            order = client.order("reader", instance, rng.choices(list(READERS), list(READERS.values()))[0])
            # Half of the readers have a key too: what was accepted once is one command.
            if rng.random() < 0.5:
                order.key = f"reader-{name}"
                return some(client.put_until_known(order))
            return some(client.put(order))
        if kind == "slow":
            return some(client.put(client.order("slow", instance, SLOW, timeout=1)))
        key = f"key-{name}" if kind in ("keyed", "storm-with-key") else None
        order = client.writer(instance, name, key)
        if order is None:
            return []
        if kind == "keyed":
            return some(client.put_until_known(order))
        if kind == "once":
            return some(client.put(order))
        return storm(client, order, rng.randint(5, 10))


def storm(client, order, count):
    """The same order many times at the same moment."""
    outcomes = []

    def give():
        outcomes.extend(some(client.put_until_known(order) if order.key else client.put(order)))

    threads = [threading.Thread(target=give) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list({accepted.id: accepted for accepted in outcomes}.values())


def some(outcome):
    return [] if outcome in (None, "refused", "later") else [outcome]
