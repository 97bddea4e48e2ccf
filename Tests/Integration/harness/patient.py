"""A TCP proxy that waits for its server, as a socket does that systemd holds."""

import contextlib
import socket
import threading

from harness.waiting import eventually


class Patient:
    """Passes connections on to a port of this host once somebody listens there; one that the server loses is lost."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections = 0
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
            self.connections += 1
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client):
        with client, eventually("the server listens", self._connected, 30, every=0.01) as server:
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            self._pump(server, client)

    def _connected(self):
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(self.target)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
