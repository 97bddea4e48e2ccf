"""A TCP proxy that cuts connections in the middle of an answer."""

import socket
import threading
import urllib.parse


class Cutter:
    """Passes connections on to `target`; each of the first ones is cut after so many bytes of its answer."""

    def __init__(self, target, cuts):
        parts = urllib.parse.urlsplit(target)
        self.target = (parts.hostname, parts.port)
        self.cuts = list(cuts)
        self.made = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            rest = self.cuts.pop(0) if self.cuts else None
            threading.Thread(target=self._connection, args=(client, rest), daemon=True).start()

    def _connection(self, client, rest):
        with client, socket.create_connection(self.target) as server:
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            try:
                while piece := server.recv(65536):
                    if rest is not None:
                        if rest <= len(piece):
                            client.sendall(piece[:rest])
                            self.made += 1
                            # The close alone would wait for the one who still reads from it.
                            client.shutdown(socket.SHUT_RDWR)
                            server.shutdown(socket.SHUT_RDWR)
                            return
                        rest -= len(piece)
                    client.sendall(piece)
            except OSError:
                pass

    @staticmethod
    def _pump(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
        except OSError:
            pass
