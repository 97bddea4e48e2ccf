"""Requests that can be read in two ways, that are no requests, or too many: nothing is taken for anything else, and nobody is kept out
(docs/security.md, P18, X14)."""

import contextlib
import json
import os
import re
import resource
import select
import socket
import time
import urllib.parse

import pytest

from harness import usage
from harness.wire import ask, bearer, head, raw, statuses

# A second request hides in the body of the first for whoever reads its length in the other way.
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: hidden\r\n\r\n"
AMBIGUOUS = {
    "both lengths": (["Content-Length: %d" % (5 + len(HIDDEN)), "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    "both, the other way": (["Transfer-Encoding: chunked", "Content-Length: 4"], b"0\r\n\r\n"),
    "two lengths": (["Content-Length: 0", "Content-Length: %d" % len(HIDDEN)], b""),
    "two in one": (["Content-Length: 0, %d" % len(HIDDEN)], b""),
    "a sign": (["Content-Length: +0"], b""),
    "a minus": (["Content-Length: -0"], b""),
    "hexadecimal": (["Content-Length: 0x0"], b""),
    "beyond 64 bits": (["Content-Length: 18446744073709551616"], b""),
    "a blank before the colon": (["Content-Length : 0"], b""),
    "a blank before the name": ([" Content-Length: 0"], b""),
    "a folded line": (["X: y", " Content-Length: 0"], b""),
    "another coding": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    "a vertical tab": (["Transfer-Encoding: \x0bchunked"], b"0\r\n\r\n"),
    "two codings": (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
    "a chunk beyond 64 bits": (["Transfer-Encoding: chunked"], b"10000000000000000\r\n"),
    "a negative chunk": (["Transfer-Encoding: chunked"], b"-1\r\n"),
    "a bare line feed": (["X: y\nTransfer-Encoding: chunked"], b"0\r\n\r\n"),
    "a bare return": (["X: y\rTransfer-Encoding: chunked"], b"0\r\n\r\n"),
    "a zero byte": (["X: y\0z"], b""),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_that_can_be_read_in_two_ways_is_read_in_none(up, name):
    lines, body = AMBIGUOUS[name]
    answer = raw(up, head(up, "GET /api/v0/users/current/ HTTP/1.1", *lines) + body + HIDDEN)
    # What does not look at a body may have answered before it was read; then the connection ends.
    assert statuses(answer) in ([400], [200, 400], []) and b'"status":"ok"' not in answer, answer
    # What looks at it does nothing.
    answer = raw(up, head(up, "POST /api/v0/auth/apikeys/ HTTP/1.1", *lines) + body + HIDDEN)
    assert not {200, 201} & set(statuses(answer)) and b'"status":"ok"' not in answer, answer
    assert ask(up.url, "GET", "/healthz")[0] == 200


@pytest.mark.parametrize("line", ["Host: elsewhere", "Authorization: Bearer other"])
def test_a_head_that_names_two_is_refused(up, line):
    assert statuses(raw(up, head(up, "GET /api/v0/users/current/ HTTP/1.1", line, "Connection: close"))) == [400]


def test_positive_control_two_requests_get_two_answers(up):
    answer = raw(up, head(up, "GET /api/v0/users/current/ HTTP/1.1", "Content-Length: 0") + HIDDEN, answers=2)
    assert statuses(answer) == [200, 200]


STRANGE = {
    "no version": b"GET /\r\n\r\n", "version 0.9": b"GET / HTTP/0.9\r\n\r\n", "version 3": b"GET / HTTP/3.0\r\nHost: x\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "zeros": bytes(4096), "noise": os.urandom(4096), "no host": b"GET /healthz HTTP/1.1\r\n\r\n", "an empty host": b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(100_000)) + b"\r\n",
    "a long header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n",
    "a long path": b"GET /" + b"y" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n", "a long method": b"G" * 100_000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "many dots": b"GET /" + b"../" * 1000 + b"etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "no path": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "a tunnel": b"CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a broken escape": b"GET /api/v0/instances/%zz%/ HTTP/1.1\r\nHost: x\r\n\r\n", "an escape that is no UTF-8": b"GET /%ff%fe%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "trailers": b"PUT /api/v0/instances/command/1/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
    "trace": b"TRACE /healthz HTTP/1.1\r\nHost: x\r\nX-Secret: 1\r\n\r\n",
}


@pytest.mark.parametrize("name", STRANGE)
def test_no_bytes_end_the_server(up, name):
    answer = raw(up, STRANGE[name], half_close=True)
    assert up.process.is_alive and ask(up.url, "GET", "/healthz")[0] == 200
    # Nothing is taken for a switch of protocol or for a proxy's request, and nothing of it comes back.
    assert not answer or answer.startswith(b"HTTP/1."), answer[:200]
    assert not {101, 200} & set(statuses(answer)), answer[:200]
    assert b"X-Secret" not in answer


def test_no_upgrade_is_made(up):
    for protocol in ("h2c", "websocket", "TLS/1.0"):
        answer = raw(up, head(up, "GET /healthz HTTP/1.1", f"Upgrade: {protocol}", "Connection: Upgrade, HTTP2-Settings",
                              "HTTP2-Settings: AAMAAABkAAQAAP__", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"))
        assert statuses(answer) == [200] and b"upgrade:" not in answer.lower().replace(b"connection: upgrade", b""), answer


def test_nothing_that_is_sent_becomes_a_header(up, running):
    """CR and LF, plain and escaped, in everything that an answer could repeat."""
    instance = up.instance_id(running)
    broken = "x\r\nX-Injected: 1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
    quoted = urllib.parse.quote(broken)
    paths = [f"/{quoted}", f"/results/1-{quoted}", f"/api/v0/instances/{quoted}/", f"/api/v0/commands/{quoted}/", f"/api/v0/commands/1/output?stream={quoted}",
             f"/api/v0/instances/?{quoted}={quoted}", f"/api/v0/commands/1/output?follow=1&offset={quoted}", f"/api/v0/auth/apikeys/{quoted}/"]
    for path in paths:
        status, headers, _ = ask(up.url, "GET", path, headers=bearer(up.key))
        assert "x-injected" not in headers and 400 <= status < 500 or status == 200, path
        assert "x-injected" not in headers
    for name in ("Idempotency-Key", "Prefer", "Last-Event-ID", "If-None-Match", "Range", "If-Range", "Accept", "Origin"):
        for value in ("a\tb", "\x7f", "é", "x" * 3000, '"', "wait=1;x=%0d%0aX-Injected:1"):
            head_lines = [f"PUT /api/v0/instances/command/{instance}/ HTTP/1.1", f"{name}: {value}", "Content-Length: 17", "Connection: close"]
            answer = raw(up, head(up, *head_lines).decode().encode("latin-1") + b'{"command": "ls"}')
            first = answer.split(b"\r\n\r\n", 1)[0]
            assert len(statuses(first)) == 1 and b"x-injected" not in first.lower(), (name, value, answer)
    # Upstream's status of its own, with a phrase of ours.
    answer = raw(up, head(up, f"PUT /api/v0/instances/command/{instance}/ HTTP/1.1", "Content-Length: 1", "Connection: close") + b"{")
    assert re.match(rb"HTTP/1\.1 483 [A-Za-z ]*\r\n", answer), answer[:100]


@pytest.mark.slow
def test_thousands_of_connections_keep_nobody_out(start_up, running):
    """Idle ones, and ones whose head never ends: others are answered, and the memory that they take is bounded."""
    up = start_up()
    instance = up.instance_id(running)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 4000 if hard == resource.RLIM_INFINITY else min(4000, hard - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 400), hard))
    before, open_ones = usage.resident_mebibytes(up.process.pid), []
    try:
        for number in range(count):
            open_ones.append(socket.create_connection(("127.0.0.1", up.port), timeout=20))
            if number % 2:
                open_ones[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
        last_half = select.poll()
        last_half.register(open_ones[-1 if count % 2 == 0 else -2], select.POLLIN)
        for number in range(10):
            assert up.run(instance, "ls home")[1]["state"] == "exited"
            # Who had to wait for them would be answered when they are cut, ten seconds later.
            assert number > 0 or not last_half.poll(0), "others were kept out until the half heads were cut"
        assert usage.resident_mebibytes(up.process.pid) - before < count // 20
        # The halves of heads are cut within their ten seconds; the idle ones may stay.
        cut = [one for number, one in enumerate(open_ones) if number % 2]
        for one in cut:
            one.settimeout(60)
            with contextlib.suppress(ConnectionError):
                assert statuses(one.recv(4096)) in ([], [400], [408])
    finally:
        for one in open_ones:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert up.run(instance, "ls home")[1]["state"] == "exited"


NUMBERS = ["1.5", "-0", "1e5", "1e400", "9223372036854775808", "0.1e-400", "true", "[]", "{}", '[["ls"]]', "null"]


@pytest.mark.parametrize("value", NUMBERS)
def test_a_value_of_another_kind_ends_nothing(up, running, value):
    instance = up.instance_id(running)
    for field in ("command", "argv", "timeout", "dry_run", "view", "plan", "instance_id", "unknown"):
        other = {} if field in ("command", "argv") else {"command": "ls"}
        body = json.dumps({**other, field: "@"}).replace('"@"', value)
        answer = up.request("PUT", f"/api/v0/instances/command/{instance}/", body=body)
        assert answer.status in (200, 400, 404, 422, 483), (body, answer)
        assert answer.json["success"] is (answer.status == 200)
    assert up.process.is_alive


def test_a_body_is_read_once_and_in_its_bounds(start_up, running):
    """What is too long is refused without being kept, and what is one object for one reader is one for all."""
    up = start_up()
    instance = up.instance_id(running)
    path = f"/api/v0/instances/command/{instance}/"
    before = usage.resident_mebibytes(up.process.pid)
    with socket.create_connection(("127.0.0.1", up.port), timeout=20) as connection:
        connection.sendall(head(up, f"PUT {path} HTTP/1.1", f"Content-Length: {1 << 30}"))
        sent = 0
        try:
            while sent < 256 << 20:
                sent += connection.send(b" " * (1 << 20))
        except (ConnectionError, TimeoutError):
            pass
        assert connection.recv(4096).startswith(b"HTTP/1.1 483 ") or sent < 256 << 20
    assert usage.resident_mebibytes(up.process.pid) - before < 64
    for body in ('{"command": "ls", "command": "rm -r home"}', '{"command": "ls", "\\u0063ommand": "rm -r home"}', '{"command": "ls"}{"command": "rm"}',
                 '{"command": "ls"}' + " " * 70_000, '{"command": "ls", "x": "' + "y" * 70_000 + '"}'):
        assert up.request("PUT", path, body=body).status == 483, body[:60]


def test_many_keys_take_no_more_than_their_share(up, running):
    """Seven times the keys take about seven times as long, not forty-nine times."""
    path = f"/api/v0/instances/command/{up.instance_id(running)}/"

    def best(count):
        body = '{"command":"cat",%s}' % ",".join(f'"{number:04x}":1' for number in range(count))
        assert len(body) < 65_536
        taken = []
        for _ in range(7):
            began = time.perf_counter()
            assert up.request("PUT", path, body=body).status == 400
            taken.append(time.perf_counter() - began)
        return min(taken)

    few, many = best(1000), best(7000)
    assert many < 20 * few, (few, many)
