"""What `boathook` does with an account's keys, variables and schedules, and shows of machines (docs/cli.md)."""

import json
import re

import pytest

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
    row = eventually("its port is told", lambda: (found := made.row(int(one)))["ports"].get("22/tcp") and found, 10)
    port = row["ports"]["22/tcp"][0]["HostPort"]
    assert boathook("ssh-url", one) == f"ssh://root@{row['public_ipaddr']}:{port}\n"
    assert boathook("scp-url", one) == f"scp://root@{row['public_ipaddr']}:{port}\n"
    assert f"22/tcp           {row['public_ipaddr']}:{port}" in boathook("show", "instance", one)
    other = str(made.create(runtype="args", args=["/usr/bin/bash", "-c", "trap 'exit 0' TERM; sleep infinity & wait"]))
    boathook("ssh-url", other, status=1)
