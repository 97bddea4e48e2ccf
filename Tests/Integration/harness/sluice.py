"""A TCP proxy that can be shut in the middle of what it passes on."""

import contextlib
import socket
import threading


class Sluice:
    """Hands connections on to `host`; lets so many bytes of answers through, and the rest once it is opened."""

    def __init__(self, host, count):
        address, _, port = host.rpartition(":")
        self.target, self.left = (address, int(port)), count
        self.opened, self.lock = threading.Event(), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.opened.set()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client):
        with contextlib.suppress(OSError), client, socket.create_connection(self.target) as server:
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            while piece := server.recv(16384):
                with self.lock:
                    self.left -= len(piece)
                    shut = self.left < 0
                if shut:
                    self.opened.wait()
                client.sendall(piece)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
