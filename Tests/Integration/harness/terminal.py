"""A command on a terminal, as a person sees it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """A command on a terminal of so many columns: all that it shows, and answers to what it asks."""

    def __init__(self, words, environment, columns=80):
        self.shown, self.deadline = b"", time.monotonic() + 180
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [str(word) for word in words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True)
        os.close(theirs)

    def until(self, pattern):
        """Reads until it shows this."""
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < self.deadline and self._read(), (pattern, self.shown)
        return found

    def type(self, text):
        os.write(self.ours, text)

    def end(self):
        """Its exit status."""
        while self._read():
            assert time.monotonic() < self.deadline, self.shown
        os.close(self.ours)
        return self.process.wait(60)

    def _read(self):
        while not select.select([self.ours], [], [], 0.2)[0]:
            if time.monotonic() > self.deadline:
                return False
        try:
            piece = os.read(self.ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.shown += piece
        return bool(piece)
