"""Thousands of commands in a row leave nothing behind: no descriptor, no mount, no process, no memory.

`BOATHOOK_MANY` is how many, by default 3,000: 10,000 take some minutes in a debug build.
"""

import http.client
import json
import os
import time
import urllib.parse

import pytest

from harness import jailed, usage
from harness.waiting import eventually

MANY = int(os.environ.get("BOATHOOK_MANY", "3000"))
FIRST = 1000


class Caller:
    """One connection that is kept."""

    def __init__(self, client, instance):
        parts = urllib.parse.urlsplit(client.url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=90)
        self.path = f"/api/v0/instances/command/{instance}/"
        self.headers = {
            "Authorization": f"Bearer {client.key}", "Content-Type": "application/json", "Prefer": "wait=60"}

    def run(self, command):
        """The command's row, ended."""
        self.connection.request("PUT", self.path, body=json.dumps({"command": command}), headers=self.headers)
        answer = self.connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200 and body["result"]["final"], body
        return body["result"]


class Held:
    """What a process and the host hold."""

    def __init__(self, processes):
        pids = [process.pid for process in processes.values()]
        self.descriptors = [usage.descriptors(pid) for pid in pids]
        self.threads = [usage.threads(pid) for pid in pids]
        self.memory = [usage.resident_mebibytes(pid) for pid in pids]
        # Containers of others come and go on the host meanwhile; a process may have none of its own.
        hosts = points("self")
        self.host_mounts = len(hosts)
        self.own_mounts = [points(pid) - hosts for pid in pids]
        self.below = [len(jailed.descendants(pid)) for pid in pids]

    def __repr__(self):
        return str(vars(self))

    def is_as_much_as(self, before):
        """Whether nothing was left since then."""
        return (
            all(abs(a - b) <= 3 for name in ("descriptors", "threads") for a, b in zip(getattr(before, name), getattr(self, name)))
            and before.below == self.below and all(b - a < 30 for a, b in zip(before.memory, self.memory))
            and before.own_mounts == self.own_mounts and self.host_mounts < before.host_mounts + 100)


def points(pid):
    return {line.split()[4] for line in usage.mounts(pid)}


def at_rest(client):
    """Once no tool and no output is left."""
    (spool,) = client.data.parent.rglob("spool")

    def is_at_rest():
        names = [path.name for path in spool.iterdir() if not path.name.startswith(".")]
        tools = [pid for tool in ("ls", "rm", "du") for pid in jailed.running(client.agent_pid, tool)]
        return not names and not tools

    eventually("no spool and no tool is left", is_at_rest)
    return Held(client.processes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["up", "fleet"])
def test_nothing_is_left_behind(request, new_container, kind):
    # Two processes have the same tools below them; a shorter series shows what the link leaves.
    many = MANY if kind == "up" else min(MANY, 2 * FIRST)
    container = new_container()
    container.shell(f"mkdir -p /home/many; cd /home/many; touch {{0..{many}..10}}")
    client = request.getfixturevalue("start_" + kind)()
    caller = Caller(client, client.instance_id(container))
    expected = container.exec("ls", "/home").stdout.decode()

    began, held = time.monotonic(), None
    for number in range(many):
        if number == FIRST:
            held = at_rest(client)
        if number % 10:
            row = caller.run("ls home")
            assert row["stdout"] == expected
        else:
            row = caller.run(f"rm home/many/{number}")
        assert (row["state"], row["exit_code"]) == ("exited", 0), row
    assert container.exec("ls", "/home/many").stdout.split() == [str(many).encode()]

    took, after = time.monotonic() - began, at_rest(client)
    # What comes and goes by itself does so at any moment: what is left stays.
    def is_as_before():
        nonlocal after
        after = at_rest(client)
        return after.is_as_much_as(held)

    if not after.is_as_much_as(held):
        eventually(f"it holds as much as before: {held}, not {after}", is_as_before, 20, every=0.2)
    print(f"{many} commands in {took:.0f} s: {held} then {after}")
    assert not [point for point in points("self") if point.startswith(str(client.folder))]
