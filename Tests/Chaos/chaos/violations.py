"""What was promised and not kept, by kind."""

import collections
import sys
import threading

KINDS = ("lost", "duplicated", "state and effect", "partial unmarked", "wrong digest", "changed after the end",
         "residue", "died", "protocol")


class Violations:
    """Found by anybody, shown at once, counted at the end."""

    def __init__(self, evidence):
        self.counts = collections.Counter()
        self.commands = set()
        self._evidence = evidence
        self._seen = set()
        self._lock = threading.Lock()

    def add(self, kind, text, *, command=None, target=None):
        assert kind in KINDS, kind
        with self._lock:
            # The same fault is often seen by several checks, and again at each epoch's end.
            mark = (kind, command if command is not None else target if target is not None else text)
            if mark in self._seen:
                return
            self._seen.add(mark)
            self.counts[kind] += 1
            if command is not None:
                self.commands.add(command)
            print(f"\nVIOLATION {kind}: {text}", file=sys.stderr)
            if self.total <= 15:
                for line in self._evidence(command, target):
                    print(f"    {line}", file=sys.stderr)
            sys.stderr.flush()

    @property
    def total(self):
        return sum(self.counts.values())
