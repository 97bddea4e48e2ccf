"""Whoever calls the API: with what key, about whose things, in what spelling (docs/security.md, P15 to P25, P32 to P38)."""

import http.client
import itertools
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import stat
import subprocess
import time
import urllib.parse

import pytest

from harness import jailed, usage
from harness.boathook import BIN, Client
from harness.busy import fill
from harness.engine import ROOT, run
from harness.impostor import Machine

UNAUTHORIZED = {"success": False, "error": "auth_error", "msg": "Invalid user key"}
# What is another one for each answer, whatever it says.
VOLATILE = {"date", "retry-after"}

addresses = (f"127.{a}.{b}.{c}" for a, b, c in itertools.product(range(1, 200), range(1, 250), range(1, 250)))


def ask(url, method, path, *, body=None, headers=None, source=None):
    """(status, headers, body); each call from an address of its own, because wrong keys are bounded by address."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30, source_address=(source or next(addresses), 0))
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in VOLATILE}
        return answer.status, kept, answer.read()
    finally:
        connection.close()


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def admin(client, *words):
    return run(BIN / "boathook", "admin", *words, "--data-dir", client.data).stdout.decode().strip()


def account_routes():
    """Every route of accounts, from the page on keys; that the page has all of them is a Swift test's (PermissionTests)."""
    found = re.findall(r"^\| `(GET|PUT|POST|DELETE) (/api/v\d/[^`]*)`", (ROOT / "docs/keys.md").read_text(), re.M)
    assert len(found) >= 15
    return found


def machine_routes():
    found = re.findall(r"^\| `(POST) (/agent/v1/[^`]*)`", (ROOT / "docs/link.md").read_text(), re.M)
    assert len(found) >= 5
    return [(method, path.replace("{relay}", "r1")) for method, path in found]


@pytest.fixture(scope="module")
def busy(engine):
    container = fill(engine.container())
    yield container
    container.remove()


# Credentials

@pytest.fixture
def fleet(start_fleet):
    return start_fleet()


def test_each_route_wants_a_credential_of_its_own(fleet, running):
    """Every route with everything that is not for it: one 401, byte for byte, before ids and bodies."""
    instance = fleet.instance_id(running)
    accepted = fleet.put_command(instance, "ls").json
    fleet.result(accepted["result_url"])
    revoked = admin(fleet, "create-key", "--user", "maria")
    admin(fleet, "revoke-key", revoked)
    unused = admin(fleet, "join-token")
    machine = Machine(fleet.url, admin(fleet, "join-token"))
    flipped = fleet.key[:-1] + ("A" if fleet.key[-1] != "A" else "B")
    secret = accepted["result_url"].split("-", 1)[1]
    wrong = {
        "nothing": {}, "an empty key": bearer(""), "a blank": bearer(" "), "a wrong key": bearer(secrets.token_urlsafe(32)),
        "a changed key": bearer(flipped), "a longer key": bearer(fleet.key + "A"), "a shorter key": bearer(fleet.key[:-1]),
        "a revoked key": bearer(revoked), "a join token": bearer(unused), "a result's secret": bearer(secret),
        "a key's digest": bearer("0" * 64), "another scheme": {"Authorization": f"Basic {fleet.key}"}, "no scheme": {"Authorization": fleet.key},
        "a long one": bearer("x" * 5000), "two in one": bearer(f"{fleet.key}, {fleet.key}"), "a header of another name": {"X-Api-Key": fleet.key},
        "SQL": bearer("' OR 1=1 --"),
    }
    cells = 0
    reference = None
    for (method, path), (name, headers) in itertools.product(account_routes(), [*wrong.items(), ("a machine's token", bearer(machine.token))]):
        for identifier in (instance, 999_999, "abc"):
            answer = ask(fleet.url, method, path.replace("{id}", str(identifier)), headers=headers, body="{")
            reference = reference or answer
            assert answer == reference, (method, path, name)
            cells += 1
            if "{id}" not in path:
                break
    assert (reference[0], json.loads(reference[2])) == (401, UNAUTHORIZED)
    reference = None
    for (method, path), (name, headers) in itertools.product(machine_routes(), [*wrong.items(), ("a user's key", bearer(fleet.key))]):
        if path.endswith("/join") and name == "a join token":
            continue
        answer = ask(fleet.url, method, path, headers=headers, body='{"name": "x"}')
        assert answer[0] == 401, (method, path, name, answer)
        cells += 1
    # The control: with its own, each route lets in (what it then says of an empty request is its own business).
    for method, path in account_routes():
        assert ask(fleet.url, method, path.replace("{id}", "999999"), headers=bearer(fleet.key), body="{}")[0] != 401
    for method, path in machine_routes():
        token = unused if path.endswith("/join") else machine.token
        assert ask(fleet.url, method, path, headers=bearer(token), body='{"name": "x"}')[0] != 401
    print(f"{cells} cells of route and credential")


def test_an_end_of_a_key_reaches_open_connections(start_up, running):
    """Revoked and blocked: from the next request on, also on a connection that was there before."""
    up = start_up()
    key = up.admin("create-key", "--user", "maria").stdout.decode().strip()
    other = up.admin("create-key", "--user", "mallory").stdout.decode().strip()
    connections = [http.client.HTTPConnection("127.0.0.1", up.port, timeout=20) for _ in range(2)]

    def status(connection, key):
        connection.request("GET", "/api/v0/users/current/", headers=bearer(key))
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert [status(connections[0], key), status(connections[1], other)] == [200, 200]
    started = time.monotonic()
    up.admin("revoke-key", key)
    up.admin("block-user", "mallory")
    assert [status(connections[0], key), status(connections[1], other)] == [401, 403]
    assert time.monotonic() - started < 5
    up.admin("unblock-user", "mallory")
    assert status(connections[1], other) == 200
    for connection in connections:
        connection.close()


# Other people's things

@pytest.fixture
def theirs(up, new_container):
    """An instance, a command of it and a key, of a user who has nothing to do with `up`'s first one."""
    name = f"u{secrets.token_hex(4)}"
    other = up.other_user(name)
    container = new_container(owner=name)
    instance = other.instance_id(container)
    command = other.put_command(instance, "ls").json["command_id"]
    other.final(command)
    made = other.request("POST", "/api/v0/auth/apikeys/", body={"name": "x", "permissions": {"api": {"user_read": {}}}})
    assert made.status == 200, made
    keys = other.request("GET", "/api/v0/auth/apikeys/").json
    identifiers = [row["id"] for row in (keys["apikeys"] if isinstance(keys, dict) and "apikeys" in keys else keys)]
    return other, {"instances": instance, "commands": command, "apikeys": max(identifiers)}


def test_what_is_somebody_elses_is_not_there(up, theirs):
    """Each route with an id: a foreign one and one that nobody has get the same bytes."""
    other, foreign = theirs
    absent = 888_888_888_888
    bodies = {"PUT": '{"command": "ls"}'}
    compared = 0
    for method, path in account_routes():
        if "{id}" not in path:
            continue
        kind = "commands" if "/commands/" in path else "apikeys" if "/apikeys/" in path else "instances"
        answers = [ask(up.url, method, path.replace("{id}", str(identifier)), headers=bearer(up.key), body=bodies.get(method))
                   for identifier in (foreign[kind], absent)]
        assert answers[0] == answers[1], (method, path)
        compared += 1
    assert compared >= 8
    # The control: they are there for their owner, after all of this.
    for path, key in ((f"/api/v0/instances/{foreign['instances']}/", "instances"), (f"/api/v0/commands/{foreign['commands']}/", "state"),
                      (f"/api/v0/auth/apikeys/{foreign['apikeys']}/", "id")):
        answer = other.request("GET", path)
        assert answer.status == 200 and answer.json.get(key) is not None, (path, answer)
    for path, kind in (("/api/v0/instances/", "instances"), ("/api/v0/commands/", "commands"), ("/api/v0/auth/apikeys/", "apikeys")):
        assert foreign[kind] not in [row["id"] for row in up.request("GET", path).json[kind]], path


def auc(ones, others):
    """The chance that one of `ones` is greater than one of `others`: 0.5 when they cannot be told apart (Mann and Whitney)."""
    ranked = sorted([(value, 0) for value in ones] + [(value, 1) for value in others])
    ranks = sum(rank for rank, (_, kind) in enumerate(ranked, 1) if kind == 0)
    return (ranks - len(ones) * (len(ones) + 1) / 2) / (len(ones) * len(others))


@pytest.mark.slow
def test_time_does_not_tell_a_foreign_id_from_an_absent_one(up, theirs, running):
    _, foreign = theirs
    mine = up.put_command(up.instance_id(running), "ls -la /etc").json["command_id"]
    up.final(mine)
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=20)
    rounds = int(os.environ.get("BOATHOOK_TIMINGS", "1000"))
    # Six standard deviations of what chance gives (sqrt(1 / (6 n)) for two series of n).
    bound = 6 / (6 * rounds) ** 0.5

    def times(path, identifiers):
        taken = [[] for _ in identifiers]
        for number in range(rounds):
            # In turn, and each as often the first.
            for index in sorted(range(len(identifiers)), key=lambda index: (index + number) % len(identifiers)):
                began = time.perf_counter()
                connection.request("GET", path.format(identifiers[index]), headers=bearer(up.key))
                connection.getresponse().read()
                taken[index].append(time.perf_counter() - began)
        return taken

    # The control: what is one's own takes longer, and this sees it.
    found = auc(*times("/api/v0/commands/{}/", [mine, 888_888_888_888]))
    assert found > 0.5 + bound, found
    for path, kind in (("/api/v0/instances/{}/", "instances"), ("/api/v0/commands/{}/", "commands"), ("/api/v0/auth/apikeys/{}/", "apikeys")):
        found = auc(*times(path, [foreign[kind], 888_888_888_888]))
        print(f"{path}: AUC {found:.3f} of {rounds} pairs")
        assert abs(found - 0.5) < bound, (path, found)
    connection.close()


# Spelling

def raw(up, data, *, half_close=False):
    """Sends bytes as they are; what came back until the end of the connection, or for two seconds."""
    answer = b""
    with socket.create_connection(("127.0.0.1", up.port), timeout=2) as connection:
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except (ConnectionError, TimeoutError):
            pass
    return answer


def head(up, *lines, key=None):
    return "\r\n".join([*lines, f"Host: 127.0.0.1:{up.port}", f"Authorization: Bearer {key or up.key}", "", ""]).encode()


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


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


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
    answer = raw(up, head(up, "GET /api/v0/users/current/ HTTP/1.1", "Content-Length: 0") + HIDDEN)
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


def test_what_runs_is_what_was_sent_and_written_down(up, busy):
    """The words of the process, of the record and of the audit log are those of the request."""
    words = ["du", "-a", "--time-style=+%Y %m", "home/many", "/no such name", "ü\n\x01"]
    instance = up.instance_id(busy)
    for _ in range(10):
        accepted = up.request("PUT", f"/api/v0/instances/command/{instance}/", body={"argv": words})
        assert accepted.status == 200, accepted
        if pid := jailed.freeze(up.agent_pid, "du"):
            break
    try:
        said = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    finally:
        jailed.thaw(pid)
    assert [word.decode() for word in said if word not in (b"", b"--boathook-not-jailed")] == words
    row = up.final(accepted.json["command_id"])
    assert row["decision"]["argv"] == words
    shown = admin(up, "audit", "show", "--limit", "50", "--json")
    entries = [json.loads(line)["entry"] for line in shown.splitlines()]
    assert [entry["decision"]["argv"] for entry in entries if entry.get("command") == accepted.json["command_id"]] == [words]


# Results

def test_urls_come_from_the_settings_alone(start_up, running):
    up = start_up(public_url="http://boathook.example/base")
    instance = up.instance_id(running)
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp", "Forwarded": "host=evil.example", "X-Original-Host": "evil.example"}
    answer = up.put_command(instance, "ls", headers=evil)
    assert answer.status == 200, answer
    assert b"evil.example" not in answer.body
    assert answer.json["result_url"].startswith("http://boathook.example/base/results/")
    row = up.request("GET", f"/api/v0/commands/{answer.json['command_id']}/", headers=evil)
    assert b"evil.example" not in row.body
    # A request in absolute form, as to a proxy.
    raw_answer = raw(up, head(up, "GET http://evil.example/api/v0/commands/ HTTP/1.1", "Connection: close").replace(
        f"Host: 127.0.0.1:{up.port}".encode(), b"Host: evil.example"))
    assert b"evil.example" not in raw_answer


def test_what_is_not_there_looks_the_same_whatever_it_was(up, running, busy):
    """Pending, deleted, with another secret, unknown, and nonsense."""
    instance = up.instance_id(running)
    done = up.put_command(instance, "ls home").json
    up.result(done["result_url"])
    assert up.request("DELETE", f"/api/v0/commands/{done['command_id']}/output").status == 200
    path = urllib.parse.urlsplit(done["result_url"]).path
    pending, pid = up.frozen(up.instance_id(busy), "du -a home")
    secret = "A" * 43
    paths = [path, path[:-1] + ("A" if path[-1] != "A" else "B"), f"/results/{pending}-{secret}", f"/results/999999999-{secret}",
             f"/results/0-{secret}", f"/results/-1-{secret}", "/results/x", "/results/1-", f"/results/{done['command_id']}"]
    try:
        answers = [ask(up.url, "GET", one) for one in paths]
    finally:
        jailed.thaw(pid)
    assert answers[0][0] == 404
    assert [answer for answer in answers if answer != answers[0]] == []


def test_names_that_are_pages_stay_text(up, new_container):
    """A name may be markup, an escape sequence or an order to whoever reads it: it is bytes of plain text."""
    container = new_container()
    names = [b"<script>alert(1)</script>".replace(b"/", b"\xe2\x81\x84"), b"\x1b]0;owned\x07", b"\xe2\x80\xaegpj.exe", b"\xff\xfe", b"a\nb"]
    folder = os.fsencode(container.merged) + b"/home/pages"
    os.mkdir(folder)
    for name in names:
        open(folder + b"/" + name, "w").close()
    accepted = up.put_command(up.instance_id(container), "ls home/pages").json
    result = up.result(accepted["result_url"])
    assert sorted(result.body.split(b"\n")[:-1]) == sorted(b"\n".join(names).split(b"\n"))
    for answer in (result, up.request("GET", f"/api/v0/commands/{accepted['command_id']}/output"), up.request("GET", f"/api/v0/commands/{accepted['command_id']}/"),
                   up.request("GET", "/<script>alert(1)</script>"), up.request("GET", "/api/v0/instances/<b>/")):
        assert answer.headers["content-type"] in ("text/plain; charset=utf-8", "application/json"), answer
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"] and answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers


def test_a_deleted_result_leaves_no_byte(start_up, new_container):
    """Nowhere in the server's and the agent's folder, however the disk is read."""
    up = start_up()
    marker = secrets.token_hex(24)
    container = new_container()
    container.shell(f"mkdir /home/d; touch /home/d/{marker}")
    accepted = up.put_command(up.instance_id(container), "ls home/d").json
    assert marker in up.result(accepted["result_url"]).body.decode()
    row = up.final(accepted["command_id"])

    def holders():
        return [str(path) for path in up.data.rglob("*") if path.is_file() and marker.encode() in path.read_bytes()]

    assert holders(), "the control: it is kept somewhere before"
    assert row["complete"] and up.request("DELETE", f"/api/v0/commands/{accepted['command_id']}/output").status == 200
    assert holders() == []


# Files, settings, versions

def test_backups_are_for_their_owner_alone(start_up, running, tmp_path):
    """With the loosest umask that there is."""
    before = os.umask(0)
    try:
        up = start_up()
        up.run(up.instance_id(running), "ls")
        run(BIN / "boathook", "admin", "backup", tmp_path / "copy", "--data-dir", up.data)
        run(BIN / "boathook", "admin", "restore", tmp_path / "copy", "--data-dir", tmp_path / "restored")
    finally:
        os.umask(before)
    seen = 0
    for top in (up.data, tmp_path / "copy", tmp_path / "restored"):
        for path in (top, *top.rglob("*")):
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                assert stat.S_IMODE(mode) & 0o077 == 0, (path, oct(mode))
                seen += 1
    assert seen > 8


def start(data, url, *words, binary=BIN):
    """`boathook up` that should not start: (status, standard output, standard error); killed if it does."""
    process = subprocess.Popen([binary / "boathook", "up", "--data-dir", data, "--listen", "127.0.0.1:0", "--engine", url, *words],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = process.stdout.readline()
    if line:
        process.kill()
    rest, errors = process.communicate(timeout=30)
    return process.returncode, line + rest, errors


UNSAFE = {
    "--listen": ["x", "1.2.3.4", "127.0.0.1:65536", ":80"], "--public-url": ["ftp://x", "javascript:alert(1)", "boathook.example"],
    "--adopt": ["everything", ""], "--concurrency": ["0", "257", "x"], "--output-mib": ["0", "65537"], "--result-hours": ["0", "1e3"],
    "--compatibility": ["strict"], "--log-level": ["loud"], "--policy": ["no-such-policy", "/no/such/file.yaml", ""], "--machine-policy": ["Vast", "."],
}


@pytest.mark.parametrize("flag, value", [(flag, value) for flag, values in UNSAFE.items() for value in values])
def test_a_setting_that_is_none_stops_the_start(engine, tmp_path, flag, value):
    status, out, errors = start(tmp_path / "data", engine.url, flag, value)
    assert status > 0 and out == b"", (status, out)
    assert (value or flag).encode() in errors, errors


def test_a_folder_that_others_may_write_is_not_used(engine, tmp_path):
    for mode in (0o777, 0o770, 0o707):
        folder = tmp_path / oct(mode)
        folder.mkdir()
        folder.chmod(mode)
        status, out, errors = start(folder, engine.url)
        assert status > 0 and out == b"" and str(folder).encode() in errors, (oct(mode), status, out, errors)
        assert list(folder.iterdir()) == []


def test_a_changed_library_stops_the_start(engine, tmp_path):
    """The jail's library and its digest are read at each start; what does not fit is not loaded."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("boathook", "boathookd"):
        shutil.copy(BIN / name, folder / name)
    library = (BIN / "libboathook-jail.so").read_bytes()
    digest = (BIN / "libboathook-jail.so.sha256").read_text()
    changed = bytearray(library)
    changed[len(changed) // 2] ^= 1
    cases = {"a bit": (bytes(changed), digest), "cut": (library[:-1], digest), "empty": (b"", digest), "another digest": (library, "0" * 64 + "\n"),
             "no digest": (library, ""), "half a digest": (library, digest[:32])}
    for name, (data, text) in cases.items():
        (folder / "libboathook-jail.so").write_bytes(data)
        (folder / "libboathook-jail.so.sha256").write_text(text)
        status, out, errors = start(tmp_path / "data", engine.url, binary=folder)
        assert status > 0 and out == b"" and b"digest" in errors, (name, status, out, errors)
    (folder / "libboathook-jail.so").unlink()
    assert start(tmp_path / "data", engine.url, binary=folder)[1] == b""
    # The control: with both as they were built, the same copy starts.
    (folder / "libboathook-jail.so").write_bytes(library)
    (folder / "libboathook-jail.so.sha256").write_text(digest)
    assert start(tmp_path / "data", engine.url, binary=folder)[1].startswith(b"ready ")


# security.md, 2.3: below these, there are holes that anybody on the network can use.
FLOORS = {"swift-nio": (2, 100, 0), "swift-nio-http2": (1, 44, 1), "hummingbird": (2, 0, 0), "swift-nio-extras": (1, 24, 0), "swift-nio-ssl": (2, 23, 0)}


def test_packages_are_above_the_floor():
    pins = {pin["identity"]: pin["state"]["version"] for pin in json.loads((ROOT / "Package.resolved").read_text())["pins"]}
    for name, floor in FLOORS.items():
        if name in pins:
            assert tuple(int(part) for part in pins[name].split("-")[0].split(".")) >= floor, (name, pins[name])
    assert "swift-nio" in pins and "hummingbird" in pins


def test_a_blocked_user_starts_nothing_more(start_up, running):
    """The operator's switch: from then on no order is taken, while others go on."""
    up = start_up()
    maria = Client(up.url, up.admin("create-key", "--user", "maria").stdout.decode().strip())
    assert maria.request("GET", "/api/v0/users/current/").status == 200
    up.admin("block-user", "maria")
    for method, path in account_routes():
        assert maria.request(method, path.replace("{id}", "1"), body="{}").status == 403, path
    assert up.run(up.instance_id(running), "ls home")[1]["state"] == "exited"
