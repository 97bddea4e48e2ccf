"""Both ends of the agent's link, each before somebody who is not what he says (docs/security.md, P26 to P31)."""

import contextlib
import json
import os
import pathlib
import socket
import ssl
import threading
import urllib.request

import pytest

from harness import http, signing
from harness.boathook import BIN, Process
from harness.busy import fill
from harness.engine import run
from harness.impostor import EMPTY, PROTOCOL, Machine, Server, head
from harness.waiting import eventually


def files(container):
    """Everything in its root folder, as the host sees it."""
    return sorted(os.path.join(path, name) for path, folders, names in os.walk(container.merged) for name in folders + names)


def identifier(container):
    return container.inspect()["Id"]


@pytest.fixture(scope="module")
def busy(engine):
    container = fill(engine.container())
    yield container
    container.remove()


# A server that the agent must not trust

@pytest.fixture
def server():
    made = Server()
    yield made
    made.end()


@pytest.fixture
def agent(server, engine, tmp_path):
    process = Process(
        "agent", "--server", server.url, "--data-dir", tmp_path / "agent", "--engine", engine.url, f"--join={server.token}", "--machine-policy", "vast",
        log=tmp_path / "agent.log", ready="ready agent")
    yield process
    process.end()


REFUSED = {
    "another program": dict(argv=["cat", "/etc/passwd"]),
    "a shell": dict(argv=["sh", "-c", "rm -rf /"], writes=True),
    "a path to a program": dict(argv=["/usr/bin/ls"]),
    "no words": dict(argv=[]),
    "a zero byte": dict(argv=["ls", "a\0b"]),
    "the root": dict(argv=["rm", "-rf", "/"], writes=True),
    "the root, otherwise": dict(argv=["rm", "-rf", "home/.."], writes=True),
    "the root, with a word for it": dict(argv=["rm", "-rf", "--no-preserve-root", "/"], writes=True),
    "a folder of the system": dict(argv=["rm", "-rf", "/etc"], writes=True),
    "a writer that is said to read": dict(argv=["rm", "-rf", "/home/d"], writes=False),
    "a reader that is said to write": dict(argv=["ls"], writes=True),
    "rm in the instance": dict(argv=["rm", "-rf", "/home/d"], writes=True, backend="engine"),
    "ls in the instance": dict(argv=["ls"], backend="engine"),
    "rm of the layer alone": dict(argv=["rm", "-rf", "/home/d"], writes=True, view="writable"),
    "a policy of the server's": dict(argv=["cat", "/etc/passwd"], policy="anything"),
}


def test_what_the_server_orders_is_decided_again(server, agent, new_container):
    container = new_container()
    container.shell("mkdir /home/d; touch /home/d/one")
    before = files(container)
    for number, (name, fields) in enumerate(REFUSED.items(), 1):
        server.order(number, identifier(container), **fields)
        report, output = server.end_of(number)
        assert (report["outcome"], output) == ("denied", b""), (name, report, output)
    assert files(container) == before
    # The control: a lawful order is carried out by the same agent.
    server.order(100, identifier(container), ["rm", "-r", "/home/d"], writes=True)
    assert server.end_of(100)[0]["exit_code"] == 0
    assert not (container.merged / "home/d").exists()


def test_a_container_that_the_machine_does_not_adopt_is_out_of_reach(server, agent, new_container):
    adopted, stranger = new_container(), new_container(adopted=False)
    stranger.shell("mkdir /home/d; touch /home/d/secret")
    assert stranger.name not in server.instances
    server.order(1, identifier(stranger), ["ls", "/home/d"])
    server.order(2, identifier(stranger), ["rm", "-rf", "/home/d"], writes=True)
    assert [server.end_of(number)[0]["outcome"] for number in (1, 2)] == ["denied", "denied"]
    assert b"secret" not in server.end_of(1)[1] and (stranger.merged / "home/d/secret").exists()
    server.order(3, identifier(adopted), ["ls", "/home"])
    assert server.end_of(3)[0]["exit_code"] == 0


def test_a_container_id_is_no_path(server, agent, new_container):
    container = new_container()
    name = identifier(container)
    hostile = ["", ".", "..", "../version", f"../containers/{name}", f"{name}/../{name}", f"{name}?x=", f"{name}#", f"{name}/json?",
               "%2e%2e/version", container.name, name[:12], name + "\r\nX: y", name + "\n", "x" * 100_000, "\0", name.upper()]
    for number, one in enumerate(hostile, 1):
        server.order(number, one, ["ls", "/home"])
        report, output = server.end_of(number)
        assert (report["outcome"], output) == ("denied", b""), (one[:80], report)
    server.order(1000, name, ["ls", "/home"])
    assert server.end_of(1000)[0]["exit_code"] == 0


HOSTILE_LINES = [
    b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"type":"stop"}', b'{"type":"run_command"}', b'{"type":1}', b"\xff\xfe", b"[" * 100_000,
    b'{"type":"run_command","command_id":1.5}', b'{"type":"cancel_command","command_id":9223372036854775808}',
    b'{"type":"send_output","relay_id":"../../../v0","command_id":1,"offset":-1}', b'{"type":"send_output","relay_id":"a b\\r\\nX: y","command_id":1,"offset":0}',
    b'{"type":"cancel_command","command_id":-1}', b'{"type":"welcome","protocol_version":1,"machine_id":9,"silence_seconds":0}',
    b"x" * (2 << 20),
]


def test_no_line_ends_the_agent(server, agent, new_container):
    container = new_container()
    for number, line in enumerate(HOSTILE_LINES, 1):
        links = server.links
        server.send(line)
        server.order(number, identifier(container), ["ls", "/home"])

        def ended():
            with contextlib.suppress(AssertionError):
                return server.end_of(number, seconds=0)

        eventually("an end, of the order or of the link", lambda: ended() or server.links > links, 60)
        if not ended():
            # What cannot be understood ends the link; the order comes again on the next.
            server.order(number, identifier(container), ["ls", "/home"])
        report, _ = server.end_of(number)
        assert report["exit_code"] == 0, line[:80]
    assert agent.is_alive


def test_limits_of_the_server_are_the_machines_at_most(server, agent, busy):
    name = identifier(busy)
    server.order(1, name, ["du", "-a", "/home"], output_limit=1 << 62)
    assert server.end_of(1)[0]["exit_code"] == 0
    server.order(2, name, ["du", "-a", "/home"], output_limit=4096)
    assert server.end_of(2)[0]["outcome"] == "signalled" and len(server.end_of(2)[1]) <= 4096
    for number, fields in enumerate(({"timeout_ms": -5}, {"start_within_ms": -(1 << 62)}, {"output_limit": -1}, {"timeout_ms": 1 << 62}), 10):
        server.order(number, name, ["ls", "/home/many"], **fields)
        assert server.end_of(number)[0]["outcome"] in ("exited", "timed_out", "expired", "denied", "signalled"), fields
    assert agent.is_alive


def test_the_agent_follows_no_redirect(engine, tmp_path):
    other = Server()
    location = {"Location": other.url + "/agent/v1/join"}
    first = Server({"/agent/v1/join": (307, location)})
    token = first.token
    try:
        done = run(BIN / "boathook", "agent", "--server", first.url, "--data-dir", tmp_path / "a", "--engine", engine.url, f"--join={token}",
                   check=False, timeout=60)
        assert done.returncode != 0 and [path for path, _ in first.asked] == ["/agent/v1/join"]
        # One that has joined already, whose link and reports are sent elsewhere.
        first.answers = {}
        agent = Process("agent", "--server", first.url, "--data-dir", tmp_path / "a", "--engine", engine.url, f"--join={token}",
                        log=tmp_path / "log", ready="ready agent")
        try:
            for status in (301, 302, 303, 307, 308):
                first.answers = {path: (status, {"Location": other.url + path}) for path in ("/agent/v1/link", "/agent/v1/reports")}
                seen = len(first.asked)
                first.send(b"not a message")  # ends the link, so that it is opened anew
                eventually("the agent asked again", lambda: len([1 for path, _ in first.asked[seen:] if path == "/agent/v1/link"]) > 0)
                links, first.answers = first.links, {}
                first.wait_for_links(links + 1)
        finally:
            agent.end()
        assert other.asked == []
    finally:
        first.end()
        other.end()


def test_a_server_must_prove_itself_over_tls(engine, tmp_path):
    """A certificate that nobody vouches for, and a server that has none: no token is sent, and plain HTTP is no way out."""
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", key, "-out", certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    unknown, plain = Server(tls=context), Server()
    try:
        for server in (unknown, plain):
            url = server.url.replace("http:", "https:")
            done = run(BIN / "boathook", "agent", "--server", url, "--data-dir", tmp_path / "agent", "--engine", engine.url, f"--join={server.token}",
                       check=False, timeout=60)
            assert done.returncode != 0 and server.asked == [] and not (tmp_path / "agent/machine.json").exists(), (url, done)
        # The control: who trusts anybody is served.
        trusting = ssl.create_default_context(cafile=certificate)
        request = urllib.request.Request(unknown.url + "/agent/v1/join", method="POST", data=b"{}")
        assert urllib.request.urlopen(request, context=trusting, timeout=20).status == 200
        assert [path for path, _ in unknown.asked] == ["/agent/v1/join"]
    finally:
        unknown.end()
        plain.end()


def test_a_machine_keeps_to_its_server(server, agent, engine, tmp_path):
    agent.terminate()
    other = Server()
    try:
        done = run(BIN / "boathook", "agent", "--server", other.url, "--data-dir", tmp_path / "agent", "--engine", engine.url, f"--join={other.token}",
                   check=False, timeout=60)
        assert done.returncode != 0 and b"belongs to " + server.url.encode() in done.stderr
        assert other.asked == []
    finally:
        other.end()


# A machine that the server must not trust

@pytest.fixture
def fleet(start_fleet):
    return start_fleet()


@pytest.fixture
def hostile(fleet):
    """Another machine of the same server."""
    return Machine(fleet.url, fleet_admin(fleet, "join-token"))


def fleet_admin(fleet, *words):
    return run(BIN / "boathook", "admin", *words, "--data-dir", fleet.data).stdout.decode().strip()


def test_a_machine_speaks_for_its_own_commands_alone(fleet, hostile, busy):
    command, pid = fleet.frozen(fleet.instance_id(busy), "du -a home")
    before = eventually("it runs", lambda: fleet.command(command)["state"] == "running" and fleet.command(command))
    for fields in ({}, {"outcome": "lost"}, {"outcome": "denied", "note": "no"}, {"exit_code": None, "outcome": "cancelled"}):
        assert hostile.report(command, **fields).status == 404
    for absent in (command + 1, 0, -1, 2**63 - 1):
        assert hostile.report(absent).status == 404
    assert hostile.report(2**63).status == 400
    assert hostile.tell({"type": "command_started", "command_id": command, "started_at": 1.0}).status == 204
    assert fleet.command(command) == before
    run("kill", "-CONT", str(pid))
    assert fleet.final(command)["exit_code"] == 0
    # The control: a command that waits for this very machine is its to end.
    hostile.tell({"type": "inventory", "instances": [Machine.instance("c" * 64, name="mine")]})
    mine = next(row["id"] for row in fleet.instances() if row["label"] == "mine")
    waiting = fleet.put_command(mine, "ls").json["command_id"]
    assert hostile.report(waiting).status == 204
    assert fleet.final(waiting)["state"] == "exited"


def test_a_machine_speaks_for_its_own_containers_alone(fleet, hostile, busy, running):
    rows = {row["id"]: row["label"] for row in fleet.instances()}
    theirs = fleet.instance_id(running)
    container = identifier(running)
    # Claims it, renames it, removes it, and says that there is nothing at all.
    for message in (
        {"type": "instance_changed", "instance": Machine.instance(container, name="stolen")},
        {"type": "instance_removed", "container_id": container},
        {"type": "inventory", "instances": [Machine.instance(container, name="stolen")]},
        {"type": "inventory", "instances": []},
    ):
        assert hostile.tell(message).status == 204
        assert rows.items() <= {row["id"]: row["label"] for row in fleet.instances()}.items(), message
    assert fleet.run(theirs, "ls home")[0] == running.exec("ls", "home").stdout


def test_a_machine_hears_of_its_own_commands_alone(fleet, hostile, running):
    """Its link is given nothing of what is ordered elsewhere."""
    link = open_link(hostile)
    try:
        fleet.run(fleet.instance_id(running), "ls home")
        mine = "d" * 64
        hostile.tell({"type": "inventory", "instances": [Machine.instance(mine, name="mine")]})
        instance = next(row["id"] for row in fleet.instances() if row["label"] == "mine")
        fleet.put_command(instance, "ls")
        said = []
        while not any(line.get("type") == "run_command" for line in said):
            said.append(next(link.lines))
        orders = [line for line in said if line["type"] == "run_command"]
        assert [line["container_id"] for line in orders] == [mine]
    finally:
        link.close()


class open_link:
    """A machine's open link: `lines` are what the server says, each found to be signed by it for this link."""

    def __init__(self, machine, **hello):
        self.machine = machine
        host, port = machine.url.removeprefix("http://").split(":")
        self.connection = socket.create_connection((host, int(port)), timeout=60)
        self.nonce = signing.nonce()
        body = json.dumps({"protocol_version": PROTOCOL, "held_command_ids": [], "nonce": self.nonce, **hello}).encode()
        self.connection.sendall(
            b"POST /agent/v1/link HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
            % (machine.token.encode(), len(body), body))
        self.file = self.connection.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        headers = (line.decode().rstrip().split(": ", 1) for line in iter(self.file.readline, b"\r\n"))
        self.headers = {name.lower(): value for name, value in headers}
        self.lines = self._lines()

    def _lines(self):
        sequence = 0
        for line in self.file:
            if not signing.LINE.fullmatch(line.rstrip(b"\n")):
                continue  # a chunk's size
            yield json.loads(signing.message_of(
                line.rstrip(b"\n"), self.machine.server_key, sequence, self.machine.identifier, self.nonce,
                self.headers["boathook-attachment"]))
            sequence += 1

    def close(self):
        self.file.close()
        self.connection.close()


def test_a_relay_is_the_machines_whose_command_it_is(fleet, hostile, busy):
    """Nobody puts bytes into the answer of one who follows another machine's command."""
    command, pid = fleet.frozen(fleet.instance_id(busy), "du -a home")
    forged = b"\1" + (6).to_bytes(4, "big") + b"FORGED"
    for relay in ("r1", "1", str(command), "..%2f..", "x" * 100, "%00", ""):
        answer = hostile.post(f"output/{relay}", forged, Boathook_Run="1")
        assert answer.status in (204, 404), (relay, answer)
    run("kill", "-CONT", str(pid))
    fleet.final(command)
    assert b"FORGED" not in fleet.request("GET", f"/api/v0/commands/{command}/output").body


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4, 6, -1, 2**31])
def test_another_protocol_is_refused(fleet, hostile, version):
    link = open_link(hostile, protocol_version=version)
    link.close()
    assert link.status == 426
    link = open_link(hostile)
    assert (link.status, next(link.lines)["type"]) == (200, "welcome")
    link.close()


def test_what_a_machine_says_is_bounded_and_believed_by_nobody(fleet, hostile, running):
    instance = fleet.instance_id(running)
    text = "\x1b[2J\r\n\u202e<script>alert(1)</script>"
    assert hostile.tell({"type": "inventory", "instances": [Machine.instance(text, name=text, image=text, status=text, label=text, environment=[[text, text]])]}).status in (204, 400)
    for body in (b"", b"{", b"{}", b'[{"type":"x"}]', b"[" * 100_000, b'[{"type":"inventory","instances":[{}]}]', b"\xff", b"null", b'[{"type":"command_started","command_id":1.5,"started_at":0}]'):
        assert hostile.post("reports", body).status in (400, 483), body[:40]
    for body in (b"", b"\0", b"\0\0\0\0", b"\xff" * 100, *map(head, (b"", b"!", b"{}", b"null", b"[]", b"A" * 131_073, b"[" * 131_072)), head(b"{}")[:-1]):
        assert hostile.post("results", body).status == 400, body[:40]
    assert fleet.run(instance, "ls home")[1]["state"] == "exited" and fleet.server.is_alive
    row = next((row for row in fleet.instances() if row["label"] != running.name and "script" in str(row)), None)
    if row is not None:
        accepted = fleet.put_command(row["id"], "ls")
        assert accepted.status in (200, 400)


def test_frames_that_are_none_leave_no_result(fleet, hostile):
    hostile.tell({"type": "inventory", "instances": [Machine.instance("e" * 64, name="mine")]})
    mine = next(row["id"] for row in fleet.instances() if row["label"] == "mine")
    accepted = fleet.put_command(mine, "ls").json
    frame = b"\1" + (3).to_bytes(4, "big") + b"abc"
    for body in (frame, frame[:-1], b"\3" + frame[1:], b"\1\xff\xff\xff\xff", b"garbage", frame * 2):
        answer = hostile.report(accepted["command_id"], body, stdout_bytes=3, sha256=EMPTY)
        assert answer.status == 400, (body, answer)
    assert fleet.command(accepted["command_id"])["final"] is False
    right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # SHA-256 of abc (FIPS 180-4's example)
    assert hostile.report(accepted["command_id"], frame, stdout_bytes=3, sha256=right).status == 204
    # Final is final: another end of it changes nothing.
    assert hostile.report(accepted["command_id"], outcome="denied").status in (204, 404)
    assert fleet.result(accepted["result_url"]).body == b"abc" and fleet.command(accepted["command_id"])["state"] == "exited"


def test_the_server_calls_nobody(fleet, hostile, running):
    """Whatever a machine or a caller names, the server's only connections are those that it was called on."""
    url = "http://127.0.0.1:9/"
    hostile.tell({"type": "inventory", "instances": [Machine.instance("f" * 64, name=url, image=url, label=url, status_message=url, environment=[["URL", url]])]})
    fleet.put_command(fleet.instance_id(running), f"ls {url}", headers={"X-Forwarded-Host": "127.0.0.1:9", "Referer": url, "Origin": url})
    fleet.run(fleet.instance_id(running), "ls home")
    sockets = set()
    for entry in pathlib.Path(f"/proc/{fleet.server.pid}/fd").iterdir():
        try:
            sockets.add(entry.readlink().name)
        except OSError:
            continue
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in sockets:
                assert int(words[1].rsplit(":", 1)[1], 16) == fleet.port, line
    linked = {line.split()[-1] for line in run("ldd", BIN / "boathookd").stdout.decode().splitlines()}
    assert not [name for name in linked if "curl" in name]


# Tokens

def test_a_join_token_is_used_once_by_many_at_once(fleet):
    token = fleet_admin(fleet, "join-token")
    answers = []

    def join(number):
        answers.append(http.request(fleet.url, "POST", "/agent/v1/join", key=token, body={"name": f"m{number}", "nonce": signing.nonce()}).status)

    threads = [threading.Thread(target=join, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [401] * 19


def test_a_join_token_is_of_no_use_for_anything_else(fleet):
    token = fleet_admin(fleet, "join-token")
    for method, path in (("GET", "/api/v0/instances/"), ("GET", "/api/v0/users/current/"), ("POST", "/agent/v1/link"), ("POST", "/agent/v1/reports"),
                         ("POST", "/agent/v1/results"), ("POST", "/agent/v1/output/r1")):
        assert http.request(fleet.url, method, path, key=token).status == 401, path
    # And what is for other things does not join.
    hostile = Machine(fleet.url, token)
    for other in (token, hostile.token, fleet.key, "", "x" * 43):
        assert http.request(fleet.url, "POST", "/agent/v1/join", key=other, body={"name": "x", "nonce": signing.nonce()}).status == 401
