"""Files that an `rm` may remove once: each is made again as soon as it is gone, so that a second run is seen.

Everything here is done from the host. In a running container through its merged root, so that the kernel's
overlay knows of it; in a stopped one in its upper layer, which nobody has mounted between two commands.
"""

import errno
import os
import threading
import time


# Seconds for which a counter is watched closely. Most commands are over by then, and a look at each costs time.
YOUTH = 10


class Counter:
    def __init__(self, folder, name):
        self.born = time.monotonic()
        self.folder = folder
        self.name = name
        self.path = f"{folder}/{name}"
        self.vanished = []  # when

    @property
    def count(self):
        return len(self.vanished)


class Counters:
    """Watches all counters; the younger ones closely."""

    def __init__(self, clock):
        self._clock = clock
        self._young = set()
        self._old = {}  # folder → name → counter
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def place(self, folder, name):
        """A new counter; None while the container's files are away."""
        counter = Counter(folder, name)
        if not self._make(counter):
            return None
        with self._lock:
            self._young.add(counter)
        return counter

    def settle(self, youth=0):
        """Looks at all, and then twice a second at those that are not young any more."""
        with self._lock:
            grown = [counter for counter in self._young if time.monotonic() - counter.born >= youth]
        self._look(grown)
        with self._lock:
            for counter in grown:
                self._old.setdefault(counter.folder, {})[counter.name] = counter
            self._young.difference_update(grown)

    def close(self):
        self._closing.set()
        self._thread.join()

    @staticmethod
    def _make(counter):
        """Whether the file was made: false when it is there, and when its folder is away for a moment."""
        try:
            os.close(os.open(counter.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            return True
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.EIO):
                return False
            raise

    def _look(self, counters):
        for counter in counters:
            # Only whoever makes the file anew has seen it vanish: a folder that was unmounted for a moment
            # comes back with the file in it.
            if not os.path.lexists(counter.path) and self._make(counter):
                counter.vanished.append(self._clock())

    def _watch(self):
        next_round = time.monotonic()
        while not self._closing.wait(0.004):
            with self._lock:
                young = list(self._young)
            self._look(young)
            if time.monotonic() >= next_round:
                self.settle(YOUTH)
                self._look_at_old()
                next_round = time.monotonic() + 0.5

    def _look_at_old(self):
        with self._lock:
            folders = [(folder, dict(counters)) for folder, counters in self._old.items()]
        for folder, counters in folders:
            try:
                there = set(os.listdir(folder))
            except OSError:
                continue
            self._look([counters[name] for name in counters.keys() - there])
