"""What the TCP proxies of the tests have in common."""

import contextlib
import socket
import threading


class Passage:
    """Listens on a port of its own, and gives each connection to `pass_on` of the one that it is, in a thread."""

    def __init__(self):
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._connection, args=(client, number), daemon=True).start()

    def _connection(self, client, number):
        with contextlib.suppress(OSError), client, self.connect() as server:
            threading.Thread(target=self.pump, args=(client, server), daemon=True).start()
            self.pass_on(client, server, number)

    @staticmethod
    def pump(source, sink):
        """All of one direction, and its end."""
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
