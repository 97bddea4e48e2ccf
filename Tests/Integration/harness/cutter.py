"""A TCP proxy that cuts connections in the middle of an answer."""

import socket
import urllib.parse

from harness.passage import Passage


class Cutter(Passage):
    """Passes connections on to `target`; each of the first ones is cut after so many bytes of its answer."""

    def __init__(self, target, cuts):
        parts = urllib.parse.urlsplit(target)
        self.target = (parts.hostname, parts.port)
        self.cuts = list(cuts)
        self.made = 0
        super().__init__()

    def connect(self):
        return socket.create_connection(self.target)

    def pass_on(self, client, server, number):
        if number >= len(self.cuts):
            return self.pump(server, client)
        rest = self.cuts[number]
        while piece := server.recv(65536):
            if rest <= len(piece):
                client.sendall(piece[:rest])
                self.made += 1
                # The close alone would wait for the one who still reads from it.
                client.shutdown(socket.SHUT_RDWR)
                server.shutdown(socket.SHUT_RDWR)
                return None
            rest -= len(piece)
            client.sendall(piece)
        return None
