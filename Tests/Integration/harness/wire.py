"""HTTP as bytes, and calls from many addresses."""

import http.client
import itertools
import re
import socket
import urllib.parse

# What is another one for each answer, whatever it says.
VOLATILE = {"date", "retry-after"}

addresses = (f"127.{a}.{b}.{c}" for a, b, c in itertools.product(range(1, 200), range(1, 250), range(1, 250)))


def ask(url, method, path, *, body=None, headers=None, source=None):
    """(status, headers, body); each call from an address of its own, because wrong keys are bounded by address."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60, source_address=(source or next(addresses), 0))
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in VOLATILE}
        return answer.status, kept, answer.read()
    finally:
        connection.close()


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def raw(up, data, *, half_close=False, answers=1):
    """Sends bytes as they are; what came back until the end of the connection, or, after so many answers, for two seconds."""
    answer = b""
    with socket.create_connection(("127.0.0.1", up.port), timeout=20) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
                if len(statuses(answer)) >= answers:
                    connection.settimeout(2)
        except (ConnectionError, TimeoutError):
            pass
    return answer


def head(up, *lines, key=None):
    return "\r\n".join([*lines, f"Host: 127.0.0.1:{up.port}", f"Authorization: Bearer {key or up.key}", "", ""]).encode()


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]
