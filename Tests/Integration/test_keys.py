"""Keys that may do less than their user: what they see, what they run, how much they remove."""

import contextlib
import json
import os
import signal
import sqlite3
import threading
import time

import pytest

from harness import jailed
from harness.boathook import BIN, Client, Up
from harness.engine import run
from harness.orders import accepted, denial, ended, order, output, preview
from harness.snapshot import snapshot, upper
from harness.waiting import eventually


@pytest.fixture(scope="module")
def inspecting(engine, tmp_path_factory):
    up = Up(engine, tmp_path_factory.mktemp("inspecting"), "--policy", "inspect", "--writer-start-seconds", "600")
    yield up
    up.process.terminate()
    up.process.end()


@pytest.fixture
def key_of(inspecting):
    """Clients with narrow keys of the operator's own account."""
    return lambda *flags, up=inspecting: make_key(up, *flags)


def admin(up, verb, *words, check=True):
    return run(BIN / "boathook", "admin", verb, "--data-dir", up.data, *words, check=check)


def make_key(up, *flags, user="admin"):
    made = json.loads(admin(up, "create-key", "--user", user, "--json", *flags).stdout)
    client = Client(up.url, made["key"], up.engine)
    client.id, client.permissions = made["id"], made["permissions"]
    return client


def refused(answer, code="not_authorized", status=403):
    assert (answer.status, answer.json["success"], answer.json["error"]) == (status, False, code), answer
    return answer.json["msg"]


# Agents

def test_a_key_for_an_agent_looks_and_changes_nothing(inspecting, key_of, new_container):
    agent = key_of("--agent")
    assert agent.permissions == {"api": {"instance_read": {}}, "writes": False}
    container = new_container()
    container.shell("mkdir /workspace/job; echo text >/workspace/job/note")
    instance = agent.instance_id(container)
    before = snapshot(upper(container))
    assert output(agent, instance, "ls -l workspace/job") == output(inspecting, instance, "ls -l workspace/job")
    assert output(agent, instance, "cat workspace/job/note") == b"text\n"
    for command in ("rm -r workspace/job", "rm -f workspace/none", "rm --help"):
        assert denial(agent, instance, command)["code"] == "writes_not_granted"
        assert order(agent, instance, command.split()).status == 400
    listed, row = preview(agent, instance, "rm -r workspace/job")
    assert listed == ["workspace/job/note", "workspace/job"] and row["state"] == "exited"
    # What it planned it cannot do, and another key of its user can.
    assert order(agent, instance, "rm -r workspace/job", plan=row["id"]).status == 400
    for method, path, body in (
        ("DELETE", f"/api/v0/commands/{row['id']}/", None), ("DELETE", f"/api/v0/commands/{row['id']}/output", None),
        ("GET", "/api/v0/users/current/", None), ("GET", "/api/v0/auth/apikeys/", None),
        ("POST", "/api/v0/auth/apikeys/", {"name": "more", "permissions": {"api": {"instance_write": {}}}}),
        ("DELETE", f"/api/v0/auth/apikeys/{agent.id}/", None),
    ):
        assert "permission group" in refused(agent.request(method, path, body=body)), path
    assert snapshot(upper(container)) == before
    assert ended(inspecting, instance, "rm -r workspace/job", plan=row["id"])["removal"]["entries"] == 2


def test_an_agent_that_may_write(key_of, new_container):
    agent = key_of("--agent", "--allow-writes", "--path", "/workspace", "--delete-entries", "2")
    container = new_container()
    container.shell("touch /workspace/a /workspace/b /srv/c; ln -s /srv /workspace/link")
    instance = agent.instance_id(container)
    assert denial(agent, instance, "rm srv/c")["code"] == "path_not_allowed"
    row = ended(agent, instance, "rm -r workspace/link/c")
    assert row["exit_code"] == 1 and row["removal"]["entries"] == 0
    assert ended(agent, instance, "rm workspace/a")["exit_code"] == 0
    assert container.exec("ls", "/srv", "/workspace").stdout == b"/srv:\nc\n\n/workspace:\nb\nlink\n"
    assert "permission group" in refused(agent.request("GET", "/api/v0/users/current/"))


def test_commands_are_policies_or_rules(key_of, running):
    client = key_of("--commands", "vast/ls,inspect")
    instance = client.instance_id(running)
    assert output(client, instance, "ls home") == running.exec("ls", "home").stdout
    assert output(client, instance, "head -n 1 etc/passwd") == running.exec("head", "-n", "1", "/etc/passwd").stdout
    for command in ("du home", "rm -f home/none"):
        reason = denial(client, instance, command)
        assert reason["code"] == "not_granted" and reason["message"].startswith(f"This key may not run {command.split()[0]}; it may run ls, cat")
        assert order(client, instance, command, dry_run=True).json["decision"]["denial"] == reason
    nothing = key_of("--commands", "diagnose")
    assert "it may run nothing" in denial(nothing, instance, "ls")["message"]


# Paths

@pytest.fixture(params=["running", "exited"])
def walled(request, new_container):
    """A container with links out of `/workspace` of every kind, and what they lead to."""
    container = new_container("--volume", "/workspace/volume", "--volume", "/outside")
    container.shell(r"""
        set -e; mkdir -p /workspace/in /srv/secret-folder; echo ok >/workspace/in/ok; echo secret >/srv/secret-file
        echo secret >/srv/secret-folder/secret-inner; echo volume >/workspace/volume/v; echo secret >/outside/secret-volume
        cd /workspace/in; ln -s /srv absolute; ln -s ../../srv relative; ln -s /srv/secret-file file; ln -s / root
        ln -s .. up; ln -s ../../../../../.. far; ln -s /outside volume-link; ln -s /proc/1/root process; ln -s /workspace/in/ok fine
        ln -s absolute/secret-folder chained; ln /srv/secret-file hard
    """)
    if request.param == "exited":
        container.stop()
    container.state = request.param
    return container


LOOKS = [
    "ls -R workspace", "ls -LR workspace", "ls -la workspace/in/absolute/", "ls workspace/in/root/srv", "ls -l workspace/in/up/../srv", "du -a workspace",
    "du -aL workspace", "du -a workspace/in/relative/", "cat workspace/in/file", "cat workspace/in/absolute/secret-file", "cat workspace/in/root/srv/secret-file",
    "cat workspace/in/far/srv/secret-file", "cat workspace/in/volume-link/secret-volume", "cat workspace/in/chained/secret-inner", "cat workspace/in/process/srv/secret-file",
    "find -L workspace", "find workspace -follow -name 'secret*'", "grep -R secret workspace --exclude=hard", "grep -r secret workspace/in/absolute/", "tree -l workspace",
    "stat -L workspace/in/file", "file -L workspace/in/file", "wc workspace/in/file", "sha256sum workspace/in/file", "head workspace/in/file", "tail workspace/in/file",
    "sort workspace/in/file", "uniq workspace/in/file", "cut -c 1- workspace/in/file", "md5sum workspace/in/file", "ls", "ls -a", "find", "du", "tree", "df", "df -a", "grep -r secret --exclude=hard",
    "find workspace -newer workspace/in/file", "find workspace -samefile workspace/in/file",
]


def test_a_key_bound_to_a_path_sees_nothing_else(inspecting, key_of, walled):
    bound = key_of("--agent", "--path", "/workspace")
    instance = bound.instance_id(walled, walled.state)
    for command in LOOKS:
        row = ended(bound, instance, command)
        assert row["state"] == "exited" and row["decision"]["paths"] == ["/workspace"], (command, row)
        seen = row["stdout"] + row["stderr"]
        # What links say is theirs; what they lead to is not there.
        for word in ("secret-folder", "secret-inner", "secret-volume", "passwd", "usr"):
            assert word not in seen.replace(command.split()[-1], "").replace("absolute/secret-folder", ""), (command, seen)
        assert "secret\n" not in seen, (command, seen)
    assert output(bound, instance, "cat workspace/in/ok workspace/in/fine workspace/volume/v") == b"ok\nok\nvolume\n"
    # A hard link is a file of the folder like any other.
    assert output(bound, instance, "cat workspace/in/hard") == b"secret\n"
    assert output(bound, instance, "ls") == b"workspace\n"
    # The control: without the binding, the same commands lead out.
    assert output(inspecting, instance, "cat workspace/in/file") == b"secret\n"
    assert b"secret-file" in output(inspecting, instance, "ls workspace/in/absolute/")


@pytest.mark.parametrize("command", [
    "ls /", "ls ..", "ls srv", "cat /etc/passwd", "ls workspace/..", "ls workspace/in/../../srv", "ls /workspace2", "cat workspaceX", "find / -name x",
    "find . -maxdepth 1", "du -a .", "grep -r secret .", "tree /", "df /srv",
])
def test_operands_elsewhere_are_refused_in_words(key_of, running, command):
    bound = key_of("--path", "/workspace/", "--path", "//workspace/./")
    reason = denial(bound, bound.instance_id(running), command)
    assert reason["code"] == "path_not_allowed" and "/workspace" in reason["message"]


def test_a_folder_that_becomes_a_link_opens_nothing(key_of, new_container):
    bound = key_of("--path", "/workspace/in")
    container = new_container()
    container.shell("mkdir /workspace/in /srv/real; touch /srv/real/secret; rmdir /workspace/in; ln -s /srv/real /workspace/in")
    for state in ("running", "exited"):
        if state == "exited":
            container.stop()
        instance = bound.instance_id(container, state)
        row = ended(bound, instance, "ls -la workspace/in")
        assert row["state"] == "denied" and "symbolic link" in row["note"], row
        row = ended(bound, instance, "rm -rf workspace/in/secret")
        assert row["state"] == "denied", row
    container.start()
    container.shell("rm /workspace/in; rmdir /workspace; ln -s /srv/real /workspace; mkdir /srv/real/in; touch /srv/real/in/secret")
    row = ended(bound, bound.instance_id(container, "running"), "ls -la workspace/in")
    assert row["state"] == "denied" and "symbolic link" in row["note"], row


def test_a_path_that_is_not_there_is_not_there(key_of, running):
    bound = key_of("--path", "/nowhere/at/all")
    instance = bound.instance_id(running)
    row = ended(bound, instance, "ls nowhere/at/all")
    assert (row["state"], row["exit_code"]) == ("exited", 2) and "No such file" in row["stderr"]
    assert ended(bound, instance, "ls")["stdout"] in ("", "nowhere\n")


def test_a_bound_key_removes_only_inside(key_of, walled):
    bound = key_of("--path", "/workspace/in")
    instance = bound.instance_id(walled, walled.state)
    listed, row = preview(bound, instance, "rm -rf workspace/in/chained workspace/in/absolute workspace/in/root")
    assert sorted(listed) == ["workspace/in/absolute", "workspace/in/chained", "workspace/in/root"]
    for command in ("rm -rf workspace/in/absolute/", "rm -rf workspace/in/absolute/secret-folder", "rm -rf workspace/in/volume-link/",
                    "rm -rf workspace/in/up/volume", "rm -rf workspace/in/root/srv", "rm -rf workspace/in/far/srv/secret-file"):
        ended(bound, instance, command)
    for command in ("rm -rf workspace", "rm -rf workspace/volume", "rm -rf srv", "rm -rf workspace/in/../volume"):
        assert denial(bound, instance, command)["code"] == "path_not_allowed", command
    # The folder that the key is bound to is a mount in its view.
    row = ended(bound, instance, "rm -rf workspace/in")
    assert row["state"] == "denied" and "workspace/in is a mount point" in row["note"], row
    if walled.state == "exited":
        walled.start()
    assert walled.shell("cat /srv/secret-folder/secret-inner /outside/secret-volume /srv/secret-file /workspace/volume/v").stdout == b"secret\n" * 3 + b"volume\n"


def test_a_plan_of_a_wider_key_is_no_plan_of_a_narrower_one(inspecting, key_of, new_container):
    container = new_container()
    container.shell("mkdir /workspace/in; touch /workspace/in/a; touch /srv/b; ln -s /srv /workspace/in/link")
    bound = key_of("--path", "/workspace")
    instance = bound.instance_id(container)
    _, wide = preview(inspecting, instance, "rm -r workspace/in")
    _, narrow = preview(bound, instance, "rm -r workspace/in")
    assert order(bound, instance, "rm -r workspace/in", plan=wide["id"]).status == 400
    assert order(inspecting, instance, "rm -r workspace/in", plan=narrow["id"]).status == 400
    assert ended(bound, instance, "rm -r workspace/in", plan=narrow["id"])["exit_code"] == 0


def test_a_bound_key_does_not_read_what_others_have_read(inspecting, key_of, running):
    wide = accepted(inspecting, inspecting.instance_id(running), "cat etc/passwd")
    inspecting.final(wide["command_id"])
    bound = key_of("--agent", "--path", "/workspace")
    own = ended(bound, bound.instance_id(running), "ls")
    assert [row["id"] for row in bound.request("GET", "/api/v0/commands/").json["commands"]] == [own["id"]]
    absent = bound.request("GET", "/api/v0/commands/999999999/output")
    for path in (f"/api/v0/commands/{wide['command_id']}/", f"/api/v0/commands/{wide['command_id']}/output"):
        answer = bound.request("GET", path)
        assert answer.status == 404 and "root" not in answer.body.decode(), path
    assert bound.request("GET", f"/api/v0/commands/{wide['command_id']}/output").json == absent.json
    assert any(row["id"] == wide["command_id"] for row in key_of("--agent").request("GET", "/api/v0/commands/").json["commands"])


# The operator's verbs

def test_keys_are_shown_and_revoked_without_their_secrets(inspecting, key_of):
    client = key_of("--agent", "--path", "/workspace", "--expires-days", "30", "--name", "for\nclaude", "--commands", "vast")
    rows = {row["id"]: row for row in json.loads(admin(inspecting, "show-keys", "--user", "admin", "--json").stdout)}
    row = rows[client.id]
    assert (row["name"], row["user"], row["permissions"]) == ("for\nclaude", "admin", client.permissions) and "key" not in row
    assert client.permissions == {"api": {"instance_read": {}}, "writes": False, "paths": ["/workspace"], "commands": ["vast"]}
    assert 29.9 * 86400 < row["expires_at"] - time.time() < 30.1 * 86400
    shown = admin(inspecting, "show-keys").stdout.decode()
    assert shown.count("\n") == len(json.loads(admin(inspecting, "show-keys", "--json").stdout))
    line = next(line for line in shown.splitlines() if line.startswith(f"id={client.id} "))
    for part in ("writes=false", "opens=instance_read", "commands=vast", "path=/workspace"):
        assert part in line
    assert client.key not in shown and inspecting.key not in shown
    assert client.request("GET", "/api/v0/instances/").status == 200
    admin(inspecting, "revoke-key", "--id", client.id)
    refused(client.request("GET", "/api/v0/instances/"), "auth_error", 401)
    assert admin(inspecting, "revoke-key", "--id", client.id, check=False).returncode == 64
    assert client.id not in {row["id"] for row in json.loads(admin(inspecting, "show-keys", "--json").stdout)}


def test_a_key_that_has_ended_is_none(inspecting, key_of, running):
    client = key_of("--expires-days", "1")
    instance = client.instance_id(running)
    with contextlib.closing(sqlite3.connect(inspecting.data / "boathook.db", timeout=20)) as database, database:
        assert database.execute("UPDATE api_key SET expires_at = ? WHERE id = ?", (time.time() - 1, client.id)).rowcount == 1
    unknown = Client(inspecting.url, "0" * 43).request("GET", "/api/v0/instances/")
    for answer in (client.request("GET", "/api/v0/instances/"), order(client, instance, "ls")):
        assert (answer.status, answer.json) == (401, unknown.json)


@pytest.mark.parametrize("flags", [
    ["--allow-writes"], ["--expires-days", "0"], ["--expires-days", "3651"], ["--delete-entries", "-1"], ["--delete-mib", "x"], ["--path", "workspace"],
    ["--path", "/a/../b"], ["--path", ""], ["--commands", ""], ["--commands", "vast,,x"], ["--agent", "--delete-entries", "1"], ["--agent", "--permissions", "/dev/null"],
    ["--permissions", "/nowhere"], ["--name", ""],
])
def test_what_makes_no_key(inspecting, flags):
    before = admin(inspecting, "show-keys").stdout
    # A value may begin with a dash.
    words = [f"{flags[0]}={flags[1]}"] if len(flags) == 2 and flags[1].startswith("-") and flags[1][1:].isdigit() else flags
    done = admin(inspecting, "create-key", "--user", "admin", *words, check=False)
    assert done.returncode == 64 and done.stdout == b"", done
    assert admin(inspecting, "show-keys").stdout == before


PERMISSIONS = [
    ({"api": {"instance_read": {}}}, None), ({"api": {"nothing": {}}}, "nothing"), ({"api": {"instance_read": {"api.nothing": {}}}}, "api.nothing"),
    ({"api": {"instance_write": {"api.instance.execute": {"constraints": {"id": {"neq": 1}}}}}}, "neq"), ({"commands": ["vast"]}, "api"),
    ({"api": {"instance_read": {}}, "surplus": 1}, "surplus"), ({"api": {"instance_read": {}}, "paths": ["../x"]}, "../x"),
    ({"api": {"instance_read": {}}, "writes": "no"}, "writes"), ({"api": {"instance_read": {}}, "deletion_budget": {"entries": -1}}, "entries"),
]


@pytest.mark.parametrize("permissions, word", PERMISSIONS)
def test_a_permission_file_is_read_strictly(inspecting, tmp_path, permissions, word):
    path = tmp_path / "permissions.json"
    path.write_text(json.dumps(permissions))
    done = admin(inspecting, "create-key", "--user", "admin", "--json", "--permissions", path, check=False)
    if word is None:
        assert done.returncode == 0 and json.loads(done.stdout)["permissions"] == permissions
    else:
        assert done.returncode == 64 and word in done.stderr.decode(), done


def test_a_key_for_one_instance(inspecting, tmp_path, running, stopped):
    mine, other = inspecting.instance_id(running), inspecting.instance_id(stopped)
    path = tmp_path / "permissions.json"
    one = {"constraints": {"id": {"eq": mine}}}
    path.write_text(json.dumps({"api": {
        "instance_write": {"api.instance.execute": one},
        "instance_read": {"api.instance.show": one, "api.instances.show": {}, "api.commands.show": {}, "api.command.show": {}, "api.command.output": {}}}}))
    client = make_key(inspecting, "--permissions", path)
    assert output(client, mine, "ls home") == running.exec("ls", "home").stdout
    foreign, absent = order(client, other, "ls home"), order(client, 10**12, "ls home")
    assert (foreign.status, foreign.json) == (404, absent.json) == (absent.status, foreign.json)
    assert order(client, other, "ls home", dry_run=True).status == 404
    assert [row["id"] for row in client.instances()] == [mine]
    hidden, nothing = (client.request("GET", f"/api/v0/instances/{number}/") for number in (other, 10**12))
    assert (hidden.status, hidden.json) == (nothing.status, nothing.json) and not hidden.json["instances"]


# Deletion budgets

@pytest.fixture
def pile(new_container):
    """A container with files of 8 KiB."""
    # Budgets are for a day (UTC): a test's must not begin in one and end in the next.
    left = 86_400 - time.time() % 86_400
    if left < 60:
        time.sleep(left + 1)
    container = new_container()
    container.shell("mkdir /workspace/pile; for i in {1..60}; do head -c 8192 /dev/zero >/workspace/pile/$i; done")
    return container


@pytest.fixture
def slow(pile):
    """The same, with a folder `/workspace/many` of 2,001 entries in all that takes rm a while."""
    pile.shell("mkdir /workspace/many; cd /workspace/many; touch {1..2000}")
    return pile


def many_left(container):
    top = container.merged / "workspace/many"
    return len(os.listdir(top)) + 1 if top.exists() else 0


def held(client, up, container, command):
    """Starts a removal and stops its tool before it has done anything: the command's id, the tool's."""
    client.agent_pid = up.agent_pid
    return client.frozen(client.instance_id(container), command, timeout=300)


def pile_size(container):
    return len(os.listdir(container.merged / "workspace/pile"))


def test_a_budget_of_entries(key_of, pile):
    client = key_of("--delete-entries", "3")
    instance = client.instance_id(pile)
    # Looking is free.
    preview(client, instance, "rm -r workspace/pile")
    assert ended(client, instance, "rm workspace/pile/1 workspace/pile/2")["removal"]["entries"] == 2
    row = ended(client, instance, "rm workspace/pile/3 workspace/pile/4")
    assert (row["state"], row["note"]) == ("denied", "2 files and folders would go, and at most 1 may; nothing was removed")
    assert pile_size(pile) == 58
    assert ended(client, instance, "rm -f workspace/none")["removal"]["entries"] == 0
    assert ended(client, instance, "rm workspace/pile/3")["removal"]["entries"] == 1
    said = refused(order(client, instance, "rm workspace/pile/4"), "budget_spent")
    assert "00:00 UTC" in said
    assert preview(client, instance, "rm workspace/pile/4")[0] == ["workspace/pile/4"]
    assert output(client, instance, "ls workspace") == b"pile\n"
    assert pile_size(pile) == 57


def test_a_budget_of_bytes(key_of, pile):
    client = key_of("--delete-mib", "1")
    instance = client.instance_id(pile)
    pile.shell("head -c 1048577 /dev/zero >/workspace/large; head -c 900000 /dev/zero >/workspace/small")
    row = ended(client, instance, "rm workspace/large")
    assert row["state"] == "denied" and "bytes would be freed, and at most 1048576 may" in row["note"], row
    used = ended(client, instance, "rm workspace/small")["removal"]["bytes"]
    assert used >= 900_000
    row = ended(client, instance, "rm -r workspace/pile")
    assert row["state"] == "denied" and f"at most {1048576 - used} may" in row["note"], row
    for number in range(1, (1048576 - used) // 8192 + 1):
        assert ended(client, instance, f"rm workspace/pile/{number}")["removal"]["bytes"] == 8192
    row = order(client, instance, "rm workspace/pile/60")
    assert row.status in (200, 403) and (row.status == 403 or client.final(row.json["command_id"])["state"] == "denied")
    assert (pile.merged / "workspace/large").exists() and (pile.merged / "workspace/pile/60").exists()


@pytest.mark.parametrize("operand", ["workspace/link/", "bin/large", "workspace/pile/1 workspace/pile/1"])
def test_no_spelling_gets_round_a_budget(key_of, pile, operand):
    pile.shell("ln -s pile /workspace/link; head -c 2000000 /dev/zero >/usr/bin/large")
    client = key_of("--delete-mib", "1", "--delete-entries", "1")
    row = ended(client, client.instance_id(pile), f"rm -rf {operand}")
    if operand.startswith("workspace/pile"):
        # One file is one file, however often it is named.
        assert row["state"] == "exited" and row["removal"]["entries"] == 1, row
    else:
        assert pile_size(pile) == 60 and (pile.merged / "usr/bin/large").exists(), row


def test_a_budget_is_for_one_removal_at_a_time(key_of, inspecting, slow):
    client = key_of("--delete-entries", "3000")
    identifier, pid = held(client, inspecting, slow, "rm -r workspace/many")
    try:
        instance = client.instance_id(slow)
        answer = order(client, instance, "rm workspace/pile/2")
        refused(answer, "queue_full", 429)
        assert int(answer.headers["retry-after"]) >= 1
        # Its user's other keys, and what removes nothing, are taken.
        others = [accepted(inspecting, instance, "rm workspace/pile/3"), accepted(client, instance, "rm workspace/pile/2", dry_run=True)]
    finally:
        jailed.thaw(pid)
    assert client.final(identifier)["exit_code"] == 0
    assert {inspecting.final(other["command_id"])["exit_code"] for other in others} == {0}
    assert ended(client, instance, "rm workspace/pile/2")["exit_code"] == 0


def test_many_at_once_remove_no_more_than_their_budget(key_of, pile):
    client = key_of("--delete-entries", "5")
    instance = client.instance_id(pile)
    answers, lock = [], threading.Lock()

    def remove(first):
        for number in range(first, 61, 6):
            answer = order(client, instance, f"rm workspace/pile/{number}")
            with lock:
                answers.append(answer)

    threads = [threading.Thread(target=remove, args=(first,)) for first in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} <= {200, 403, 429}
    rows = [client.final(answer.json["command_id"]) for answer in answers if answer.status == 200]
    assert sum(row["removal"]["entries"] for row in rows if row["removal"]) == 60 - pile_size(pile) <= 5


def test_a_repeated_order_is_charged_once(key_of, pile):
    client = key_of("--delete-entries", "2")
    instance = client.instance_id(pile)
    for _ in range(3):
        answer = client.put_command(instance, "rm workspace/pile/1", headers={"Idempotency-Key": "one"})
        assert answer.status == 200
        client.final(answer.json["command_id"])
    assert ended(client, instance, "rm workspace/pile/2")["exit_code"] == 0
    refused(order(client, instance, "rm workspace/pile/3"), "budget_spent")


def test_what_was_cancelled_is_charged_with_what_went(key_of, inspecting, slow):
    client = key_of("--delete-entries", "3000")
    identifier, pid = held(client, inspecting, slow, "rm -r workspace/many")
    try:
        while many_left(slow) == 2001:
            jailed.step(pid, 0.0002)
        assert client.request("DELETE", f"/api/v0/commands/{identifier}/").status == 200
        # Only now: it must not go on before its end comes.
        row = client.final(identifier)
    finally:
        jailed.thaw(pid)
    gone = 2001 - many_left(slow)
    assert row["state"] == "cancelled" and row["removal"]["entries"] == gone and 0 < gone < 2001
    # What is left of the budget is what did not go.
    slow.shell("mkdir /workspace/rest; cd /workspace/rest; touch {1..3000}")
    refusal = ended(client, client.instance_id(slow), "rm -r workspace/rest")
    assert refusal["note"].endswith(f"and at most {3000 - gone} may; nothing was removed"), refusal


def test_what_was_lost_is_charged_with_all_that_it_might_have_taken(start_up, slow):
    up = start_up()
    client = make_key(up, "--delete-entries", "3000")
    identifier, pid = held(client, up, slow, "rm -r workspace/many")
    up.process.kill()
    # The tool dies with its agent.
    eventually("the tool is gone", lambda: not jailed.stopped(pid))
    up.start()
    row = client.final(identifier)
    assert row["state"] == "lost", row
    refused(order(client, client.instance_id(slow), "rm workspace/pile/3"), "budget_spent")
    assert (slow.merged / "workspace/pile/3").exists()
    assert ended(up, up.instance_id(slow), "rm workspace/pile/3")["exit_code"] == 0


def test_a_tool_that_somebody_killed_is_charged_with_what_went(start_up, slow):
    """And the next removal is not kept waiting."""
    up = start_up()
    client = make_key(up, "--delete-entries", "3000")
    identifier, pid = held(client, up, slow, "rm -r workspace/many")
    os.kill(pid, signal.SIGKILL)
    row = client.final(identifier)
    assert row["state"] == "signalled" and row["removal"]["entries"] == 2001 - many_left(slow), row
    assert ended(client, client.instance_id(slow), "rm -r workspace/many")["exit_code"] == 0


def test_a_budget_outlives_a_restart(start_up, pile):
    up = start_up()
    client = make_key(up, "--delete-entries", "2")
    assert ended(client, client.instance_id(pile), "rm workspace/pile/1")["exit_code"] == 0
    up.process.terminate()
    up.start()
    row = ended(client, client.instance_id(pile), "rm workspace/pile/2 workspace/pile/3")
    assert row["state"] == "denied" and "at most 1 may" in row["note"]


def test_a_budgeted_key_makes_no_key_with_another_budget(inspecting, key_of):
    client = key_of("--delete-entries", "1")
    for permissions in ({"api": {"instance_write": {}}}, {"api": {"instance_write": {}}, "deletion_budget": {"entries": 1}}):
        answer = client.request("POST", "/api/v0/auth/apikeys/", body={"name": "more", "permissions": permissions})
        assert answer.status == 403, answer
    answer = client.request(
        "POST", "/api/v0/auth/apikeys/", body={"name": "reader", "permissions": {"api": {"instance_read": {}}, "writes": False}})
    assert answer.status == 200, answer
