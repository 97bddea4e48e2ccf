"""A TCP proxy that keeps what passes: the exchange on the wire, as the client made it."""

import socket
import threading
import urllib.parse

from harness.passage import serve_each


class Recorder:
    """Listens on loopback and hands every connection on to `target` (set before the first one)."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.target = None
        self.exchanges = []
        self._lock = threading.Lock()
        serve_each(self.listener, self._connection)

    def close(self):
        self.listener.close()

    def clear(self):
        with self._lock:
            self.exchanges = []

    def _connection(self, client, _):
        parts = urllib.parse.urlsplit(self.target)
        try:
            server = socket.create_connection((parts.hostname, parts.port))
        except OSError:
            client.close()
            return
        record = {"sent": bytearray(), "received": bytearray()}
        with self._lock:
            self.exchanges.append(record)
        pumps = [
            threading.Thread(target=self._pump, args=(client, server, record["sent"]), daemon=True),
            threading.Thread(target=self._pump, args=(server, client, record["received"]), daemon=True),
        ]
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.join()
        client.close()
        server.close()

    @staticmethod
    def _pump(source, sink, kept):
        try:
            while piece := source.recv(65536):
                kept += piece
                sink.sendall(piece)
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def requests(self):
        """Every request so far as (method, target, headers, body), in the order of connections."""
        found = []
        with self._lock:
            streams = [bytes(record["sent"]) for record in self.exchanges]
        for stream in streams:
            while b"\r\n\r\n" in stream:
                head, _, stream = stream.partition(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")
                headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
                length = int(headers.get("content-length", 0))
                body, stream = stream[:length], stream[length:]
                method, target, _ = first.split(" ")
                found.append((method, target, headers, body))
        return found

    def statuses(self):
        """The status lines of the answers, in the order of connections."""
        found = []
        with self._lock:
            streams = [bytes(record["received"]) for record in self.exchanges]
        for stream in streams:
            found += [
                int(line.split(b" ")[1]) for line in stream.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")
            ]
        return found
