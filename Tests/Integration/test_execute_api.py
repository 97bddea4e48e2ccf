"""Every answer of the seed page's `PUT /api/v0/instances/command/{id}/`."""

import json
import socket
import time
import urllib.parse

import pytest

from harness import http
from harness.waiting import eventually

ENVELOPE = {"success": False}
UNAUTHORIZED = {"success": False, "error": "auth_error", "msg": "Invalid user key"}
INVALID_JSON = {"success": False, "error": "invalid_args", "msg": "Invalid json_body"}


def path(identifier):
    return f"/api/v0/instances/command/{identifier}/"


@pytest.fixture
def instance(up, running):
    return up.instance_id(running)


def test_200(up, instance):
    answer = up.put_command(instance, "ls -l")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json
    assert body["success"] is True
    assert body["writeable_path"] == ""
    assert body["msg"] == "Command is executing, wait a few seconds and then view the result_url"
    assert body["result_url"].startswith(up.url + "/")
    assert isinstance(body["command_id"], int)
    assert body["status_url"] == f"{up.url}/api/v0/commands/{body['command_id']}/"


def test_each_call_has_a_result_url_of_its_own(up, instance):
    urls = {up.put_command(instance, "ls").json["result_url"] for _ in range(20)}
    assert len(urls) == 20
    assert all(len(urllib.parse.urlsplit(url).path.split("-", 1)[1]) >= 43 for url in urls)  # 256 bits


@pytest.mark.parametrize("spelling", [
    "/api/v0/instances/command/{}/",
    "/api/v0/instances/command/{}",
    "//api/v0/instances/command/{}/",
    "/api/v0//instances//command/{}",
    "/api/v0/instances/command/{}//",
])
def test_slashes(up, instance, spelling):
    answer = up.request("PUT", spelling.format(instance), body={"command": "ls"})
    assert answer.status == 200, answer


@pytest.mark.parametrize("header, query", [(True, False), (False, True), (True, True)])
def test_the_key_in_the_header_or_in_the_query(up, instance, header, query):
    target = path(instance) + (f"?api_key={up.key}" if query else "")
    answer = up.request("PUT", target, body={"command": "ls"}, key=up.key if header else None)
    assert answer.status == 200, answer


def test_instance_id_in_the_body_is_tolerated(up, instance):
    # As a scheduled job replays it (contract 1.1).
    answer = up.request("PUT", path(instance), body={"command": "ls", "instance_id": instance})
    assert answer.status == 200, answer


# 400

@pytest.mark.parametrize("body, msg", [
    ({}, "Missing command."),
    ({"command": None}, "Missing command."),
    ({"command": 5}, "Invalid command."),
    ({"command": ["ls"]}, "Invalid command."),
    ({"command": "ls " + "x" * 510}, "Invalid command."),
])
def test_400_without_a_usable_command(up, instance, body, msg):
    answer = up.request("PUT", path(instance), body=body)
    assert (answer.status, answer.json) == (400, {"success": False, "error": "invalid_args", "msg": msg})


@pytest.mark.parametrize("command", [
    "cat /etc/passwd", "sh -c ls", "reboot", "LS", "/bin/ls", "/usr/bin/ls -l", "lss", "''",
    "ls; rm -r home", "ls && rm home", "ls | wc", "ls > out", "ls < in", "ls &", "ls $HOME", "ls ${HOME}",
    "ls `id`", "ls $(id)", "ls *", "ls ?", "ls [a-z]*", "ls ~", "ls {a,b}", "ls\nrm -r home", "ls 'a", 'ls "a',
    "ls --colo", "ls --no-such-option", "du --files0-from=/etc/passwd", "rm -Z home",
    "rm -rf /", "rm -rf //", "rm -rf /.", "rm -rf /..", "rm -r ./", "rm -rf /home/..", "rm -rf '/'", "rm -rf \\/",
    "rm -rf --no-preserve-root /", "rm -rf --no-preserve-root home", "rm -rf home /",
])
def test_400_for_a_refused_command(up, instance, command):
    before = up.request("GET", "/api/v0/commands/").json["commands"]
    answer = up.put_command(instance, command)
    assert answer.status == 400, answer
    body = answer.json
    assert (body["success"], body["error"]) == (False, "invalid_args")
    assert body["msg"].startswith("Invalid command given.")
    after = up.request("GET", "/api/v0/commands/").json["commands"]
    assert not after or after[0]["state"] == "denied" or after[0]["id"] == before[0]["id"]


@pytest.mark.parametrize("identifier", ["abc", "0", "-1", "+5", "007", "1.5", "9223372036854775808", "%31x"])
def test_400_for_what_is_no_instance_id(up, identifier):
    answer = up.request("PUT", path(identifier), body={"command": "ls"})
    assert answer.status == 400, answer
    assert answer.json["success"] is False
    assert answer.json["error"] in ("invalid_args", "invalid_container_id", "invalid_container")
    assert answer.json["msg"]


def test_512_is_counted_in_code_points(up, instance):
    accepted = "ls " + "é" * 509
    assert len(accepted) == 512
    assert up.put_command(instance, accepted).status == 200
    refused = up.put_command(instance, accepted + "é")
    assert (refused.status, refused.json["msg"]) == (400, "Invalid command.")


# 401

@pytest.mark.parametrize("headers", [
    {},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Bearer " + "0" * 64},
    {"Authorization": "Basic dXNlcjpwYXNz"},
    {"Authorization": "wrong"},
])
@pytest.mark.parametrize("identifier, body", [("known", '{"command": "ls"}'), ("999999", "{"), ("abc", "")])
def test_401_is_one_answer_whatever_else_is_wrong(up, instance, headers, identifier, body):
    identifier = instance if identifier == "known" else identifier
    answer = up.request("PUT", path(identifier), body=body, headers=headers, key=None)
    assert (answer.status, answer.json) == (401, UNAUTHORIZED)
    assert answer.headers["content-type"] == "application/json"
    reference = up.request("PUT", path(instance), body={"command": "ls"}, key=None)
    assert answer.body == reference.body


def test_401_with_a_wrong_key_in_the_query(up, instance):
    answer = up.request("PUT", path(instance) + "?api_key=wrong", body={"command": "ls"}, key=None)
    assert (answer.status, answer.json) == (401, UNAUTHORIZED)


def test_401_comes_before_the_body(up, instance):
    parts = urllib.parse.urlsplit(up.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.sendall(
            f"PUT {path(instance)} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer wrong\r\n"
            "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n".encode()
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


# 403

def test_403_for_a_blacklisted_user(start_up, new_container):
    up = start_up()
    mallory = up.other_user("mallory")
    container = new_container(owner="mallory")
    instance = mallory.instance_id(container)
    assert mallory.put_command(instance, "ls").status == 200

    up.admin("block-user", "mallory")

    answer = mallory.put_command(instance, "ls")
    assert answer.status == 403, answer
    assert answer.json["success"] is False and answer.json["error"] and answer.json["msg"]
    assert up.request("GET", "/api/v0/users/current/").status == 200


# 404

def test_404_is_the_same_for_an_absent_and_for_a_foreign_instance(up, new_container):
    other = up.other_user("other")
    container = new_container(owner="other")
    foreign = other.instance_id(container)
    assert other.put_command(foreign, "ls").status == 200

    answers = [up.put_command(identifier, "ls") for identifier in (foreign, 99_999_999)]

    assert answers[0].status == 404
    assert answers[0].json == {"success": False, "error": "not_found", "msg": "Instance not found."}
    assert answers[0].body == answers[1].body
    volatile = {"date"}
    kept = [{n: v for n, v in answer.headers.items() if n not in volatile} for answer in answers]
    assert kept[0] == kept[1]
    assert container.name not in [row["label"] for row in up.instances()]
    # The same for reading it, and for the other's commands.
    shown = [up.request("GET", f"/api/v0/instances/{identifier}/") for identifier in (foreign, 99_999_999)]
    assert shown[0].body == shown[1].body and shown[0].json == {"instances": None}
    command = other.put_command(foreign, "ls").json["command_id"]
    hidden = [up.request("GET", f"/api/v0/commands/{identifier}/") for identifier in (command, 99_999_999)]
    assert (hidden[0].status, hidden[0].body) == (404, hidden[1].body)


def test_a_refused_command_on_an_absent_instance_tells_nothing_more(up):
    assert up.put_command(99_999_999, "cat x").status in (400, 404)


# 429

def test_a_person_never_meets_the_default_rate_limit(up, instance):
    assert {up.put_command(instance, "ls").status for _ in range(20)} == {200}


@pytest.mark.slow
def test_429_with_upstreams_interval(start_up, stopped):
    up = start_up("--compatibility", "vast-strict")
    instance = up.instance_id(stopped, "exited")

    def taken():
        began = time.monotonic()
        return up.put_command(instance, "ls").status == 200 and began

    for _ in range(10):
        began = eventually("an order is taken", taken)
        answer = up.put_command(instance, "ls")
        if answer.status == 429:
            break
        assert time.monotonic() - began >= 1.5, "they came within the interval"
    assert answer.status == 429, answer
    body = answer.json
    assert body["detail"] == "API requests too frequent endpoint threshold=1.5"
    assert body["success"] is False and body["error"] and body["msg"]
    assert 0 < float(answer.headers["retry-after"]) <= 2
    time.sleep(float(answer.headers["retry-after"]) + 0.05)
    assert up.put_command(instance, "ls").status == 200


@pytest.mark.slow
def test_vast_strict_refuses_a_running_instance_in_upstreams_words(start_up, running):
    up = start_up("--compatibility", "vast-strict")
    answer = up.put_command(up.instance_id(running, "running"), "ls")
    assert (answer.status, answer.json) == (400, {
        "success": False, "error": "invalid_args",
        "msg": "Execute command only avail on stopped instances. Use ssh to run commands on running instances.",
    })


# 483

@pytest.mark.parametrize("body", [
    b"", b"{", b"ls -l", b"{'command': 'ls'}", b'{"command": "ls",}', b'{"command": "ls"} x', b'{"command": "ls"',
    b'{"command": "\xff"}', '{"command": "ls"}'.encode("utf-16"), b"\x00",
])
def test_483_for_what_is_not_json(up, instance, body):
    answer = up.request("PUT", path(instance), body=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json) == (483, INVALID_JSON)


# Beyond the page

def test_argv_instead_of_a_command(up, new_container):
    container = new_container()
    container.shell("mkdir '/home/a b'; touch '/home/a b/c'")
    instance = up.instance_id(container)
    answer = up.request("PUT", path(instance), body={"argv": ["ls", "home/a b"]})
    assert answer.status == 200, answer
    assert up.result(answer.json["result_url"]).body == b"c\n"


def test_dry_run_decides_and_runs_nothing(up, new_container):
    container = new_container()
    container.shell("touch /home/keep")
    instance = up.instance_id(container)
    allowed = up.request("PUT", path(instance), body={"command": "rm home/keep", "dry_run": True})
    assert allowed.status == 200, allowed
    refused = up.request("PUT", path(instance), body={"command": "rm -rf /", "dry_run": True})
    assert "result_url" not in json.loads(refused.body)
    time.sleep(0.3)
    assert container.exec("ls", "/home/keep").returncode == 0


def test_prefer_wait_takes_one_round_trip(up, instance):
    answer = up.put_command(instance, "ls -l home", headers={"Prefer": "wait=50"})
    assert answer.status == 200
    assert up.command(answer.json["command_id"])["state"] == "exited"


def test_health_and_documents(up):
    assert http.request(up.url, "GET", "/healthz").status == 200
    openapi = http.request(up.url, "GET", "/openapi.yaml")
    assert openapi.status == 200 and b"/api/v0/instances/command/{id}/" in openapi.body
    assert http.request(up.url, "GET", "/llms.txt").status == 200
    assert http.request(up.url, "GET", "/nowhere").status == 404
