"""What creates and changes are refused, in which words, and for whom (contract.md, 3.5 and 4)."""

import pytest

from harness.boathook import Client
from harness.making import Instances
from harness.orders import output
from harness.waiting import eventually

NO_SUCH = 99_999_999


@pytest.fixture(scope="module")
def one(home):
    """An instance that runs, and that no test of this file changes for good."""
    return Instances(home).create(label="one")


def refused(answer, status, error, words=""):
    """Every error is an object with these three (contract.md, 0.3)."""
    assert answer.status == status, answer
    body = answer.json
    assert body["success"] is False and body["error"] == error and body["msg"], answer
    assert words in body["msg"], answer


# Creates

INVALID = [
    ({"image": None}, "image"),
    ({"image": ""}, "image"),
    ({"image": 7}, "image"),
    ({"image": "two words"}, "image"),
    ({"image": "x" * 1025}, "image"),
    ({"env": ["A=1"]}, "env"),
    ({"env": "-e A"}, "NAME=VALUE"),
    ({"env": "A=1"}, "A=1"),
    ({"env": {"1A": "x"}}, "1A"),
    ({"env": {"A=B": "x"}}, "A=B"),
    ({"env": {"A": ["x"]}}, "A"),
    ({"env": {"A": "a\0b"}}, "NUL"),
    ({"env": {"A": "x" * 40_000}}, "bytes"),
    ({"env": {"-v /etc:/etc": "1"}}, "/etc"),
    ({"env": {"-v ../x:/x": "1"}}, "../x"),
    ({"env": {"-v data:/a/../../b": "1"}}, "data"),
    ({"env": {"-v data": "1"}}, "data"),
    ({"env": {"-p 8080": "1", "-p 0:0": "1"}}, "0:0"),
    ({"env": {"-p 8080:99999": "1"}}, "99999"),
    ({"env": {"-p 80:80/sctp": "1"}}, "sctp"),
    ({"env": {"-n net1": "1"}}, "-n"),
    ({"env": {"--privileged x": "1"}}, "--privileged"),
    ({"env": "--privileged true"}, "--privileged"),
    ({"env": "--pid host"}, "--pid"),
    ({"env": "-e 'A=1"}, "quote"),
    ({"env": {"-h": "two words"}}, "-h"),
    ({"image": "sha256:0123456789abcdef"}, "image"),
    ({"runtype": "args", "user": "no body"}, "user"),
    ({"runtype": "ssh", "user": "nobody"}, "user is for runtype args"),
    ({"disk": 0}, "from 8 to 1,000,000"),
    ({"disk": "much"}, "disk"),
    ({"disk": -1}, "disk"),
    ({"disk": 1e9}, "disk"),
    ({"disk": True}, "disk"),
    ({"label": "x" * 257}, "label"),
    ({"label": 7}, "label"),
    ({"runtype": "rocket"}, "rocket"),
    ({"runtype": "ssh", "use_ssh": True}, "runtype and use_ssh cannot both be set"),
    ({"runtype": "ssh", "args": ["x"]}, "args"),
    ({"runtype": "args", "args": ["x", 7]}, "args"),
    ({"runtype": "args", "args": "x"}, "args"),
    ({"runtype": "args", "args_str": "'x"}, "args_str"),
    ({"onstart": "x" * 16_385}, "onstart"),
    ({"onstart": "a\0b"}, "NUL"),
    ({"onstart": ["x"]}, "onstart"),
    ({"target_state": "flying"}, "target_state"),
    ({"image_login": "bob"}, "image_login"),
    ({"image_login": "-u bob"}, "image_login"),
    ({"template_hash_id": "661d064b"}, "emplate"),
    ({"template_id": 7}, "emplate"),
    ({"vm": True}, "machine"),
    ({"volume_info": {"create_new": True, "volume_id": 1, "size": 15, "mount_path": "/x"}}, "volume"),
]


@pytest.mark.parametrize("body, words", INVALID, ids=[str(body)[:40] for body, _ in INVALID])
def test_creates_that_are_invalid(home, made, one, body, words):
    before = home.instances()
    refused(made.ask(**body), 400, "invalid_args", words)
    assert {row["id"] for row in home.instances()} == {row["id"] for row in before}


def test_an_invalid_price(made):
    refused(made.ask(price=0.2), 400, "invalid_price")


def test_clients_send_what_was_not_asked_for_as_null_or_false(made):
    identifier = made.create(**{
        "price": None, "label": None, "extra": None, "onstart": None, "image_login": None, "python_utf8": False,
        "lang_utf8": False, "use_jupyter_lab": False, "jupyter_dir": None, "force": False, "cancel_unavail": False,
        "template_hash_id": None, "user": None, "env": {}, "disk": 10, "runtype": "ssh", "something_new": {"x": 1},
    })
    assert made.row(identifier)["label"] is None
    made.destroy(identifier)


def test_bodies_that_are_no_object(home, made):
    path = f"/api/v0/asks/{made.offer}/"
    for body in ("{", "[]", "7", '"x"', '{"image": "a", "image": "b"}'):
        answer = home.request("PUT", path, body=body, headers={"Content-Type": "application/json"})
        assert answer.status == 483, answer
        assert (answer.json["error"], answer.json["msg"]) == ("invalid_args", "Invalid json_body")


def test_an_offer_that_is_none(made):
    for method in ("PUT", "POST"):
        refused(made.ask(NO_SUCH, method), 404, "no_such_ask", "is not available.")
        refused(made.ask(NO_SUCH, method, cancel_unavail=True), 410, "no_such_ask", "is not available.")
    assert made.ask(NO_SUCH).json["ask_id"] == NO_SUCH
    refused(made.ask("abc"), 400, "invalid_args")


def test_post_is_put(made):
    answer = made.ask(method="POST")
    assert answer.status == 200 and answer.json["success"] is True
    made.destroy(answer.json["new_contract"])


def test_several_at_once(home, made):
    def bulk(ids, **body):
        return home.request("POST", "/api/v0/asks/bulk/", body={"image": made.image, "ids": ids, **body})

    answer = bulk([made.offer, NO_SUCH, made.offer])
    assert answer.status == 200, answer
    reply = answer.json
    assert reply["success"] is True and reply["failed"] == [NO_SUCH] and len(set(reply["created"])) == 2
    assert [item["success"] for item in reply["results"]] == [True, False, True]
    assert [item["ask_id"] for item in reply["results"]] == [made.offer, NO_SUCH, made.offer]
    assert reply["results"][1]["error"] == "no_such_ask" and reply["results"][1]["msg"]
    assert [reply["results"][at]["new_contract"] for at in (0, 2)] == reply["created"]
    assert reply["elapsed"] >= 0
    for identifier in reply["created"]:
        made.until(identifier, "running")
    made.destroy(*reply["created"])

    nothing = bulk([NO_SUCH, NO_SUCH + 1])
    assert nothing.status == 400 and nothing.json["success"] is False and nothing.json["created"] == []
    refused(bulk([]), 400, "invalid_args", "ids")
    refused(bulk(None), 400, "invalid_args", "ids")
    refused(bulk([made.offer] * 65), 400, "invalid_args", "chunk length of 65 > 64")
    refused(bulk([made.offer], runtype="rocket"), 400, "invalid_args", "rocket")


def test_search_and_create_in_one(home, made):
    def launch(query, **body):
        return home.request("PUT", "/api/v0/launch_instance/", body={"image": made.image, "q": query, **body})

    query = {"verified": {"eq": True}, "rentable": {"eq": True}, "num_gpus": {"eq": "0"}, "order": [["score", "desc"]],
             "type": "on-demand", "allocated_storage": 10, "limit": 3}
    answer = launch(query, disk=10)
    assert answer.status == 200 and set(answer.json) == {"success", "new_contract", "instance_api_key"}, answer
    made.until(answer.json["new_contract"], "running")
    made.destroy(answer.json["new_contract"])
    none = launch({"num_gpus": {"eq": "64"}})
    assert none.status == 200 and none.json["success"] is False and none.json["error"] == "offer_not_found"
    assert none.json["msg"] and none.json["message"]
    refused(launch(None), 400, "invalid_args", "q")
    refused(launch({"num_gpus": {"about": 2}}), 400, "invalid_request", "about")


# Changes

def test_changes_that_are_invalid(home, made, one):
    for identifier in (one, NO_SUCH):
        refused(made.change(identifier, state="flying"), 400, "invalid_args", "Invalid target state")
        refused(made.change(identifier, state=None), 400, "invalid_args")
        refused(made.change(identifier), 400, "invalid_args")
        refused(made.change(identifier, label="x" * 1025), 400, "label_too_long")
        refused(made.change(identifier, label=7), 400, "invalid_args")
    refused(made.change(NO_SUCH, state="running"), 404, "no_such_instance")
    refused(made.change(NO_SUCH, label="x"), 404, "no_such_instance")
    refused(made.order_destroy(NO_SUCH), 404, "no_such_instance")
    for method in ("PUT", "DELETE"):
        refused(home.request(method, "/api/v0/instances/abc/", body={"state": "running"}), 400, "invalid_args")
    row = made.row(one)
    assert (row["actual_status"], row["label"]) == ("running", "one")


@pytest.mark.parametrize("word, words", [("reboot", "Invalid instance id. Is the container started?"), ("recycle", "Invalid instance id.")])
def test_reboot_and_recycle_of_nothing(home, made, word, words):
    """Upstream's 200 that is none."""
    answer = made.verb(word, NO_SUCH)
    assert (answer.status, answer.json) == (200, {"success": False, "error": "invalid_id", "msg": words})
    refused(home.request("PUT", f"/api/v0/instances/{word}/abc/", body={}), 400, "invalid_args")


def test_reboot_of_what_does_not_run(made):
    identifier = made.create()
    made.stop(identifier)
    answer = made.verb("reboot", identifier)
    assert (answer.status, answer.json["success"], answer.json["error"]) == (200, False, "invalid_id")
    assert not made.container(identifier).is_running
    made.destroy(identifier)


def test_changes_of_several(home, made):
    def bulk(method, **body):
        return home.request(method, "/api/v0/instances/", body=body)

    refused(bulk("PUT", state="running"), 400, "invalid_args", "ids list required")
    refused(bulk("PUT", state="running", ids=[]), 400, "invalid_args", "ids list required")
    refused(bulk("PUT", state="running", ids=list(range(1, 66))), 400, "invalid_args", "chunk length of 65 > 64")
    refused(bulk("PUT", state="flying", ids=[1]), 400, "invalid_args", "Invalid target state")
    refused(bulk("PUT", state="running", ids=[NO_SUCH]), 404, "not_found", "Invalid instance ID list ids.")
    refused(bulk("DELETE"), 400, "invalid_args", "instance_ids array is required")
    refused(bulk("DELETE", instance_ids=[NO_SUCH]), 404, "instances_not_found")

    ids = [made.make()["new_contract"] for _ in range(3)]
    for identifier in ids:
        made.until(identifier, "running")
    assert bulk("PUT", state="stopped", ids=[*ids, NO_SUCH]).json == {"success": True}
    for identifier in ids:
        made.until(identifier, "exited")
    assert bulk("PUT", state="running", ids=[str(identifier) for identifier in ids]).json == {"success": True}
    for identifier in ids:
        made.until(identifier, "running")
    # Clients send this again and again (contract.md, 3.5): gone is gone.
    for _ in range(6):
        assert bulk("DELETE", instance_ids=ids).json["success"] is True
    eventually("nothing is left of them", lambda: not set(ids) & set(made.containers()), 60, every=0.1)
    assert all(made.row(identifier) is None for identifier in ids)
    refused(bulk("PUT", state="running", ids=ids), 404, "not_found")


# Whose they are

def test_no_account_changes_anothers(home, made, one):
    other = home.other_user("neighbour")
    theirs = Instances(other)
    assert theirs.row(one) is None and other.instances() == []
    refused(theirs.change(one, state="stopped"), 404, "no_such_instance")
    refused(theirs.change(one, label="mine"), 404, "no_such_instance")
    refused(theirs.order_destroy(one), 404, "no_such_instance")
    for word in ("reboot", "recycle"):
        assert theirs.verb(word, one).json["success"] is False
    body = {"state": "stopped", "ids": [one]}
    assert other.request("PUT", "/api/v0/instances/", body=body).status == 404
    assert other.request("DELETE", "/api/v0/instances/", body={"instance_ids": [one]}).status == 404

    # Theirs stay theirs, whatever becomes of the agent's memory.
    identifier = theirs.create(label="theirs")
    home.process.kill()
    home.start()
    eventually("it is listed again", lambda: theirs.row(identifier)["actual_status"] == "running")
    assert [row["id"] for row in other.instances()] == [identifier]
    assert identifier not in [row["id"] for row in home.instances()]
    theirs.destroy(identifier)
    assert (made.row(one)["actual_status"], made.row(one)["label"]) == ("running", "one")


def test_an_instances_own_key_reaches_itself_alone(home, made, one):
    reply = made.make()
    identifier = reply["new_contract"]
    made.until(identifier, "running")
    itself = Instances(Client(home.url, reply["instance_api_key"], home.engine))
    assert itself.row(identifier)["id"] == identifier and itself.row(one) is None
    assert itself.client.request("GET", "/api/v0/instances/").status == 403
    assert itself.change(one, state="stopped").status in (403, 404)
    assert itself.order_destroy(one).status in (403, 404)
    assert itself.ask(made.offer).status == 403
    for path in ("/api/v0/users/current/", "/api/v0/auth/apikeys/", "/api/v0/ssh/", "/api/v0/secrets/"):
        assert itself.client.request("GET", path).status == 403, path
    assert itself.client.put_command(identifier, "ls").status == 403
    itself.stop(identifier)
    itself.start(identifier)
    answer = itself.order_destroy(identifier)
    assert answer.status == 200, answer
    eventually("it is gone", lambda: made.row(identifier) is None and identifier not in made.containers(), 60, every=0.1)
    # The key of nothing opens nothing.
    assert itself.client.request("GET", f"/api/v0/instances/{identifier}/").status in (200, 401)
    assert made.row(one)["actual_status"] == "running"


def test_nothing_without_a_key(home, made, one):
    for method, path in (
        ("PUT", f"/api/v0/asks/{made.offer}/"), ("POST", "/api/v0/asks/bulk/"), ("PUT", "/api/v0/launch_instance/"),
        ("PUT", f"/api/v0/instances/{one}/"), ("DELETE", f"/api/v0/instances/{one}/"), ("PUT", "/api/v0/instances/"),
        ("DELETE", "/api/v0/instances/"), ("PUT", f"/api/v0/instances/reboot/{one}/"),
        ("PUT", f"/api/v0/instances/recycle/{one}/"), ("GET", "/api/v0/machines"),
    ):
        assert home.request(method, path, key=None, body={}).status == 401, path


# What somebody else made

def test_adopted_containers_are_stopped_started_and_destroyed_too(home, made):
    container = made.engine.container()
    identifier = home.instance_id(container, "running")
    container.shell("echo mine >/home/mine")
    made.stop(identifier)
    assert not container.is_running
    assert output(home, identifier, "ls home") == b"maria\nmine\n"
    made.start(identifier)
    assert container.is_running
    assert made.verb("reboot", identifier).json == {"success": True}
    made.until(identifier, "running")
    assert made.change(identifier, label="ours").json == {"success": True}
    made.stop(identifier)
    assert made.start(identifier)["label"] == "ours"
    # Nobody knows what it was made from.
    answer = made.verb("recycle", identifier)
    assert (answer.status, answer.json["success"], answer.json["error"]) == (200, False, "invalid_id")
    assert made.order_destroy(identifier).status == 200
    eventually(
        "its container is gone", lambda: made.engine.docker("inspect", container.name, check=False).returncode != 0, every=0.1)
    assert made.row(identifier) is None


def test_what_the_engine_does_by_itself_is_seen(home, made):
    identifier = made.create()
    container = made.container(identifier)
    container.stop()
    # Who does not follow the engine's events hears of it by its next look at all disks, in two minutes.
    made.until(identifier, "exited", 30)
    container.start()
    made.until(identifier, "running", 30)
    container.remove()
    # It is its owner's, not the engine's, to say that an instance is to be no more: it is made anew, or said to be gone.
    eventually("it is seen", lambda: (made.row(identifier) or {}).get("container_id") != container.name)
    if made.row(identifier):
        made.destroy(identifier)
