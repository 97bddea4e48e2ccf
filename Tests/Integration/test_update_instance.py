"""Instances that are made anew from something else (contract.md, 3.5; docs/instances.md, "Another image, or other variables")."""

import json

import pytest

from harness.images import other_image
from harness.waiting import eventually

# Nobody listens there.
NOWHERE = "127.0.0.1:9/none:1"


@pytest.fixture(scope="module")
def other(home):
    return other_image(home.engine, home.engine.image("small"))


def update(client, identifier, **body):
    answer = client.request("PUT", f"/api/v0/instances/update_template/{identifier}/", body={"id": identifier, **body})
    assert answer.status == 200 and answer.json["success"] is True, answer
    assert answer.json["updated_instance"]["id"] == identifier
    return answer.json["updated_instance"]


def successor(made, identifier, container):
    """The container that an instance has instead of that one, once the old one is gone."""
    def found():
        name = made.row(identifier)["container_id"]
        return name not in (None, container.name) and len(made.containers().get(identifier, [])) == 1

    eventually("it has another container, and that alone", found, 60, every=0.1)
    return made.container(identifier)


def environment(container):
    return dict(pair.split("=", 1) for pair in container.inspect()["Config"]["Env"])


def test_another_image_and_other_variables(home, made, other):
    reply = made.make(env={"A": "1", "B": "2", "-v data:/data": "1"}, label="same", disk=9, onstart="echo old >/said")
    identifier, key = reply["new_contract"], reply["instance_api_key"]
    before = made.until(identifier, "running")
    old = made.container(identifier)
    old.shell("echo kept >/data/kept; echo lost >/home/lost")
    port = before["ports"]["22/tcp"][0]["HostPort"]

    row = update(home, identifier, image=other, env={"A": "3"}, onstart="echo new >/said")
    assert row["image_uuid"] == other
    new = successor(made, identifier, old)
    row = made.until(identifier, "running")
    told = environment(new)
    assert new.inspect()["Config"]["Image"].endswith(other) and told["MADE_OF"] == other
    assert told["A"] == "3" and "B" not in told
    assert (told["CONTAINER_API_KEY"], told["CONTAINER_ID"], told["VAST_TCP_PORT_22"]) == (key, str(identifier), port)
    eventually("it is reached where it was", lambda: made.row(identifier)["ports"] == before["ports"], every=0.1)
    assert (row["label"], row["disk_space"], row["image_uuid"]) == ("same", 9, other)
    assert dict(row["extra_env"])["A"] == "3" and "B" not in dict(row["extra_env"])
    assert new.exec("cat", "/data/kept").stdout == b"kept\n"
    assert b"lost" not in new.exec("ls", "/home").stdout
    eventually("its script has run", lambda: new.exec("cat", "/said", check=False).stdout == b"new\n", every=0.1)
    # The key is the same one, and still its own.
    shown = home.request("GET", f"/api/v0/instances/{identifier}/", key=key)
    assert shown.status == 200 and shown.json["instances"]["id"] == identifier

    # One that is stopped stays so.
    made.stop(identifier)
    update(home, identifier, env={"A": "4"})
    last = successor(made, identifier, new)
    assert environment(last)["A"] == "4" and not last.is_running
    made.start(identifier)
    assert last.exec("cat", "/data/kept").stdout == b"kept\n"
    made.destroy(identifier)
    volumes = home.engine.docker("volume", "ls", "--quiet").stdout.decode().split()
    assert not [name for name in volumes if name.endswith(f"-{identifier}-data")]


def test_an_image_that_cannot_be_had_ends_nothing(home, made, other):
    identifier = made.create(env={"A": "1"})
    old = made.container(identifier)
    update(home, identifier, image=NOWHERE)
    eventually("it says why", lambda: "cannot be pulled" in (made.row(identifier)["status_msg"] or ""), every=0.1)
    assert made.container(identifier).name == old.name and old.is_running
    assert home.run(identifier, "ls -d home")[0] == b"home\n"
    update(home, identifier, image=other)
    new = successor(made, identifier, old)
    made.until(identifier, "running")
    assert environment(new)["MADE_OF"] == other and environment(new)["A"] == "1"


def test_boathooks_own_verb(home, made, other):
    def boathook(*words, status=0):
        done = home.cli(*map(str, words))
        assert done.returncode == status, done
        return done.stdout.decode()

    identifier = made.create()
    old = made.container(identifier)
    said = boathook("update", "instance", identifier, "-i", other, "--env", "A=1", "--env", "-e B=2", "--onstart", "echo hi >/said", "--wait")
    assert said == f"update instance {identifier}\n"
    new = made.container(identifier)
    told = environment(new)
    assert new.name != old.name and new.is_running and (told["A"], told["B"], told["MADE_OF"]) == ("1", "2", other)
    reply = json.loads(boathook("update", "instance", identifier, "--env", '{"A": "9"}', "--json"))
    assert reply["success"] is True and reply["updated_instance"]["id"] == identifier
    new = successor(made, identifier, new)
    assert environment(new)["A"] == "9" and "B" not in environment(new)
    boathook("update", "instance", identifier, status=125)
    boathook("update", "instance", 99_999, "-i", other, status=1)
    boathook("update", "instance", identifier, "--env", "-v /etc:/x", status=64)
