"""An epoch's end: everybody is well again, everything accepted has to come to its end and to be right."""

import collections
import concurrent.futures
import random
import time

from chaos.attempts import attempt
from chaos.judge import database, effects, outputs
from harness.boathook import TERMINAL

# For everything accepted to end, once all is mended.
SECONDS = 120


class Judge:
    def __init__(self, arena):
        self.arena = arena
        self.fleet = arena.fleet
        self.ledger = arena.ledger
        self.violations = arena.violations
        self.client = arena.client
        self.rows = {}
        self.judged = 0

    def rest(self):
        """Waits until the server has no open command."""
        deadline = time.monotonic() + SECONDS
        while database.open_count(self.fleet.data) and time.monotonic() < deadline:
            time.sleep(0.1)

    def epoch(self):
        self.rest()
        self.arena.counters.settle()
        rows = database.commands(self.fleet.data)
        self._check_memory(rows)
        self.rows = rows
        orders = self.ledger.orders[self.judged :]
        self.judged = len(self.ledger.orders)
        texts = collections.defaultdict(list)
        for row in rows.values():
            texts[row["text"]].append(row)
        accepted = [self.ledger.accepted[one] for order in orders for one in sorted(order.ids)]
        over = [one for one in accepted if one.is_over]
        self._look_at_all([one for one in accepted if not one.is_over])
        # What was delivered in the epoch has gone through faults since.
        self._pool(lambda one: self.client.read(one, one.urls[0]), over)
        for order in orders:
            if order.counter:
                effects.check(order, texts[order.text], self.violations)
            for identifier in sorted(order.ids):
                self._check_accepted(self.ledger.accepted[identifier], rows)
        # A late second run shows later than its epoch; the older counters are watched until the end.
        for order in self.ledger.orders:
            if order.counter:
                effects.check(order, texts[order.text], self.violations)
        for row in rows.values():
            if row["id"] not in self.ledger.accepted:
                self._check_open_or_unknown(row)

    def _check_memory(self, rows):
        """Nothing that had ended has changed, and nothing has gone."""
        for identifier, before in self.rows.items():
            now = rows.get(identifier)
            if now is None:
                self.violations.add("lost", f"its row is gone: {before}", command=identifier)
            elif before["state"] in TERMINAL and now != before:
                changed = {name: (value, now[name]) for name, value in before.items() if now[name] != value}
                self.violations.add("changed after the end", f"its row changed: {changed}", command=identifier)

    def _look_at_all(self, accepted):
        def look(one):
            for _ in range(50):
                if one.is_over or self.client.look(one) is not None:
                    return
                time.sleep(0.1)

        self._pool(look, accepted)

    @staticmethod
    def _pool(work, items):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(work, item) for item in items]:
                done.result()

    def _check_accepted(self, accepted, rows):
        row = rows.get(accepted.id)
        if row is None:
            text = f"{accepted.order.text[:60]}: a client has a 200, and there is no row"
            self.violations.add("lost", text, command=accepted.id)
            return
        if row["state"] not in TERMINAL:
            self.violations.add(
                "lost", f"{row['text'][:60]}: it is {row['state']}, and does not end within {SECONDS} s",
                command=accepted.id)
            return
        if row["text"] != accepted.order.text:
            self.violations.add("protocol", f"its text is {row['text']}", command=accepted.id)
        if accepted.row is None:
            self.violations.add("lost", "the API did not show its end", command=accepted.id)
            return
        outputs.check_agreement(row, accepted.row, self.violations)
        outputs.check_row(row, accepted.order, self.violations)
        outputs.check_body(accepted, row, self.violations)
        if not row["is_complete"] and (row["stdout_bytes"] or 0) > 0:
            self._check_beginning(row, accepted.order)

    def _check_beginning(self, row, order):
        answer = attempt(self.fleet.request, "GET", f"/api/v0/commands/{row['id']}/output?stream=stdout")
        if answer is not None and answer.status == 200:
            outputs.check_prefix(answer.body, row, order, self.violations)

    def _check_open_or_unknown(self, row):
        """A command that no client knows of: its answer got lost. It has to end like any other."""
        if row["state"] not in TERMINAL:
            self.violations.add("lost", f"{row['text'][:60]}: it does not end", command=row["id"])
        else:
            outputs.check_row(row, None, self.violations)

    def end(self, seconds=90):
        """At the end of the run: every record and every body again; returns how many bodies there was time for."""
        shown = {}
        before = ""
        while True:
            answer = self.fleet.request("GET", f"/api/v0/commands/?limit=500{before}")
            page = answer.json["commands"]
            shown.update((row["id"], row) for row in page)
            if len(page) < 500:
                break
            before = f"&before={page[-1]['id']}"
        accepted = [one for one in self.ledger.accepted.values() if one.is_over]
        for one in accepted:
            if one.id not in shown:
                self.violations.add("lost", "it is not in the list any more", command=one.id)
                continue
            # The list has no text of output.
            texts = {"stdout": one.row["stdout"], "stderr": one.row["stderr"]}
            self.ledger.see_row(one, {**shown[one.id], **texts})
        random.Random(0).shuffle(accepted)
        deadline = time.monotonic() + seconds
        read = []

        def again(one):
            if time.monotonic() < deadline and self.client.read(one, one.urls[0]) is not None:
                read.append(one.id)

        self._pool(again, accepted)
        return len(read), len(accepted)
