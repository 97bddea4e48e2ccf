"""Cuts one direction of an HTTP/1.1 connection into the pieces that faults are about.

A piece is a head, some bytes of a body of known length, or one whole chunk. Put together again, the pieces are
the bytes that came in; what is no HTTP passes as it is.
"""

import dataclasses


@dataclasses.dataclass
class Piece:
    kind: str  # head, body, chunk, raw
    data: bytes
    path: str
    # The whole message, with its last piece.
    whole: bytes | None = None


class Framing:
    """`next_path` names the request that a message belongs to: from its own first line, or from the request's."""

    def __init__(self, next_path=None, keep=0):
        self._next_path = next_path
        self._keep = keep
        self._buffer = b""
        self._state = "head"
        self._left = 0
        self._path = ""
        self._message = bytearray()

    def feed(self, data):
        self._buffer += data
        while self._buffer:
            piece = getattr(self, f"_{self._state}")()
            if piece is None:
                return
            if self._keep and len(self._message) <= self._keep:
                self._message += piece.data
            if self._state == "head" and piece.kind != "raw":
                if self._keep and len(self._message) <= self._keep:
                    piece.whole = bytes(self._message)
                self._message.clear()
            yield piece

    def _take(self, count):
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _raw(self):
        return Piece("raw", self._take(len(self._buffer)), self._path)

    def _head(self):
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._take(end + 4)
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        words = first.split(" ")
        if len(words) < 2:
            self._state = "raw"
            return Piece("raw", head, self._path)
        if self._next_path is None:
            self._path = words[1]
            has_body = True
        else:
            self._path = self._next_path()
            has_body = words[1] not in ("204", "304")
        self._left = int(fields.get("content-length", "0"))
        if has_body and "chunked" in fields.get("transfer-encoding", ""):
            self._state = "chunk"
        elif has_body and self._left > 0:
            self._state = "body"
        return Piece("head", head, self._path)

    def _body(self):
        data = self._take(min(self._left, len(self._buffer)))
        self._left -= len(data)
        if self._left == 0:
            self._state = "head"
        return Piece("body", data, self._path)

    def _chunk(self):
        line_end = self._buffer.find(b"\r\n")
        if line_end < 0:
            return None
        size = int(self._buffer[:line_end].split(b";")[0], 16)
        # After the last chunk comes the empty line; trailers are not used on this link.
        whole = line_end + 2 + size + 2
        if len(self._buffer) < whole:
            return None
        if size == 0:
            self._state = "head"
        return Piece("chunk" if size else "body", self._take(whole), self._path)
