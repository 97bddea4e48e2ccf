"""What the network does to what passes: set by the nemesis, read by every connection."""

import random
import threading
import time


class Trap:
    """One thing that happens to the next piece that fits; whoever set it can wait until it has."""

    def __init__(self, fits, action, rng):
        self.fits = fits
        self.action = action  # cut, repeat, insert an old order before it, or forget which commands are held
        self.rng = rng
        self.data = b""  # what was repeated or inserted
        self.sprung = threading.Event()


class Weather:
    def __init__(self):
        self.rng = random.Random(0)
        self.traps = []
        self.clear()

    def clear(self):
        self.delay_until = self.trickle_until = 0.0
        self.swallowing = False
        self.traps = []

    def pause(self):
        """Seconds that the next piece is late."""
        return self.rng.uniform(0.05, 0.5) if time.monotonic() < self.delay_until else 0.0

    @property
    def is_trickling(self):
        return time.monotonic() < self.trickle_until

    def trap_for(self, direction, piece):
        """The trap that this piece springs, if any."""
        for trap in self.traps:
            if not trap.sprung.is_set() and trap.fits(direction, piece):
                self.traps.remove(trap)
                return trap
        return None
