"""The audit log: what is in it, that its chain holds, and that a change of the file is found."""

import contextlib
import hashlib
import json
import sqlite3
import struct
import threading

import pytest

from harness.boathook import BIN, Client
from harness.engine import run
from harness.waiting import eventually


def audit(data, verb, *words, check=True):
    return run(BIN / "boathook", "admin", "audit", verb, "--data-dir", data, *words, check=check)


def records(data):
    shown = audit(data, "show", "--after", "0", "--limit", "1000000", "--json").stdout
    return [json.loads(line) for line in shown.splitlines()]


def entries(data, event=None):
    found = [record["entry"] for record in records(data)]
    return [entry for entry in found if event in (None, entry["event"])]


def head(data):
    """The head that `verify` prints."""
    said = json.loads(audit(data, "verify", "--json").stdout)
    assert said["intact"] is True
    return said["head"]


@contextlib.contextmanager
def database(data):
    connection = sqlite3.connect(data / "boathook.db", isolation_level=None, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def chain(data):
    """The head by an implementation of our own (docs/audit.md)."""
    link, last = bytes(32), 0
    with database(data) as connection:
        for sequence, body, kept in connection.execute(
            "SELECT sequence, CAST(body AS BLOB), hash FROM audit ORDER BY sequence"
        ):
            link = hashlib.sha256(link + struct.pack(">q", sequence) + body).digest()
            assert sequence == last + 1 and link == kept
            last = sequence
    return f"{last}:{link.hex()}"


def test_what_was_accepted_and_what_was_refused_is_there(start_up, running):
    up = start_up()
    instance = up.instance_id(running)
    accepted = up.put_command(instance, "ls home").json["command_id"]
    refusal = up.put_command(instance, "ls; reboot")
    assert refusal.status == 400
    assert up.put_command(10**15, "rm -r home").status == 404

    user = up.request("GET", "/api/v0/users/current").json["id"]
    first, second, third = [entry for entry in entries(up.data) if entry["event"].startswith("command.")]
    assert (first["event"], first["command"], first["text"]) == ("command.accepted", accepted, "ls home")
    assert first["decision"]["verdict"] == "allow" and first["decision"]["argv"] == ["ls", "home"]
    assert (second["event"], second["text"], second["decision"]["verdict"]) == ("command.denied", "ls; reboot", "deny")
    assert second["decision"]["denial"]["code"] == refusal.json["denial"]["code"]
    assert "command" not in second
    assert (third["event"], third["instance"], third["detail"]) == ("command.denied", 10**15, "instance_not_found")
    assert {entry["account"] for entry in (first, second, third)} == {user}
    assert len({entry["key"] for entry in (first, second, third)}) == 1
    assert {entry["address"] for entry in (first, second, third)} == {"127.0.0.1"}
    assert first["time"] <= second["time"] <= third["time"]

    said = audit(up.data, "verify").stdout.decode()
    assert said == f"{len(records(up.data))} entries, chain intact, head {chain(up.data)}\n"


def test_a_cancellation_and_a_deletion_are_there(start_up, running, many_files):
    up = start_up()
    done = up.put_command(up.instance_id(running), "ls").json["command_id"]
    up.final(done)
    assert up.request("DELETE", f"/api/v0/commands/{done}/output").status in (200, 204)
    waiting = up.frozen(up.instance_id(many_files), "du -a many", timeout=300)[0]
    assert up.request("DELETE", f"/api/v0/commands/{waiting}/").status == 200
    assert [entry["command"] for entry in entries(up.data, "result.deleted")] == [done]
    assert [entry["command"] for entry in entries(up.data, "command.cancelled")] == [waiting]


def test_what_was_done_to_instances_is_there(home, made):
    """Each change has its entry: by which route and key, from where, and nothing that is secret."""
    before = len(records(home.data))
    reply = made.make(
        label="né", disk=9, env={"TOKEN": "hush-environment"}, onstart="echo hush-script", image_login="-u me -p hush-login 127.0.0.1:9")
    one, itself = reply["new_contract"], Client(home.url, reply["instance_api_key"])
    made.until(one, "running")
    made.stop(one)
    made.start(one)
    assert made.change(one, label="x").json == {"success": True}
    assert made.verb("reboot", one).json == {"success": True}
    assert made.verb("recycle", one).json == {"success": True}
    bulk = home.request("PUT", "/api/v0/instances/", body={"state": "stopped", "ids": [one, 10**9]})
    assert bulk.json == {"success": True}
    assert made.order_destroy(10**9).status == 404
    assert itself.request("DELETE", f"/api/v0/instances/{one}/", body={}).status == 200
    assert made.order_destroy(one).status == 404
    destruction = f"/api/v0/instances/{one}/destruction/"
    eventually("it is gone", lambda: home.request("GET", destruction).json["state"] == "done", 60, every=0.1)
    assert one not in made.containers()

    written = entries(home.data)[before:]
    calls = [entry for entry in written if entry["event"] == "api.called"]
    single = "PUT /api/v0/instances/{id}"
    assert [entry["route"] for entry in calls] == [
        "PUT /api/v0/asks/{id}", single, single, single, "PUT /api/v0/instances/reboot/{id}", "PUT /api/v0/instances/recycle/{id}",
        "PUT /api/v0/instances", "DELETE /api/v0/instances/{id}",
    ]
    assert {entry["instance"] for entry in calls} == {one} and {entry["address"] for entry in calls} == {"127.0.0.1"}
    assert calls[0]["arguments"] == {
        "ask_id": str(made.offer), "image": made.image, "disk": "9", "label": "né", "runtype": "ssh", "target_state": "running"}
    assert [entry.get("arguments") for entry in calls[1:]] == [
        {"state": "stopped"}, {"state": "running"}, {"label": "x"}, None, None, {"state": "stopped"}, None]
    own, = (entry["key"] for entry in written if entry["event"] == "key.created")
    assert [entry["key"] == own for entry in calls] == [False] * 7 + [True] and len({entry["key"] for entry in calls}) == 2
    with database(home.data) as connection:
        bodies = "".join(row[0] for row in connection.execute("SELECT body FROM audit"))
    assert "hush" not in bodies and reply["instance_api_key"] not in bodies
    assert head(home.data) == chain(home.data)


def test_no_command_is_without_its_record(start_up, running):
    """The server is killed while orders come: each row has its entry, each entry of an acceptance its row."""
    up = start_up()
    instance = up.instance_id(running)
    answered = []

    def send():
        with contextlib.suppress(OSError, AssertionError):
            while True:
                answer = up.put_command(instance, "ls home")
                assert answer.status == 200
                answered.append(answer.json["command_id"])

    for _ in range(3):
        before = len(answered)
        senders = [threading.Thread(target=send) for _ in range(8)]
        for sender in senders:
            sender.start()
        while len(answered) < before + 50:
            assert any(sender.is_alive() for sender in senders), up.process.tail()
        up.process.kill()
        for sender in senders:
            sender.join()
        up.start()

    with database(up.data) as connection:
        rows = [row[0] for row in connection.execute("SELECT id FROM command ORDER BY id")]
    assert [entry["command"] for entry in entries(up.data, "command.accepted")] == rows
    assert set(answered) <= set(rows)
    assert head(up.data) == chain(up.data)


def test_an_order_that_is_sent_again_is_told_so(start_up, running):
    up = start_up()
    order = {"headers": {"Idempotency-Key": "once"}}
    one = up.put_command(up.instance_id(running), "ls", **order).json["command_id"]
    assert up.put_command(up.instance_id(running), "ls", **order).json["command_id"] == one
    told = [(entry["event"], entry["command"]) for entry in entries(up.data) if entry["event"].startswith("command.")]
    assert told == [("command.accepted", one), ("command.repeated", one)]


def test_the_operator_is_in_it_too_while_the_server_serves(start_up, running):
    up = start_up()
    instance = up.instance_id(running)
    before = head(up.data)
    key = up.admin("create-key", "--user", "maria", "--name", "laptop").stdout.decode().strip()
    up.put_command(instance, "ls")
    up.admin("block-user", "maria")
    up.admin("unblock-user", "maria")
    up.admin("revoke-key", key)
    up.admin("join-token")
    events = [entry["event"] for entry in entries(up.data)][int(before.split(":")[0]):]
    assert events == [
        "key.created", "command.accepted", "user.blocked", "user.unblocked", "key.revoked", "join_token.created",
    ]
    made, revoked = entries(up.data, "key.created")[-1], entries(up.data, "key.revoked")[-1]
    assert made["detail"] == "laptop" and (made["key"], made["account"]) == (revoked["key"], revoked["account"])
    assert audit(up.data, "verify", "--head", before).returncode == 0
    # One who has nothing to block leaves nothing.
    assert run(BIN / "boathook", "admin", "block-user", "nobody", "--data-dir", up.data, check=False).returncode != 0
    assert len(entries(up.data)) == int(before.split(":")[0]) + len(events)


def test_hostile_text_is_shown_on_one_line(start_up, running):
    up = start_up()
    text = "ls\n\x1b[2Jsequence=1 event=forged \u202e\u2028\x7f\"x"
    assert up.put_command(up.instance_id(running), text).status == 400
    shown = audit(up.data, "show").stdout
    assert shown.count(b"\n") == len(records(up.data)) and shown.endswith(b"\n")
    assert all(byte in (0x0A, *range(0x20, 0x7F)) for byte in shown.replace("‘".encode(), b"").replace("’".encode(), b""))
    assert shown.splitlines()[-1].startswith(b"sequence=")
    assert rb'text="ls\n\u001b[2Jsequence=1 event=forged \u202e\u2028\u007f\"x"' in shown
    assert entries(up.data)[-1]["text"] == text


def test_pages(start_up, running):
    up = start_up()
    for _ in range(3):
        up.put_command(up.instance_id(running), "ls; x")
    count = len(records(up.data))
    numbers = [line.split()[0] for line in audit(up.data, "show", "--limit", "2").stdout.decode().splitlines()]
    assert numbers == [f"sequence={count - 1}", f"sequence={count}"]
    assert audit(up.data, "show", "--after", "1", "--limit", "1").stdout.startswith(b"sequence=2 ")
    assert audit(up.data, "show", "--after", count).stdout == b""


def test_no_secret_is_in_it(start_up, running):
    up = start_up()
    answer = up.request(
        "PUT", f"/api/v0/instances/command/{up.instance_id(running)}/?api_key={up.key}", body={"command": "ls"}, key=None)
    up.result(answer.json["result_url"])
    secret = answer.json["result_url"].split("/results/")[1].split("-", 1)[1]
    key = up.admin("create-key", "--user", "maria").stdout.decode().strip()
    token = up.admin("join-token").stdout.decode().strip()
    with database(up.data) as connection:
        bodies = "".join(row[0] for row in connection.execute("SELECT body FROM audit"))
    assert "command.accepted" in bodies
    for hidden in (up.key, key, token, secret):
        assert hidden not in bodies


@pytest.fixture(scope="module")
def written(engine, running, tmp_path_factory):
    """A database with a log of some entries, and its head."""
    from harness.boathook import Up

    folder = tmp_path_factory.mktemp("audit")
    up = Up(engine, folder)
    try:
        for command in ("ls home", "ls; reboot", "du home", "rm /etc"):
            up.put_command(up.instance_id(running), command)
        # A backup is one file: nothing of it is in a log beside it.
        run(BIN / "boathook", "admin", "backup", folder / "copy", "--data-dir", up.data)
        yield (folder / "copy/boathook.db").read_bytes(), head(up.data)
    finally:
        up.process.end()


@pytest.fixture
def spoilt(written, tmp_path):
    """Changes a copy of it as one can who may write the file; the folder, and the head as it was."""

    def spoil(*statements):
        data = tmp_path / "data"
        data.mkdir()
        (data / "boathook.db").write_bytes(written[0])
        with database(data) as connection:
            for (trigger,) in list(connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")):
                connection.execute(f"DROP TRIGGER {trigger}")
            for statement in statements:
                assert connection.execute(statement).rowcount > 0
        return data, written[1]

    return spoil


@pytest.mark.parametrize("statement", [
    "UPDATE audit SET body = '{}' WHERE sequence = 2", "DELETE FROM audit WHERE sequence = 3",
    "DELETE FROM audit", "INSERT OR REPLACE INTO audit VALUES (2, '{}', zeroblob(32))",
])
def test_the_database_itself_takes_no_change(written, tmp_path, statement):
    data = tmp_path / "data"
    data.mkdir()
    (data / "boathook.db").write_bytes(written[0])
    with database(data) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    assert head(data) == written[1]


@pytest.mark.parametrize("statement, sequence, reason", [
    ("UPDATE audit SET body = replace(body, '\"ls; reboot\"', '\"ls\"') WHERE sequence = 3", 3, "hash"),
    ("UPDATE audit SET hash = zeroblob(32) WHERE sequence = 2", 2, "hash"),
    ("DELETE FROM audit WHERE sequence = 2", 2, "missing"),
    ("DELETE FROM audit WHERE sequence = 1", 1, "missing"),
    ("UPDATE audit SET sequence = 99 WHERE sequence = 4", 4, "missing"),
])
def test_a_change_of_the_file_is_found(spoilt, statement, sequence, reason):
    data, _ = spoilt(statement)
    done = audit(data, "verify", check=False)
    assert done.returncode == 1
    assert done.stdout.startswith(f"broken at entry {sequence}: ".encode()) and reason.encode() in done.stdout
    said = json.loads(audit(data, "verify", "--json", check=False).stdout)
    assert (said["intact"], said["broken_at"]) == (False, sequence)


def test_what_only_a_head_finds(spoilt, written):
    """An end that was cut off, and a log that was written anew, are whole chains."""
    last = int(written[1].split(":")[0])
    data, before = spoilt(f"DELETE FROM audit WHERE sequence > {last - 2}")
    assert audit(data, "verify").stdout.startswith(f"{last - 2} entries, chain intact".encode())
    cut = audit(data, "verify", "--head", before, check=False)
    assert cut.returncode == 1 and cut.stdout.startswith(f"broken at entry {last - 1}: the log ends".encode())

    with database(data) as connection:
        link = bytes(32)
        connection.execute("UPDATE audit SET body = replace(body, 'ls; reboot', 'ls; rebirth')")
        for sequence, body in list(connection.execute("SELECT sequence, body FROM audit ORDER BY sequence")):
            link = hashlib.sha256(link + struct.pack(">q", sequence) + body.encode()).digest()
            connection.execute("UPDATE audit SET hash = ? WHERE sequence = ?", (link, sequence))
        for sequence in (last - 1, last):
            link = hashlib.sha256(link + struct.pack(">q", sequence) + b"{}").digest()
            connection.execute("INSERT INTO audit VALUES (?, '{}', ?)", (sequence, link))
    assert audit(data, "verify").stdout.startswith(f"{last} entries, chain intact".encode())
    anew = audit(data, "verify", "--head", before, check=False)
    assert anew.returncode == 1 and b"rewritten" in anew.stdout


@pytest.mark.parametrize("text", ["x", "3", "3:", "3:abc", f"-3:{'0' * 64}"])
def test_a_head_that_is_none_is_refused(written, spoilt, text):
    data, _ = spoilt()
    done = audit(data, "verify", f"--head={text}", check=False)
    assert done.returncode == 64 and b"SEQUENCE:HASH" in done.stderr


def test_a_restored_backup_goes_on(start_up, running, tmp_path):
    up = start_up()
    up.put_command(up.instance_id(running), "ls; reboot")
    copy, restored = tmp_path / "copy", tmp_path / "restored"
    run(BIN / "boathook", "admin", "backup", copy, "--data-dir", up.data)
    then = head(up.data)
    up.put_command(up.instance_id(running), "ls; later")
    later = head(up.data)
    run(BIN / "boathook", "admin", "restore", copy, "--data-dir", restored)

    assert entries(restored)[-1]["event"] == "backup.restored"
    assert audit(restored, "verify", "--head", then).returncode == 0
    # What came after the backup is not in it, and a head of that time says so.
    assert audit(restored, "verify", "--head", later, check=False).returncode == 1
    assert chain(restored) == head(restored)
