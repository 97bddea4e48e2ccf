"""Ports of this host that one run of the tests has to itself, whatever other runs there are beside it."""

import itertools
import socket


def _claimed():
    """A number that no other run has while this one lasts."""
    for number in range(24):
        claim = socket.socket(socket.AF_UNIX)
        try:
            # An abstract name goes with its socket, and belongs to the network that the ports are of (unix(7)).
            claim.bind(f"\0boathook-test-ports-{number}")
            return number, claim
        except OSError:
            claim.close()
    raise AssertionError("too many runs of the tests at once")


_number, _claim = _claimed()

# All below those that the kernel gives to whoever asks for any, such as each connection: who has ended and starts again
# on its port finds it free.
SERVERS = range(10_000 + _number * 400, 10_400 + _number * 400)
INSTANCES = range(20_000 + _number * 500, 20_500 + _number * 500)

_next = itertools.cycle(SERVERS)


def free():
    """One for a server; it is not given out again soon."""
    for port in itertools.islice(_next, len(SERVERS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError(f"no port of {SERVERS} is free")
