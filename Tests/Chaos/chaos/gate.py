"""Lets the clients in, and waits at an epoch's end until the last one is out."""

import threading


class Gate:
    def __init__(self):
        self._changed = threading.Condition()
        self._is_open = False
        self._inside = 0
        self.is_closed_for_good = False

    @property
    def is_closing(self):
        """Whether those inside should come to an end."""
        return not self._is_open

    def enter(self):
        """Waits until it is open; false when it never will be again."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_open or self.is_closed_for_good)
            if self.is_closed_for_good:
                return False
            self._inside += 1
            return True

    def leave(self):
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def open(self):
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def close(self):
        """No new orders from now on."""
        with self._changed:
            self._is_open = False

    def wait_until_empty(self, seconds):
        with self._changed:
            return self._changed.wait_for(lambda: self._inside == 0, seconds)

    def close_for_good(self):
        with self._changed:
            self._is_open = False
            self.is_closed_for_good = True
            self._changed.notify_all()
