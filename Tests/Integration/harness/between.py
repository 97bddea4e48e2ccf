"""One who sits on the line between a machine and its server, reads everything, and writes what he likes (docs/security.md, A5)."""

import collections
import contextlib
import json
import re
import socket
import threading

from chaos.framing import Framing

from harness.passage import serve_each

LINK = "/agent/v1/link"


class Between:
    """Passes everything on, but for the lines of the link: of each, `change(line)` gives those that the agent gets instead."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.change = lambda line: [line]
        # Whether a call of that path comes through; its connection ends else.
        self.lets = lambda path: True
        # What is answered in the server's place to a call of that path, as bytes of HTTP; None: the server answers.
        self.answers = lambda path: None
        self.longest_head = 0
        self.links = 0
        # Of the newest attachment: what a signature is bound to is no secret.
        self.agent_nonce = self.server_nonce = None
        self._changed = threading.Condition()
        self._connections = set()
        serve_each(self.listener, self._connection)

    def close(self):
        self.listener.close()

    def cut(self):
        """Ends all connections; the agent makes new ones."""
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            self._end(connection)

    def wait_for_links(self, count, seconds=60):
        """Until the server has answered so many attachments."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.links >= count, seconds), f"{self.links} links"

    def _connection(self, agent, _):
        with agent:
            try:
                server = socket.create_connection(self.target)
            except OSError:
                return
            with server, self._kept(agent):
                paths = collections.deque()
                up = threading.Thread(target=self._up, args=(agent, server, paths), daemon=True)
                up.start()
                self._down(server, agent, paths)
                up.join()

    @staticmethod
    def _answer(agent, answer):
        """Also before the request has ended, and reads what is left of it."""
        agent.sendall(answer)
        agent.shutdown(socket.SHUT_WR)
        while agent.recv(1 << 16):
            pass

    @contextlib.contextmanager
    def _kept(self, connection):
        with self._changed:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._changed:
                self._connections.discard(connection)

    def _up(self, agent, server, paths):
        framing = Framing()
        try:
            while data := agent.recv(1 << 16):
                for piece in framing.feed(data):
                    # Before its request is there, nothing is answered.
                    if piece.kind == "head":
                        self.longest_head = max(self.longest_head, len(piece.data))
                        if (answer := self.answers(piece.path)) is not None:
                            self._answer(agent, answer)
                            return self._end(server)
                        if not self.lets(piece.path):
                            self._end(agent)
                            return self._end(server)
                        paths.append(piece.path)
                    if piece.kind == "body" and piece.path == LINK:
                        self.agent_nonce = json.loads(piece.data)["nonce"]
                    server.sendall(piece.data)
        except OSError:
            pass
        self._end(server)

    def _down(self, server, agent, paths):
        framing = Framing(next_path=lambda: paths.popleft() if paths else "")
        try:
            while data := server.recv(1 << 16):
                for piece in framing.feed(data):
                    if piece.path == LINK and piece.kind == "head" and b" 200 " in piece.data.split(b"\r\n")[0]:
                        with self._changed:
                            self.server_nonce = re.search(rb"(?i)\r\nboathook-attachment: (\S+)\r\n", piece.data)[1].decode()
                            self.links += 1
                            self._changed.notify_all()
                    agent.sendall(self._changed_piece(piece))
        except OSError:
            pass
        self._end(agent)

    def _changed_piece(self, piece):
        if piece.path != LINK or piece.kind != "chunk":
            return piece.data
        text = piece.data.split(b"\r\n", 1)[1][:-2]
        lines = [changed for line in text.removesuffix(b"\n").split(b"\n") for changed in self.change(line)]
        text = b"".join(line + b"\n" for line in lines)
        return b"%x\r\n%s\r\n" % (len(text), text) if text else b""

    @staticmethod
    def _end(connection):
        """Both ways: what is half closed would keep the other one."""
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
