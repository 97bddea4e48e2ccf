"""Those who follow a command's output while it is written."""

import base64
import contextlib
import http.client
import json
import socket
import urllib.parse


class BrokenOff(Exception):
    """The answer ended without its last chunk: what was read is not all."""


class Follower:
    """One GET of `/output?follow=1`, read as its bytes come.

    An answer that is no 200 is read to its end: `status` and `body`.
    """

    def __init__(
        self, client, identifier, *, offset=None, run=None, events=False, last_event_id=None, timeout=60,
        buffer=None, key=None,
    ):
        query = {"follow": 1, "offset": offset, "run": run}
        query = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        headers = {"Authorization": f"Bearer {key or client.key}"}
        if events:
            headers["Accept"] = "text/event-stream"
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        parts = urllib.parse.urlsplit(client.url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        self.connection.sock = self._socket(parts, timeout, buffer)
        self.connection.request("GET", f"/api/v0/commands/{identifier}/output?{query}", headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.headers = {name.lower(): value for name, value in self.response.getheaders()}
        self.body = bytearray(b"" if self.status == 200 else self.response.read())
        # What is done while it waits for bytes: makes a context.
        self.meanwhile = contextlib.nullcontext

    @staticmethod
    def _socket(parts, timeout, buffer):
        made = socket.socket()
        if buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        made.settimeout(timeout)
        made.connect((parts.hostname, parts.port))
        return made

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.response.close()
        self.connection.close()

    def read(self, most=65536):
        """What is there, once there is something; nothing at the end."""
        try:
            with self.meanwhile():
                piece = self.response.read1(most)
        except (http.client.IncompleteRead, ConnectionError, ValueError) as error:
            raise BrokenOff from error
        self.body += piece
        return piece

    def until(self, count):
        """Reads at least so many bytes in all, unless it ends before: all bytes so far."""
        while len(self.body) < count and self.read():
            pass
        return bytes(self.body)

    def rest(self):
        """Reads to the end: all bytes."""
        while self.read(1 << 20):
            pass
        return bytes(self.body)

    def events(self):
        """Each event as it comes: its name, its data, its id. Comments are passed over."""
        rest = b""
        while piece := self.read():
            *blocks, rest = (rest + piece).split(b"\n\n")
            for block in blocks:
                fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if not line.startswith(b":"))
                if fields:
                    identifier = fields.get(b"id")
                    yield Event(
                        fields[b"event"].decode(), json.loads(fields[b"data"]), identifier and identifier.decode())
        assert rest == b"", f"half an event: {rest!r}"


class Event:
    def __init__(self, name, data, identifier):
        self.name, self.data, self.id = name, data, identifier

    @property
    def bytes(self):
        """What a `stdout` or `stderr` event holds."""
        if "text" in self.data:
            return self.data["text"].encode()
        return base64.b64decode(self.data["base64"])

    def __repr__(self):
        return f"<{self.name} {self.id} {str(self.data)[:100]}>"
