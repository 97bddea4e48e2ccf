"""A TCP proxy that can be shut in the middle of what it passes on."""

import socket
import threading

from harness.passage import Passage


class Sluice(Passage):
    """Hands connections on to `host`; lets so many bytes of answers through, and the rest once it is opened."""

    def __init__(self, host, count):
        address, _, port = host.rpartition(":")
        self.target, self.left = (address, int(port)), count
        self.opened, self.lock = threading.Event(), threading.Lock()
        super().__init__()

    def close(self):
        self.opened.set()
        super().close()

    def connect(self):
        return socket.create_connection(self.target)

    def pass_on(self, client, server, _):
        while piece := server.recv(16384):
            with self.lock:
                self.left -= len(piece)
                shut = self.left < 0
            if shut:
                self.opened.wait()
            client.sendall(piece)
