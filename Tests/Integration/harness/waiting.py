"""Waiting for something to become true, with a deadline and a reason."""

import time


def eventually(what, condition, seconds=30.0, every=0.02):
    """Calls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)
