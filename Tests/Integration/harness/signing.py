"""What the server signs on the agent's link, as docs/link.md has it."""

import base64
import hashlib
import os
import re
import struct

from harness import ed25519

VERSION = 5
LINE = re.compile(rb"(0|[1-9][0-9]*) ([A-Za-z0-9_-]{86}) (.*)", re.S)


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def data(written):
    return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))


def nonce():
    return text(os.urandom(16))


def key_of(join_token):
    """The server's public key: the second half of a join token."""
    return data(join_token.strip().split(".")[1])


def join_statement(nonce, machine, token):
    return b"boathook join %d\0" % VERSION + data(nonce) + struct.pack(">q", machine) + hashlib.sha256(token.encode()).digest()


def line_statement(machine, agent_nonce, server_nonce, sequence, message):
    return (b"boathook line %d\0" % VERSION + struct.pack(">q", machine) + data(agent_nonce) + data(server_nonce)
            + struct.pack(">Q", sequence) + message)


class Signer:
    """A server's key, and the lines of one attachment after the other."""

    def __init__(self):
        self.seed = os.urandom(32)
        self.key = ed25519.public_key(self.seed)

    def sign(self, statement):
        return text(ed25519.sign(self.seed, statement))

    def join_token(self):
        return f"{text(os.urandom(32))}.{text(self.key)}"

    def line(self, sequence, message, machine, agent_nonce, server_nonce):
        """Without its line feed."""
        signature = self.sign(line_statement(machine, agent_nonce, server_nonce, sequence, message))
        return f"{sequence} {signature} ".encode() + message


def message_of(line, key, sequence, machine, agent_nonce, server_nonce):
    """What a line says, once it is found to be what the key's owner says there."""
    number, signature, message = LINE.fullmatch(line).groups()
    assert int(number) == sequence, line
    assert ed25519.is_signed(key, data(signature.decode()), line_statement(machine, agent_nonce, server_nonce, sequence, message)), line
    return message
