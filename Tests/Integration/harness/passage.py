"""What the TCP proxies of the tests have in common."""

import contextlib
import itertools
import socket
import threading


def serve_each(listener, serve):
    """Gives each connection to `serve(client, number)`, in a thread of its own, until the listener is closed."""

    def accept():
        for number in itertools.count():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client, number), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


class Passage:
    """Listens on a port of its own, and gives each connection to `pass_on` of the one that it is, in a thread."""

    def __init__(self):
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        serve_each(self.listener, self._connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.listener.close()

    def _connection(self, client, number):
        self.connections = max(self.connections, number + 1)
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
