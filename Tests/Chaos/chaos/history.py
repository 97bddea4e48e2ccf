"""What everybody did, as JSON lines: the clients' invoke/ok/fail/info, the nemesis' faults."""

import json
import threading
import time


class History:
    def __init__(self, path):
        self.path = path
        self.started = time.monotonic()
        self._file = path.open("a")
        self._lock = threading.Lock()

    def write(self, who, kind, **fields):
        line = json.dumps({"t": round(time.monotonic() - self.started, 4), "who": who, "type": kind, **fields})
        with self._lock:
            self._file.write(line + "\n")

    def about(self, *words):
        """The lines that name one of the words."""
        with self._lock:
            self._file.flush()
        with self.path.open() as file:
            return [line.rstrip() for line in file if any(word in line for word in words)]

    def close(self):
        with self._lock:
            self._file.close()
