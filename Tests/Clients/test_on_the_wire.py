"""What the official clients send and get, seen by a recording proxy: three ways to authenticate."""

import json
import urllib.parse

import pytest

from harness.sdk import EXECUTE_06, EXECUTE_1


def exchange(recorder, identifier):
    """The one PUT of execute, and the GETs of its result."""
    puts = [r for r in recorder.requests() if r[0] == "PUT"]
    gets = [r for r in recorder.requests() if r[0] == "GET" and r[1].startswith("/results/")]
    assert len(puts) == 1, puts
    target = urllib.parse.urlsplit(puts[0][1])
    assert target.path == f"/api/v0/instances/command/{identifier}/"
    return puts[0], urllib.parse.parse_qs(target.query), gets


@pytest.fixture
def served(recorded, running):
    up, recorder = recorded
    return up, recorder, up.instance_id(running)


def check_result_requests(gets):
    assert gets
    for _, target, headers, _ in gets:
        assert "authorization" not in headers and "api_key" not in target


def test_cli_050_sends_header_and_query(official, served, running):
    up, recorder, identifier = served
    done = official.cli("0.5.0", up, "execute", identifier, "ls home", url=recorder.url)
    assert done.stdout == running.exec("ls", "home").stdout + b"\n"
    put, query, gets = exchange(recorder, identifier)
    assert put[2]["authorization"] == f"Bearer {up.key}" and query["api_key"] == [up.key]
    assert json.loads(put[3]) == {"command": "ls home"}
    check_result_requests(gets)


def test_sdk_1_sends_the_header_alone(official, served, running):
    up, recorder, identifier = served
    text = official.python("1.9.1", up, EXECUTE_1, identifier, "ls home", url=recorder.url)
    assert text.encode() == running.exec("ls", "home").stdout
    put, query, gets = exchange(recorder, identifier)
    assert put[2]["authorization"] == f"Bearer {up.key}" and query == {}
    assert put[2]["user-agent"].startswith("vastai-sdk/")
    check_result_requests(gets)


def test_sdk_06_sends_the_query_alone(official, served, running):
    up, recorder, identifier = served
    text = official.python("sdk-0.6.0", up, EXECUTE_06, identifier, "ls home", url=recorder.url)
    assert text.encode() == running.exec("ls", "home").stdout + b"\n"
    put, query, gets = exchange(recorder, identifier)
    assert "authorization" not in put[2] and query["api_key"] == [up.key]
    check_result_requests(gets)


def test_cli_1_gets_its_result_and_then_crashes_by_itself(official, served):
    # contract.md, 1.3: since 1.0.0 the CLI calls `.get` on the text that it has polled for. The whole
    # exchange is right and ends with a 200; nothing that a server may answer helps.
    up, recorder, identifier = served
    done = official.cli("1.9.1", up, "execute", identifier, "ls -l", url=recorder.url)
    put, query, gets = exchange(recorder, identifier)
    assert put[2]["authorization"] == f"Bearer {up.key}" and query == {}
    assert json.loads(put[3]) == {"command": "ls -l"}
    assert put[2]["user-agent"].startswith("vastai-cli/")
    check_result_requests(gets)
    assert set(recorder.statuses()) <= {200, 404} and recorder.statuses()[-1] == 200
    answers = b"".join(bytes(record["received"]) for record in recorder.exchanges)
    assert b"drwxr-xr-x" in answers, "the output was delivered"
    assert done.returncode == 1
    assert b"AttributeError: 'str' object has no attribute 'get'" in done.stderr
    # Once for all, without a key: what its import asks.
    starts = [r for r in recorder.requests() if r[1].startswith("/api/v0/gpu_names/unique")]
    assert all("authorization" not in headers for _, _, headers, _ in starts)


def test_no_answer_is_a_redirect_and_json_has_no_charset(official, served):
    up, recorder, _ = served
    official.cli("1.9.1", up, "show", "instances", "--raw", url=recorder.url)
    official.cli("0.5.0", up, "show", "instances", "--raw", url=recorder.url)
    assert set(recorder.statuses()) == {200}
    answers = b"".join(bytes(record["received"]) for record in recorder.exchanges).lower()
    assert b"content-type: application/json\r\n" in answers
    assert b"application/json;" not in answers


@pytest.mark.slow
def test_a_url_with_a_trailing_slash(official, recorded, running):
    up, recorder = recorded
    done = official.cli("0.5.0", up, "execute", up.instance_id(running), "ls home", url=recorder.url + "/")
    assert done.stdout == running.exec("ls", "home").stdout + b"\n"
