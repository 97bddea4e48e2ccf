"""Whoever calls the API: with what key, about whose things, and what comes of it (docs/security.md, P15 to P17, P21 to P25, P36)."""

import contextlib
import http.client
import itertools
import json
import os
import pathlib
import re
import secrets
import time
import urllib.parse

import pytest

from harness import jailed, signing
from harness.boathook import BIN, TERMINAL, Client
from harness.busy import fill
from harness.engine import ROOT, run
from harness.impostor import Machine
from harness.waiting import eventually
from harness.wire import ask, bearer, head, raw

UNAUTHORIZED = {"success": False, "error": "auth_error", "msg": "Invalid user key"}
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
    join = json.dumps({"name": "x", "nonce": signing.nonce()})
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
        answer = ask(fleet.url, method, path, headers=headers, body=join)
        assert answer[0] == 401, (method, path, name, answer)
        cells += 1
    # The control: with its own, each route lets in (what it then says of an empty request is its own business).
    for method, path in account_routes():
        if path.rstrip("/").endswith("/reset_apikey"):
            continue  # it would be another key's control from there on
        assert ask(fleet.url, method, path.replace("{id}", "999999"), headers=bearer(fleet.key), body="{}")[0] != 401
    for method, path in machine_routes():
        token = unused if path.endswith("/join") else machine.token
        assert ask(fleet.url, method, path, headers=bearer(token), body=join)[0] != 401
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
    up.admin("revoke-key", key)
    assert status(connections[0], key) == 401
    up.admin("block-user", "mallory")
    assert status(connections[1], other) == 403
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


def test_what_runs_is_what_was_sent_and_written_down(up, busy):
    """The words of the process, of the record and of the audit log are those of the request."""
    words = ["du", "-a", "--time-style=+%Y %m", "home/many", "/no such name", "ü\n\x01"]
    instance = up.instance_id(busy)
    for _ in range(10):
        accepted = up.request("PUT", f"/api/v0/instances/command/{instance}/", body={"argv": words, "timeout": 300})
        assert accepted.status == 200, accepted
        identifier = accepted.json["command_id"]
        if pid := jailed.freeze(up.agent_pid, "du", 60, lambda: up.command(identifier)["state"] in TERMINAL):
            break
        up.final(identifier)
    assert pid, "it was over before it could be stopped"
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
        return [str(path) for path in up.data.rglob("*") if marker.encode() in content(path)]

    def content(path):
        with contextlib.suppress(FileNotFoundError):
            return path.read_bytes() if path.is_file() else b""
        return b""

    assert holders(), "the control: it is kept somewhere before"
    assert row["complete"] and up.request("DELETE", f"/api/v0/commands/{accepted['command_id']}/output").status == 200
    # The agent removes what it has handed over in its own time.
    agents = f"{up.data}/agent/"
    assert [path for path in holders() if not path.startswith(agents)] == []
    eventually("the agent has none of it either", lambda: holders() == [])


def test_a_blocked_user_starts_nothing_more(start_up, running):
    """The operator's switch: from then on no order is taken, while others go on."""
    up = start_up()
    maria = Client(up.url, up.admin("create-key", "--user", "maria").stdout.decode().strip())
    assert maria.request("GET", "/api/v0/users/current/").status == 200
    up.admin("block-user", "maria")
    for method, path in account_routes():
        assert maria.request(method, path.replace("{id}", "1"), body="{}").status == 403, path
    assert up.run(up.instance_id(running), "ls home")[1]["state"] == "exited"
