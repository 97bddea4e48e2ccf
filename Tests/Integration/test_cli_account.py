"""What `boathook` does with an account's keys, variables and schedules, and shows of machines (docs/cli.md)."""

import json
import re

import pytest

from harness.boathook import BIN
from harness.engine import run
from harness.verbs import Verbs
from harness.waiting import eventually

NO_SUCH = "99999999"


@pytest.fixture
def boathook(home):
    return Verbs(home)


def test_ssh_keys(boathook, tmp_path):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "cli", "-f", tmp_path / "key")
    text = (tmp_path / "key.pub").read_text().strip()
    identifiers = []
    said = boathook("create", "ssh-key", tmp_path / "key.pub")
    identifiers.append(re.fullmatch(r"ssh-key (\d+)\n", said)[1])
    assert text in boathook("show", "ssh-keys")
    assert [row["public_key"] for row in json.loads(boathook("show", "ssh-keys", "--json"))] == [text]
    # A private key goes nowhere, whichever way it is given.
    for word in (tmp_path / "key", (tmp_path / "key").read_text()):
        assert "private key" in boathook("create", "ssh-key", word, status=64)
    boathook("create", "ssh-key", "ssh-ed25519 nonsense", status=125)
    boathook("delete", "ssh-key", identifiers[0])
    boathook("delete", "ssh-key", identifiers[0], status=1)
    assert len(boathook("show", "ssh-keys").splitlines()) == 1


def test_a_key_of_one_instance(made, boathook, tmp_path):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "cli", "-f", tmp_path / "key")
    one = str(made.create())
    assert boathook("attach", "ssh", one, tmp_path / "key.pub") == "SSH key added to instance.\n"
    assert "already" in boathook("attach", "ssh", one, (tmp_path / "key.pub").read_text(), status=1)
    assert "private key" in boathook("attach", "ssh", one, tmp_path / "key", status=64)
    boathook("attach", "ssh", NO_SUCH, tmp_path / "key.pub", status=1)
    reply = made.client.request("GET", f"/api/v0/instances/{one}/ssh/").json
    text = (tmp_path / "key.pub").read_text().strip()
    [key] = [row for row in json.loads(reply["ssh_keys"]) if row["public_key"] == text]
    boathook("detach", "ssh", one, str(key["id"]))
    boathook("detach", "ssh", one, str(key["id"]), status=1)
    boathook("detach", "ssh", NO_SUCH, str(key["id"]), status=1)
    if str(key["id"]) in boathook("show", "ssh-keys"):
        boathook("delete", "ssh-key", str(key["id"]))


def test_api_keys(home, boathook, tmp_path):
    (tmp_path / "reads.json").write_text(
        '{"api": {"instance_read": {}, "user_write": {}}, "paths": ["/workspace"], "writes": false}')
    said = boathook("create", "api-key", "--name", "reads", "--permission_file", tmp_path / "reads.json")
    number, key = re.fullmatch(r"api-key (\d+) (\S+)\n", said).groups()
    row = json.loads(boathook("show", "api-key", number, "--json"))
    assert (row["id"], row["name"], row["key"]) == (int(number), "reads", None) and row["permissions"]["paths"] == ["/workspace"]
    assert "everything" in boathook("show", "api-keys") and '"/workspace"' in boathook("show", "api-key", number)
    boathook("show", "instances", BOATHOOK_API_KEY=key)

    # The old one is useless at once. The new one is kept where the old one was.
    config = tmp_path / "config/boathook/api-key"
    config.parent.mkdir(parents=True)
    config.write_text(key + "\n")
    environment = {"BOATHOOK_API_KEY": None, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    environment = {name: value for name, value in {**home.environment(), **environment}.items() if value is not None}
    done = run(BIN / "boathook", "reset", "api-key", env=environment, timeout=30)
    new = re.match(rb"api-key (\S+)\nkept in ", done.stdout)[1].decode()
    assert new != key and config.read_text() == new + "\n" and config.stat().st_mode & 0o077 == 0
    boathook("show", "instances", status=125, BOATHOOK_API_KEY=key)
    boathook("show", "instances", BOATHOOK_API_KEY=new)
    assert re.fullmatch(r"api-key (\S+)\n", boathook("reset", "api-key", BOATHOOK_API_KEY=new))

    assert boathook("delete", "api-key", number) == f"deleted api-key {number}\n"
    boathook("delete", "api-key", number, status=1)
    boathook("show", "api-key", NO_SUCH, status=1)
    boathook("create", "api-key", "--name", "x", "--permission_file", "/no/such/file", status=64)
    (tmp_path / "twice.json").write_text('{"api": {}, "api": {"instance_read": {}}}')
    boathook("create", "api-key", "--name", "x", "--permission_file", tmp_path / "twice.json", status=64)
    (tmp_path / "nonsense.json").write_text('{"api": {"nonsense": {}}}')
    boathook("create", "api-key", "--name", "x", "--permission_file", tmp_path / "nonsense.json", status=125)


def test_what_was_done_and_from_where(made, boathook):
    one = made.create(label="watched")
    boathook("label", "instance", str(one), "other")
    rows = json.loads(boathook("show", "audit-logs", "--limit", "5", "--json"))
    assert len(rows) == 5 and any(row["args"].get("instance_id") == one for row in rows)
    table = boathook("show", "audit-logs", "--limit", "3").splitlines()
    assert table[0].split() == ["ID", "TIME", "KEY", "FROM", "EVENT", "WHAT"] and len(table) == 4
    assert "127.0.0.1" in boathook("show", "ipaddrs").splitlines()[1]


def test_variables(made, boathook):
    boathook("set", "env", "CLI_ONE=1", "CLI_TWO=two")
    boathook("create", "env-var", "CLI_THREE", "three")
    assert boathook("show", "env") == boathook("show", "env-vars") == "CLI_ONE\nCLI_THREE\nCLI_TWO\n"
    assert "three" not in boathook("show", "env", "--json")
    environment = made.container(made.create(env={"CLI_TWO": "mine"})).inspect()["Config"]["Env"]
    assert {"CLI_ONE=1", "CLI_TWO=mine", "CLI_THREE=three"} <= set(environment)
    boathook("unset", "env", "CLI_ONE", "CLI_TWO")
    boathook("delete", "env-var", "CLI_THREE")
    boathook("unset", "env", "CLI_ONE", status=1)
    assert boathook("show", "env") == ""


def test_schedules(made, boathook):
    one = str(made.create())
    said = boathook("create", "schedule", one, "du -d1 -h workspace", "--daily", "--hour", "3", "--minute", "7")
    first = re.fullmatch(r"schedule (\d+)\n", said)[1]
    # The same as often is one job.
    assert first in boathook("create", "schedule", one, "du -d1 -h workspace", "--daily", "--hour", "3", status=1)
    second = re.fullmatch(r"schedule (\d+)\n", boathook("create", "scheduled-job", one, "--reboot", "--weekly", "--day", "2", "--hour", "4"))[1]
    rows = {line.split()[0]: line for line in boathook("show", "schedules").splitlines()[1:]}
    assert "daily 03:07" in rows[first] and rows[first].endswith("du -d1 -h workspace")
    assert "weekly Tue 04:00" in rows[second] and rows[second].endswith("reboot")
    assert {row["id"] for row in json.loads(boathook("show", "scheduled-jobs", "--json"))} >= {int(first), int(second)}
    for job in (first, second):
        boathook("delete", "schedule", job)
    boathook("delete", "schedule", first, status=1)
    # What may not be run may not be scheduled.
    boathook("create", "schedule", one, "rm -rf /", "--hourly", status=125)
    boathook("create", "schedule", NO_SUCH, "ls", "--hourly", status=1)


def test_machines(home, made, boathook):
    [machine] = json.loads(boathook("show", "machines", "--json"))
    table = boathook("show", "machines").splitlines()
    assert table[1].split()[0] == str(machine["id"]) and machine["hostname"] in table[1]
    assert f"hostname         {machine['hostname']}" in boathook("show", "machine", str(machine["id"]))
    assert boathook("show", "offers").splitlines()[1].split()[0] == str(made.offer)


def test_the_way_in_by_ssh(made, boathook):
    one = str(made.create(runtype="ssh_direc ssh_proxy"))
    row = eventually("its port is told", lambda: (found := made.row(int(one)))["ports"].get("22/tcp") and found)
    port = row["ports"]["22/tcp"][0]["HostPort"]
    assert boathook("ssh-url", one) == f"ssh://root@{row['public_ipaddr']}:{port}\n"
    assert boathook("scp-url", one) == f"scp://root@{row['public_ipaddr']}:{port}\n"
    assert f"22/tcp           {row['public_ipaddr']}:{port}" in boathook("show", "instance", one)
    other = str(made.create(runtype="args", args=["/usr/bin/bash", "-c", "trap 'exit 0' TERM; sleep infinity & wait"]))
    boathook("ssh-url", other, status=1)
