"""An order to make an instance that comes again (docs/instances.md, "The same order twice")."""

import http.client
import re
import subprocess
import time

import pytest

from harness import making
from harness.boathook import BIN
from harness.cutter import Cutter
from harness.engine import run
from harness.fleet import Fleet
from harness.making import Instances


@pytest.fixture
def faults(tmp_path, monkeypatch):
    """A file here ends the process that comes to the step of its name (Sources/FaultPoints)."""
    folder = tmp_path / "faults"
    folder.mkdir()
    monkeypatch.setenv("BOATHOOK_FAULTS", str(folder))
    return folder


@pytest.fixture
def fleet(faults, roomy, tmp_path):
    fleet = Fleet(roomy, tmp_path, agent_flags=making.flags())
    yield fleet
    fleet.end()
    roomy.clear()


def killed(fleet, faults, ask):
    """A create whose server dies between the instance and the answer; it is back afterwards."""
    (faults / "server.instance-stored").touch()
    with pytest.raises((OSError, http.client.HTTPException)):
        ask()
    fleet.server.process.wait(60)
    assert not list(faults.iterdir()), "it died elsewhere"
    fleet.start_server()


def test_a_create_whose_server_was_killed_is_one_instance(fleet, faults):
    made = Instances(fleet)
    offer = made.offer
    for _ in range(3):
        began = time.monotonic()
        killed(fleet, faults, lambda: made.ask(offer, label="once"))
        other_body = made.make(offer, label="other")["new_contract"]
        reply = made.make(offer, label="once")
        # It is held for ten seconds, which a busy machine may spend on the server's start.
        if time.monotonic() - began < 9:
            break
        made.destroy(*(row["id"] for row in fleet.instances()))
    identifier = reply["new_contract"]
    assert {row["id"] for row in fleet.instances()} == {identifier, other_body}
    made.until(identifier, "running", 60)
    # Its own key is the one that it has.
    assert reply["instance_api_key"].encode() in made.container(identifier).exec("env").stdout
    mine = fleet.request("GET", f"/api/v0/instances/{identifier}/", key=reply["instance_api_key"])
    assert mine.status == 200 and mine.json["instances"]["id"] == identifier

    # Now that its maker knows of it, an equal order is another one.
    assert made.make(offer, label="once")["new_contract"] not in (identifier, other_body)
    told = run(BIN / "boathook", "admin", "audit", "show", "--json", "--data-dir", fleet.data).stdout.decode()
    mine = {str(row["id"]) for row in fleet.instances()}
    again = [line for line in told.splitlines() if '"detail":"repeated"' in line and re.search(r'"instance":(\d+)', line)[1] in mine]
    assert len(again) == 1 and f'"instance":{identifier}' in again[0], again
    made.destroy(*(row["id"] for row in fleet.instances()))


def test_a_named_create_is_one_instance_whatever_happens(fleet, faults):
    made = Instances(fleet)
    offer, named = made.offer, {"headers": {"Idempotency-Key": "once"}}

    def ask(**body):
        return fleet.request("PUT", f"/api/v0/asks/{offer}/", body={"image": made.image, **body}, **named)

    killed(fleet, faults, ask)
    replies = making.together(8, lambda _: ask())
    assert {answer.status for answer in replies} == {200}
    [identifier] = {answer.json["new_contract"] for answer in replies}
    made.until(identifier, "running", 60)
    assert ask(label="another").json["error"] == "idempotency_mismatch"
    made.destroy(identifier)
    assert ask().json["new_contract"] == identifier, "it was made, though it is gone"
    assert fleet.instances() == []


def test_the_command_line_sends_a_create_again(fleet):
    made = Instances(fleet)
    offer = made.offer
    words = ["--image", made.image, "--label", "once"]
    calls = [["create", "instance", offer], ["create", "instances", offer, offer], ["launch", "instance", "--cpu"]]
    for call, count in zip(calls, (1, 2, 1), strict=True):
        before = {row["id"] for row in fleet.instances()}
        with Cutter(fleet.url, [100]) as cutter:
            environment = {"PATH": "/usr/bin:/bin", "HOME": str(fleet.folder), "BOATHOOK_URL": cutter.url, "BOATHOOK_API_KEY": fleet.key}
            done = subprocess.run(
                [BIN / "boathook", *map(str, call), *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
            assert done.returncode == 0, done
            assert cutter.made == 1
        new = {row["id"] for row in fleet.instances()} - before
        assert len(new) == count and done.stdout.decode().split()[1::2] == [str(identifier) for identifier in sorted(new)]
    made.destroy(*(row["id"] for row in fleet.instances()))
