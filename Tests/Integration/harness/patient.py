"""A TCP proxy that waits for its server, as a socket does that systemd holds."""

import contextlib
import socket

from harness.passage import Passage
from harness.waiting import eventually


class Patient(Passage):
    """Passes connections on to a port of this host once somebody listens there; one that the server loses is lost."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        super().__init__()

    def connect(self):
        return eventually("the server listens", self._connected, 60, every=0.01)

    def _connected(self):
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(self.target)

    def pass_on(self, client, server, _):
        self.pump(server, client)
