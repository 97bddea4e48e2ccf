"""What one client does: gives an order until it knows the outcome, asks for results, cancels."""

import time

from chaos.attempts import attempt, get
from chaos.ledger import Order

# How long a client goes on about one order: longer than any fault lasts.
PATIENCE = 180


class ChaosClient:
    def __init__(self, name, fleet, ledger, counters, history):
        self.name = name
        self.fleet = fleet
        self.ledger = ledger
        self.counters = counters
        self.history = history

    def say(self, kind, **fields):
        self.history.write(self.name, kind, **fields)

    def put(self, order):
        """One attempt: the accepted command, `refused`, or None for an outcome that is not known."""
        headers = {"Idempotency-Key": order.key} if order.key else {}
        body = {"command": order.text}
        if order.timeout:
            body["timeout"] = order.timeout
        order.count(attempts=1)
        self.say("invoke", op="put", order=order.text[:60], key=order.key, instance=order.instance.id)
        path = f"/api/v0/instances/command/{order.instance.id}/"
        answer = attempt(self.fleet.request, "PUT", path, headers=headers, body=body)
        if answer is not None and answer.status == 200:
            accepted = self.ledger.accept(order, answer.json)
            self.say("ok", op="put", order=order.text[:60], key=order.key, command=accepted.id)
            return accepted
        if answer is None or answer.status >= 500:
            order.count(unknown=1)
            self.say("info", op="put", order=order.text[:60], key=order.key, status=answer and answer.status)
            return None
        self.say("fail", op="put", order=order.text[:60], key=order.key, status=answer.status,
                 body=answer.body[:200].decode(errors="replace"))
        if answer.status == 422:
            self.ledger.violations.add("protocol", f"{order.text}: {answer}", target=order.target)
        return "later" if answer.status == 429 else "refused"

    def put_until_known(self, order):
        """As stock clients do, only longer: again, with the same key, until there is a 200 or a refusal."""
        deadline = time.monotonic() + PATIENCE
        pause = 0.05
        while time.monotonic() < deadline:
            outcome = self.put(order)
            if outcome not in (None, "later"):
                return None if outcome == "refused" else outcome
            time.sleep(pause)
            pause = min(pause * 2, 0.5)
        return None

    def order(self, kind, instance, text, **more):
        order = Order(kind, instance, text, **more)
        self.ledger.add(order)
        return order

    def writer(self, instance, name, key=None):
        """An `rm` of a new counter; None while the container's files are away."""
        counter = self.counters.place(instance.counters, name)
        if counter is None:
            return None
        return self.order("writer", instance, f"rm counters/{name}", counter=counter, key=key)

    def cancel(self, accepted):
        self.say("invoke", op="delete", command=accepted.id)
        answer = attempt(self.fleet.request, "DELETE", f"/api/v0/commands/{accepted.id}/")
        kind = "info" if answer is None else "ok" if answer.status == 200 else "fail"
        body = answer and answer.body[:120].decode(errors="replace")
        self.say(kind, op="delete", command=accepted.id, body=body)

    def follow(self, accepted, seconds, is_closing):
        """Asks for the end and the output, for so long; whether it has both."""
        deadline = time.monotonic() + seconds
        while not accepted.is_over and time.monotonic() < deadline and not is_closing():
            if self.look(accepted, wait=2) is None:
                time.sleep(0.1)
        return accepted.is_over

    def look(self, accepted, wait=0):
        """One look at the record and, once it is final, at the result; None when the server is away."""
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        answer = attempt(self.fleet.request, "GET", f"/api/v0/commands/{accepted.id}/", headers=headers)
        if answer is None or answer.status >= 500:
            return None
        if answer.status != 200:
            self.ledger.violations.add("lost", f"the record of an accepted command: {answer}", command=accepted.id)
            return None
        self.ledger.see_row(accepted, answer.json)
        if answer.json["final"]:
            return self.read(accepted, accepted.urls[-1])
        return answer

    def read(self, accepted, url):
        """The result, whole; it is there, since the record says that the command is over."""
        answer = get(url)
        if answer is None or answer.status >= 500:
            return None
        if answer.status != 200:
            self.ledger.violations.add("lost", f"it is over, and its result: {answer}", command=accepted.id)
            return None
        if accepted.body is None:
            state = answer.headers.get("boathook-state")
            self.say("ok", op="get", command=accepted.id, state=state, bytes=len(answer.body))
        self.ledger.see_body(accepted, answer)
        return answer

    def read_in_pieces(self, accepted, url, cuts):
        """The result by ranges of bytes, put together."""
        size = accepted.body[1]
        if size == 0:
            return
        edges = [0, *sorted(int(cut * size) for cut in cuts), size]
        pieces = []
        for first, end in zip(edges, edges[1:]):
            if first == end:
                continue
            answer = get(url, headers={"Range": f"bytes={first}-{end - 1}"})
            if answer is None or answer.status >= 500:
                return
            if answer.status == 200 and "etag" not in answer.headers:
                return  # a sentence of the server's, which has no ranges
            if answer.status != 206 or len(answer.body) != end - first:
                text = f"bytes {first}-{end - 1} of {size}: {answer.status}, {len(answer.body)} bytes"
                self.ledger.violations.add("wrong digest", text, command=accepted.id)
                return
            pieces.append(answer.body)
        answer.body = b"".join(pieces)
        self.ledger.see_body(accepted, answer)
