"""A process of Boathook's that is meant to die and to come back."""

import os
import signal
import subprocess
import threading

from harness import boathook
from harness.waiting import eventually


class Node:
    """Server or agent: started with the same words each time, ended in every way."""

    def __init__(self, name, log, environment, on_death):
        self.name = name
        self.words = []
        self.log = log
        self.environment = environment
        self.on_death = on_death
        self.process = None
        # While a fault is at work that may end the process, its death is no news.
        self.may_die = False
        self.starts = 0

    def start(self, *more):
        """Starts it, without waiting for its ready line: see `wait_until_ready`."""
        with self.log.open("ab") as errors:
            errors.write(f"--- start {self.starts}\n".encode())
            errors.flush()
            process = subprocess.Popen(
                [str(boathook.BIN / "boathook"), *map(str, self.words), *map(str, more)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                env={**os.environ, **self.environment},
                # Ctrl-C is for the harness, which ends everything in its order.
                process_group=0,
            )
        self.starts += 1
        self.process = process
        self.ready = threading.Event()
        self.meant_to_end = threading.Event()
        threading.Thread(
            target=self._watch, args=(process, self.ready, self.meant_to_end), daemon=True).start()

    def _watch(self, process, ready, meant_to_end):
        for line in process.stdout:
            if line.startswith(b"ready "):
                ready.set()
        status = process.wait()
        process.stdout.close()
        if not meant_to_end.is_set() and not self.may_die:
            self.on_death(self, status)

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def wait_until_ready(self, seconds=30):
        """Whether it says that it is ready, in that time."""
        process, ready = self.process, self.ready
        eventually(
            f"{self.name} is ready or dead", lambda: ready.is_set() or process.poll() is not None, seconds)
        return ready.is_set()

    def kill(self):
        if self.process is not None:
            self.meant_to_end.set()
            self.process.kill()
            self.process.wait()

    def terminate(self, seconds=10):
        """SIGTERM; whether it ended in that time. It is dead afterwards in any case."""
        self.meant_to_end.set()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def signal(self, number):
        if self.is_alive:
            self.process.send_signal(number)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd")) if self.is_alive else 0

    def tail(self, size=3000):
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""
