"""Unchanged official clients execute on a running and on a stopped container (contract.md, 1.2)."""

import json
import threading
import time

import pytest

from harness import jailed
from harness.reference import gnu
from harness.sdk import EXECUTE_06, EXECUTE_1, SDK_06, SDK_1

COMMANDS = ["ls -l -o -r home", "du -d2 -h workspace", "ls -lR workspace"]


@pytest.mark.parametrize("command", COMMANDS)
def test_cli_050(official, up, either, command):
    done = official.cli("0.5.0", up, "execute", up.instance_id(either), command)
    assert done.returncode == 0, done
    assert done.stdout == gnu(either, *command.split())[0] + b"\n"  # its own print


@pytest.mark.parametrize("command", COMMANDS)
def test_sdk_1(official, up, either, command):
    text = official.python("1.9.1", up, EXECUTE_1, up.instance_id(either), command)
    assert text.encode() == gnu(either, *command.split())[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_sdk_06(official, up, either, command):
    text = official.python("sdk-0.6.0", up, EXECUTE_06, up.instance_id(either), command)
    assert text.encode() == gnu(either, *command.split())[0] + b"\n"


def test_each_removes_a_file_and_a_stopped_container_starts_without_it(official, up, new_container):
    container = new_container()
    container.shell("touch /home/one /home/two /home/three")
    container.stop()
    identifier = up.instance_id(container, "exited")
    assert official.cli("0.5.0", up, "execute", identifier, "rm -r home/one").stdout == b"\n"
    assert official.python("1.9.1", up, EXECUTE_1, identifier, "rm -r home/two") == ""
    official.python("sdk-0.6.0", up, EXECUTE_06, identifier, "rm -r home/three")
    container.start()
    assert container.exec("ls", "/home").stdout.split() == [b"maria"]


# Refusals

def test_refusals_reach_the_person(official, up, either):
    identifier = up.instance_id(either)
    done = official.cli("0.5.0", up, "execute", identifier, "cat /etc/passwd")
    assert done.returncode == 0 and b"failed with error 400: Invalid command given." in done.stdout
    done = official.cli("1.9.1", up, "execute", identifier, "cat /etc/passwd")
    assert b"ailed with error 400: Invalid command given." in done.stdout + done.stderr
    failed = SDK_1 + """
import requests
try:
    client.execute(id=int(sys.argv[1]), command="rm -rf /")
except requests.HTTPError as error:
    print(json.dumps([error.response.status_code, error.response.json()["msg"]]))
"""
    status, msg = official.python("1.9.1", up, failed, identifier)
    assert status == 400 and msg.startswith("Invalid command given.")
    assert official.python("sdk-0.6.0", up, EXECUTE_06, identifier, "cat /etc/passwd") == ""


@pytest.mark.slow
def test_the_limit_of_vast_strict_only_slows_them(official, start_up, stopped):
    up = start_up("--compatibility", "vast-strict")
    identifier = up.instance_id(stopped, "exited")
    time.sleep(1.6)
    for _ in range(2):  # 1.9.1 waits as long as Retry-After says
        text = official.python("1.9.1", up, EXECUTE_1, identifier, "ls home")
        assert text.encode() == gnu(stopped, "ls", "home")[0]


# Slow commands

def frozen_for(up, seconds, program="du"):
    """Stops the next jailed program as soon as it runs, and lets it go on after `seconds`."""
    outcome = {}

    def watch():
        pid = jailed.freeze(up.process.pid, program, seconds=60)
        outcome["pid"] = pid
        if pid:
            time.sleep(seconds)
            jailed.thaw(pid)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread, outcome


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.9.1", "sdk-0.6.0"])
def test_a_command_of_20_seconds_is_delivered(official, up, many_files, version):
    identifier = up.instance_id(many_files)
    expected = many_files.exec("du", "-a", "many").stdout.decode()
    for _ in range(5):
        thread, outcome = frozen_for(up, 20)
        started = time.monotonic()
        script = EXECUTE_1 if version == "1.9.1" else EXECUTE_06
        text = official.python(version, up, script, identifier, "du -a many")
        took = time.monotonic() - started
        assert text.rstrip("\n") == expected.rstrip("\n")
        thread.join(81)
        if outcome.get("pid"):
            break
    assert took >= 20


# Names beyond ASCII

@pytest.mark.parametrize("version", ["0.5.0", "1.9.1", "sdk-0.6.0"])
def test_names_beyond_ascii(official, up, new_container, version):
    container = new_container()
    container.shell("touch $'/home/h\\303\\251llo \\342\\234\\223'")
    identifier = up.instance_id(container)
    if version == "0.5.0":
        text = official.cli(version, up, "execute", identifier, "ls home").stdout.decode()
    else:
        text = official.python(version, up, EXECUTE_1 if version == "1.9.1" else EXECUTE_06, identifier, "ls home")
    assert text.splitlines()[0] == "héllo ✓"


# Listings

@pytest.mark.parametrize("version", ["0.5.0", "1.9.1"])
def test_cli_listings(official, up, running, stopped, version):
    ids = {up.instance_id(running): "running", up.instance_id(stopped): "exited"}
    done = official.cli(version, up, "show", "instances", "--raw")
    assert done.returncode == 0, done
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    for identifier, status in ids.items():
        assert rows[identifier]["actual_status"] == status
    table = official.cli(version, up, "show", "instances")
    assert table.returncode == 0, table
    assert all(str(identifier).encode() in table.stdout for identifier in ids)
    for identifier in ids:
        one = official.cli(version, up, "show", "instance", identifier, "--raw")
        assert one.returncode == 0, one
        assert json.loads(one.stdout)["id"] == identifier


@pytest.mark.parametrize("version", ["0.5.0", "1.9.1"])
def test_cli_show_user(official, up, version):
    done = official.cli(version, up, "show", "user", "--raw")
    assert done.returncode == 0, done
    user = json.loads(done.stdout)
    assert user["id"] and "api_key" not in user and up.key not in done.stdout.decode()
    assert official.cli(version, up, "show", "user").returncode == 0


def test_sdk_listings(official, up, running, stopped):
    ids = {up.instance_id(running), up.instance_id(stopped)}
    listed = "print(json.dumps([row['id'] for row in client.show_instances()]))"
    assert ids <= set(official.python("1.9.1", up, SDK_1 + listed))
    assert ids <= set(official.python("sdk-0.6.0", up, SDK_06 + listed))
    shown = SDK_1 + "print(json.dumps(client.show_instance(int(sys.argv[1]))))"
    assert official.python("1.9.1", up, shown, up.instance_id(running))["actual_status"] == "running"


def test_more_than_one_page_of_instances(official, up, engine, new_container):
    from harness.waiting import eventually

    names = set()
    while len(names) < 26:  # clients ask for 25 at a time
        container = new_container()
        container.kill()
        names.add(container.name)
    eventually("all are listed", lambda: names <= {row["label"] for row in up.instances()})
    listed = SDK_1 + "print(json.dumps([row['label'] for row in client.show_instances()]))"
    assert names <= set(official.python("1.9.1", up, listed))
