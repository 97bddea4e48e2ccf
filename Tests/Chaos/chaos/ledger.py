"""Every order that clients gave, every command that was accepted for it, and what was seen of its end."""

import dataclasses
import threading

from chaos.instances import digest
from harness.boathook import TERMINAL


@dataclasses.dataclass(eq=False)
class Order:
    kind: str  # writer, reader, slow
    instance: object
    text: str
    counter: object = None
    key: str | None = None
    timeout: int | None = None
    # Attempts whose outcome the client does not know.
    unknown: int = 0
    attempts: int = 0
    lock: object = dataclasses.field(default_factory=threading.Lock)
    ids: set = dataclasses.field(default_factory=set)

    def count(self, **more):
        """Several clients may give one order at once."""
        with self.lock:
            for name, number in more.items():
                setattr(self, name, getattr(self, name) + number)

    @property
    def target(self):
        return self.counter.name if self.counter else None


class Accepted:
    """A command that a client has a 200 for."""

    def __init__(self, identifier, order):
        self.id = identifier
        self.order = order
        self.urls = []
        self.row = None  # as first seen in a terminal state
        self.body = None  # digest and size, as first delivered
        self.epoch = None

    @property
    def is_over(self):
        return self.row is not None and self.body is not None


class Ledger:
    def __init__(self, violations):
        self.violations = violations
        self.orders = []
        self.accepted = {}
        self._lock = threading.Lock()

    def add(self, order):
        with self._lock:
            self.orders.append(order)

    def accept(self, order, answer):
        """A 200: which command it names."""
        identifier, url = answer["command_id"], answer["result_url"]
        with self._lock:
            order.ids.add(identifier)
            accepted = self.accepted.get(identifier)
            if accepted is None:
                accepted = self.accepted[identifier] = Accepted(identifier, order)
            accepted.urls.append(url)
        if accepted.order is not order:
            self.violations.add(
                "protocol", f"the answer to {order.text} names the command of {accepted.order.text}",
                command=identifier)
        if order.key and len(order.ids) > 1:
            self.violations.add(
                "duplicated", f"one Idempotency-Key, the commands {sorted(order.ids)}", command=identifier,
                target=order.target)
        return accepted

    def open(self):
        with self._lock:
            return [accepted for accepted in self.accepted.values() if not accepted.is_over]

    def see_row(self, accepted, row):
        """The record of a command as the API shows it."""
        if row["state"] not in TERMINAL:
            if accepted.row is not None or accepted.body is not None:
                self.violations.add(
                    "changed after the end", f"it was over, and is {row['state']} now", command=accepted.id)
            return
        if accepted.row is None:
            accepted.row = row
        elif accepted.row != row:
            before = accepted.row
            changed = {name: (value, row.get(name)) for name, value in before.items() if row.get(name) != value}
            self.violations.add("changed after the end", f"the record changed: {changed}", command=accepted.id)

    def see_body(self, accepted, answer):
        """A result that was delivered whole."""
        found = (digest(answer.body), len(answer.body))
        if accepted.body is None:
            accepted.body = found
        elif accepted.body != found:
            self.violations.add(
                "changed after the end", f"the body was {accepted.body}, and is {found} now", command=accepted.id)
        # Without an ETag the body is a sentence of the server's about a command without output.
        tag = answer.headers.get("etag", "").strip('"')
        if tag and tag != found[0]:
            self.violations.add("wrong digest", f"the ETag says {tag}, the body is {found}", command=accepted.id)
