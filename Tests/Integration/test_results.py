"""The result URL and the command's record: complete, final, and for whoever holds the URL."""

import concurrent.futures
import hashlib
import http.client as http_client
import json
import os
import signal
import socket
import struct
import time
import urllib.parse

import pytest

from harness import http, jailed
from harness.boathook import TERMINAL
from harness.promptly import least_of
from harness.waiting import eventually


@pytest.fixture
def finished(up, running):
    """An accepted command's answer, its output delivered."""
    accepted = up.put_command(up.instance_id(running), "ls -l home usr")
    assert accepted.status == 200
    return accepted.json, up.result(accepted.json["result_url"])


@pytest.fixture
def slow(up, many_files):
    """Starts a command that does not go on until it is thawed: `slow(command)` → answer, pid."""
    frozen = []

    def start(command="du -a many", **body):
        instance = up.instance_id(many_files)
        for _ in range(10):
            accepted = up.request(
                "PUT", f"/api/v0/instances/command/{instance}/", body={"command": command, "timeout": 300, **body}
            )
            assert accepted.status == 200, accepted
            identifier = accepted.json["command_id"]
            if pid := jailed.freeze(up.process.pid, command.split()[0], 60, lambda: up.command(identifier)["state"] in TERMINAL):
                frozen.append(pid)
                return accepted.json, pid
            up.final(identifier)
        raise AssertionError("the command was always over before it could be stopped")

    yield start
    for pid in frozen:
        jailed.thaw(pid)


def test_it_is_plain_utf8_text_and_complete(finished):
    _, result = finished
    assert result.status == 200
    assert result.headers["content-type"] == "text/plain; charset=utf-8"
    assert int(result.headers["content-length"]) == len(result.body) > 100


def test_etag_and_range(finished):
    answer, whole = finished
    url, etag = answer["result_url"], whole.headers["etag"]
    assert etag.startswith('"') and etag.endswith('"')

    unchanged = http.get(url, headers={"If-None-Match": etag})
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert http.get(url, headers={"If-None-Match": '"other"'}).status == 200

    size = len(whole.body)
    for wanted, start, stop in [("0-9", 0, 10), (f"{size - 5}-", size - 5, size), ("-7", size - 7, size), ("3-99999999", 3, size)]:
        part = http.get(url, headers={"Range": f"bytes={wanted}"})
        assert (part.status, part.body) == (206, whole.body[start:stop]), wanted
        assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
    beyond = http.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")


def test_head_leaves_the_connection_to_the_next_request(finished):
    answer, whole = finished
    parts = urllib.parse.urlsplit(answer["result_url"])
    unknown = f"/results/{answer['command_id']}x"
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        reader = connection.makefile("rb")
        for method, path, headers in [
            ("HEAD", parts.path, ""), ("HEAD", parts.path, "Range: bytes=0-1\r\n"), ("HEAD", parts.path, "Range: bytes=99999999-\r\n"),
            ("HEAD", unknown, ""), ("GET", parts.path, ""),
        ]:
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{headers}\r\n".encode())
            status = reader.readline().split()[1]
            fields = http_client.parse_headers(reader)
            assert status == (b"404" if path == unknown else b"200"), (method, headers)
            assert "content-range" not in fields and "transfer-encoding" not in fields
            assert path == unknown or int(fields["content-length"]) == len(whole.body)
            assert method == "HEAD" or reader.read(len(whole.body)) == whole.body


def test_it_never_changes(finished):
    answer, first = finished
    again = http.get(answer["result_url"])
    assert (again.body, again.headers["etag"]) == (first.body, first.headers["etag"])


def test_another_secret_is_not_found(finished):
    answer, _ = finished
    url = answer["result_url"]
    forged = url[:-1] + ("A" if url[-1] != "A" else "B")
    assert http.get(forged).status == 404
    assert http.get(url[:-1]).status == 404


def test_the_record(up, finished):
    answer, result = finished
    row = up.final(answer["command_id"])
    assert row["id"] == answer["command_id"] and row["command"] == "ls -l home usr"
    assert (row["state"], row["exit_code"], row["signal"]) == ("exited", 0, None)
    assert row["stdout"].encode() == result.body and row["stderr"] == ""
    assert (row["stdout_bytes"], row["stderr_bytes"], row["output_bytes"]) == (len(result.body), 0, len(result.body))
    assert row["sha256"] == hashlib.sha256(result.body).hexdigest()
    assert row["created_at"] <= row["finished_at"] and row["started_at"]
    assert abs(row["finished_at"] - time.time()) < 600
    decision = row["decision"]
    assert decision["verdict"] == "allow" and decision["writes"] is False
    assert decision["policy"] and decision["rule"]


def test_output_and_errors_are_also_apart(up, running):
    output, row = up.run(up.instance_id(running), "ls -d home nowhere")
    assert row["stdout"] == "home\n"
    assert row["stderr"] == "ls: cannot access 'nowhere': No such file or directory\n"
    assert sorted(output.splitlines()) == sorted((row["stdout"] + row["stderr"]).encode().splitlines())
    assert row["exit_code"] == 2


def test_long_output_arrives_whole(up, many_files):
    expected = many_files.exec("ls", "-lR", "many").stdout
    assert len(expected) > 3_000_000
    output, row = up.run(up.instance_id(many_files), "ls -lR many")
    assert output == expected
    assert row["stdout"] is None and row["output_bytes"] == len(expected)
    assert row["sha256"] == hashlib.sha256(expected).hexdigest()
    fetched = up.request("GET", row["output_url"].removeprefix(up.url))
    assert (fetched.status, fetched.body) == (200, expected)


@pytest.mark.slow
def test_not_found_is_held_until_the_result_is_final(up, slow):
    answer, pid = slow()

    def held():
        started = time.monotonic()
        assert http.get(answer["result_url"]).status == 404
        took = time.monotonic() - started
        assert took > 4
        return took

    # Stock 1.x clients give a read 10 s, so a hold must end well before (contract 1.2).
    assert least_of(held, 9.5) < 9.5
    assert up.command(answer["command_id"])["state"] in ("dispatched", "running")

    jailed.thaw(pid)
    result = up.result(answer["result_url"])
    assert result.body.endswith(b"\tmany\n")
    assert up.final(answer["command_id"])["state"] == "exited"


def test_a_waiting_reader_is_released_by_the_result(up, slow):
    def released():
        answer, pid = slow()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reader = pool.submit(http.get, answer["result_url"])
            time.sleep(0.5)
            # Its end, and no more output before that.
            started = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            found = reader.result()
        took = time.monotonic() - started
        # By its own, a hold ends after eight seconds.
        assert found.status == 200 or took > 5
        return took

    assert least_of(released, 5) < 5


def test_its_time_limit_ends_a_command(up, slow):
    answer, _ = slow(timeout=1)
    row = up.final(answer["command_id"])
    assert row["state"] == "timed_out" and row["exit_code"] is None
    # Without that limit, it would have a minute.
    assert 0.8 < row["finished_at"] - row["started_at"] < 30
    assert http.get(answer["result_url"]).status == 200


def test_a_command_can_be_cancelled(up, slow):
    answer, pid = slow()
    cancelled = up.request("DELETE", f"/api/v0/commands/{answer['command_id']}/", body={})
    assert cancelled.status == 200 and cancelled.json["success"] is True
    assert up.final(answer["command_id"])["state"] == "cancelled"
    eventually("the process is gone", lambda: not jailed.confined(pid))
    # Terminal states never change.
    up.request("DELETE", f"/api/v0/commands/{answer['command_id']}/", body={})
    assert up.command(answer["command_id"])["state"] == "cancelled"


def test_commands_are_listed_newest_first(up, running):
    instance = up.instance_id(running)
    made = [up.put_command(instance, "ls").json["command_id"] for _ in range(3)]
    listed = [row["id"] for row in up.request("GET", "/api/v0/commands/").json["commands"]]
    assert listed[:3] == made[::-1]


# An answer that nobody got

@pytest.mark.parametrize("ending", ["closed", "reset"])
def test_an_order_whose_caller_went_before_the_answer_is_the_same_when_it_comes_again(up, new_container, ending):
    """Also when the command has ended meanwhile: for five seconds, which is when stock clients send it again."""
    container = new_container()
    instance = up.instance_id(container)
    body = json.dumps({"command": "rm -r pile", "timeout": 300}).encode()
    head = (
        f"PUT /api/v0/instances/command/{instance}/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {up.key}\r\nPrefer: wait=60\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
    order = {"path": f"/api/v0/instances/command/{instance}/", "body": body}
    for _ in range(3):
        container.shell("for i in {1..20}; do mkdir -p /pile/$i; touch /pile/$i/{1..500}; done")
        with socket.create_connection(("127.0.0.1", up.port)) as caller:
            caller.sendall(head.encode() + body)
            assert (pid := jailed.freeze(up.agent_pid, "rm", 60)), "it was over before it could be stopped"
            if ending == "reset":
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        [row] = up.request("GET", "/api/v0/commands/?limit=1").json["commands"]
        began = time.monotonic()
        jailed.thaw(pid)
        assert up.final(row["id"])["state"] == "exited"
        again = up.request("PUT", **order)
        # On a busy machine, the five seconds may be over by now.
        if time.monotonic() - began < 4.5:
            break
        up.final(again.json["command_id"])
    assert again.status == 200 and again.json["command_id"] == row["id"]
    # Five seconds later, nobody means that one any more.
    eventually("it is another one", lambda: up.request("PUT", **order).json["command_id"] != row["id"], every=0.2)
