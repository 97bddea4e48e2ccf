"""Standard error is lines of key=value, whatever anybody sends, and none of them holds a secret."""

import json
import pathlib
import re
import secrets
import shutil
import socket
import tempfile
import threading
import types

import pytest

from harness import signing
from harness.boathook import BIN, Up
from harness.engine import run
from harness.passage import serve_each
from harness.waiting import eventually

BARE = r"[!#-<>-\[\]-~]+"
QUOTED = r'"(?:[^"\\\x00-\x1f\x7f-\xa0]|\\["\\nrt]|\\u[0-9a-f]{4})*"'
PAIR = re.compile(rf"({BARE})=({QUOTED}|{BARE})(?: |$)")
LEVELS = {"trace", "debug", "info", "notice", "warning", "error", "critical"}

# Ends a line, clears the screen, turns text around, and looks like a line of ours.
ATTACK = '\r\n\x1b[2J\u202e\u2028\x85\x0b"\ntime=2026-01-01T00:00:00.000Z level=critical event=forged\n'


def events(log):
    """The log's lines as dictionaries; a line that is no series of pairs fails the test."""
    data = pathlib.Path(log).read_bytes()
    assert data.endswith(b"\n")
    found = []
    for line in data[:-1].split(b"\n"):
        assert len(line) < 4096
        text, place, pairs = line.decode(), 0, {}
        while place < len(text):
            match = PAIR.match(text, place)
            assert match, f"no line of pairs, from {place} on: {line!r}"
            key, value = match.groups()
            assert key not in pairs, line
            pairs[key] = json.loads(value) if value.startswith('"') else value
            place = match.end()
        assert list(pairs)[:3] == ["time", "level", "event"], line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", pairs["time"]), line
        assert pairs["level"] in LEVELS, line
        found.append(pairs)
    assert not [pairs for pairs in found if pairs["event"] == "forged"]
    return found


def raw(url, data):
    """Sends bytes as they are, and reads to the end of the connection."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(data)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
        return answer


def admin(client, *words):
    return run(BIN / "boathook", "admin", *words, "--data-dir", client.data).stdout.decode().strip()


def secret_of(answer):
    return answer.json["result_url"].split("/results/")[1].split("-", 1)[1]


@pytest.fixture
def fleet(start_fleet):
    return start_fleet("--log-level", "trace", agent_flags=("--log-level", "trace"))


def test_no_request_makes_a_line_of_its_own(fleet, running):
    instance = fleet.instance_id(running)
    quoted = "".join(f"%{byte:02x}" for byte in ATTACK.encode())
    rest = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    heads = [
        f"GET /{quoted}".encode() + rest,
        f"GET /api/v0/instances/{quoted}/?x={quoted}".encode() + rest,
        f"GET /results/{quoted}".encode() + rest,
        b"GET /" + ATTACK.encode() + rest,
        b"FORGED\x1b[2J /" + rest,
        b"GET /healthz" + rest + b"User-Agent: \x1b[2J\xff\xfe\x0b time=0 level=critical event=forged\r\n",
        b"GET /healthz" + rest + b"X-Forwarded-For: " + ATTACK.encode() + b"\r\n",
        b"GET /api/v0/instances/" + rest + b"Authorization: Bearer " + "\u202e\x85forged".encode() + b"\r\n",
        b"GET /api/v0/instances/" + rest + b"Host: two\x1b[2J\r\n",
        b"\n\x00\x1b[2Jtime=0 level=critical event=forged\r\n",
    ]
    for head in heads:
        raw(fleet.url, head + b"\r\n")
    for body in (
        {"command": f"ls {ATTACK}"}, {"argv": ["ls", ATTACK]}, {"argv": [ATTACK]}, {"command": f"ls '{ATTACK}'"},
        {ATTACK: ATTACK}, {"command": "ls", "timeout": ATTACK},
    ):
        fleet.request("PUT", f"/api/v0/instances/command/{instance}/", body=body)
    fleet.request("PUT", f"/api/v0/instances/command/{instance}/", body=ATTACK.encode() * 2000)
    for token in (admin(fleet, "join-token"), secrets.token_urlsafe(32)):
        fleet.request("POST", "/agent/v1/join", key=token, body={"name": ATTACK, "nonce": signing.nonce()})
    output, row = fleet.run(instance, "ls home")
    assert row["state"] == "exited"
    fleet.agent.terminate()
    fleet.server.terminate()

    served = [pairs for pairs in events(fleet.server.log) if pairs["event"] == "request"]
    assert len(served) > 15
    assert {"400", "401", "404", "200"} <= {pairs["http.status"] for pairs in served}
    assert events(fleet.agent.log)


def test_what_containers_say_makes_no_line_of_its_own(fleet, new_container):
    hostile = ATTACK.replace("\x85", "")
    stranger = new_container(
        "--env", f"A={hostile}", "--label", f"note={hostile}", "--label", f"boathook.instance={hostile}", adopted=False)

    def refused():
        return "not adopted" in fleet.server.log.read_text() and stranger

    eventually("a label that names nobody is logged", refused)
    fleet.agent.terminate()
    fleet.server.terminate()
    assert [pairs for pairs in events(fleet.server.log) if pairs["event"].startswith("container not adopted")]
    events(fleet.agent.log)


class SpoiltEngine:
    """The engine behind a socket of our own; from `spoil()` on, every answer is an error of hostile text."""

    def __init__(self, url):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="boathook-spoilt.", dir="/tmp"))
        self.target = url.removeprefix("unix://")
        self.path = self.folder / "socket"
        self.url = f"unix://{self.path}"
        self.text = None
        self.open = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(64)
        serve_each(self.listener, self._serve)

    def spoil(self, text):
        self.text = text
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def end(self):
        self.listener.close()
        self.spoil(self.text)
        shutil.rmtree(self.folder)

    def _serve(self, client, _):
        with client:
            if self.text is not None:
                client.recv(65536)
                body = json.dumps({"message": self.text}).encode()
                client.sendall(
                    b"HTTP/1.1 500 Bad\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                    % (len(body), body))
                return
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(self.target)
                self.open += [client, server]
                threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
                self._pump(server, client)

    @staticmethod
    def _pump(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def spoilt_engine(engine):
    spoilt = SpoiltEngine(engine.url)
    yield spoilt
    spoilt.end()


def test_an_error_of_the_engine_is_one_line_without_its_secrets(spoilt_engine, tmp_path):
    up = Up(types.SimpleNamespace(url=spoilt_engine.url), tmp_path / "up", "--log-level", "trace")
    try:
        # As of a container whose environment holds a key.
        spoilt_engine.spoil(f"{ATTACK} BOATHOOK_API_KEY={up.key} {'long ' * 2000}")

        def told():
            return [line for line in up.process.log.read_text().splitlines() if "engine not reachable" in line and "[2J" in line]

        line = eventually("the error is logged", told)[0]
        up.process.terminate()
    finally:
        up.process.end()
    assert r"\r\n\u001b[2J\u202e\u2028\u0085\u000b\"\ntime=2026" in line
    assert "BOATHOOK_API_KEY=[secret]" in line and line.endswith('…"')
    assert up.key not in up.process.log.read_text()
    assert [pairs for pairs in events(up.process.log) if ATTACK in pairs.get("error", "")]


def test_no_secret_is_in_any_log(fleet, running, tmp_path):
    instance = fleet.instance_id(running)
    known = {"the admin's key": fleet.key, "the join token, used": fleet.token}
    known["the machine's token"] = json.loads((fleet.agent_data / "machine.json").read_text())["machine_token"]
    known["another key"] = admin(fleet, "create-key", "--user", "maria")
    known["a join token, unused"] = admin(fleet, "join-token")
    known["a wrong key"] = secrets.token_urlsafe(32)
    # A token's second half is the server's public key.
    tokens = {name: known[name] for name in known if "join token" in name}
    tokens["a join token, invented"] = signing.Signer().join_token()
    known |= {name: token.split(".")[0] for name, token in tokens.items()}
    known["the server's own key"] = (fleet.data / "server.key").read_text().strip()
    known["a query's word"] = "q" + secrets.token_hex(8)

    path = f"/api/v0/instances/command/{instance}/"
    for number, key in enumerate(("the admin's key", "another key", "a wrong key")):
        query = "?api_key=" + known[key] + "&" + known["a query's word"] + "=1"
        fleet.request("GET", "/api/v0/instances/" + query, key=None)
        fleet.request("GET", "/api/v0/instances/", key=known[key])
        answer = fleet.request("PUT", path + query, body={"command": "ls home"}, key=None)
        if answer.status == 200:
            known[f"result secret {number}"] = secret_of(answer)
            fleet.result(answer.json["result_url"])
            fleet.request("GET", answer.json["result_url"].removeprefix(fleet.url)[:-1] + "x", key=None)
    assert "result secret 0" in known
    # Agents with tokens that are of no use, and one that joins and finds no engine.
    logs = []
    for token in ("the join token, used", "a join token, invented", "a join token, unused"):
        other = run(
            BIN / "boathook", "agent", "--server", fleet.url, "--data-dir", tmp_path / "none", "--engine", "unix:///none",
            f"--join={tokens[token]}", "--log-level", "trace", check=False, timeout=60)
        assert other.returncode != 0 and other.stderr
        logs.append(other.stderr.decode())
    known["the other machine's token"] = json.loads((tmp_path / "none/machine.json").read_text())["machine_token"]
    # A server that goes away, and comes back.
    fleet.server.terminate()
    eventually(
        "the agent sees it",
        # Its log may end in the middle of a line now.
        lambda: re.search(r' event="link (broken|closed by the server)"', fleet.agent.log.read_text()))
    fleet.start_server()
    assert fleet.run(instance, "ls home")[1]["state"] == "exited"
    fleet.agent.terminate()
    fleet.server.terminate()

    for process in (fleet.server, fleet.agent):
        logs.append(process.log.read_text())
        assert len(events(process.log)) > 5
    for log in logs:
        for what, secret in known.items():
            assert len(secret) >= 16 and secret not in log, f"{what} is in a log"
        assert "api_key" not in log
