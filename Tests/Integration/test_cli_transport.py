"""What the command line does when connections break, servers go and come, and those who read leave (docs/cli.md, docs/errors.md)."""

import array
import fcntl
import itertools
import json
import os
import re
import select
import signal
import subprocess
import termios
import time

import pytest

from harness import jailed
from harness.boathook import BIN, Client
from harness.cutter import Cutter
from harness.foreign import Foreign
from harness.waiting import eventually

FOLLOWED = "du -a many"
ODD = r"""mkdir /odd; touch $'/odd/\xff\xfe' $'/odd/caf\xc3\xa9' $'/odd/data: x\rid: 7'"""


@pytest.fixture(scope="module")
def expected(many_files):
    return many_files.exec("du", "-a", "many").stdout


@pytest.fixture
def start():
    """Starts the command line, and ends it at the latest with the test."""
    started = []

    def start(client, *words):
        started.append(subprocess.Popen(
            [str(BIN / "boathook"), *map(str, words)], env=client.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def started_and_frozen(start, client, instance):
    """`execute --follow`, of which the tool stands still."""
    for _ in range(10):
        process = start(client, "execute", instance, "--follow", FOLLOWED, "--timeout", 300)
        if pid := jailed.freeze(client.agent_pid, "du"):
            return process, pid
        process.communicate(timeout=60)
    raise AssertionError("the command was always over before it could be stopped")


def first_bytes(process, pid):
    """Lets the tool go on until something of it is here."""
    # What it wrote may be long on its way on a busy machine.
    pause = 0.02
    while not select.select([process.stdout], [], [], pause)[0]:
        assert pause < 20, "nothing came"
        jailed.step(pid, 0.001)
        pause *= 2
    return os.read(process.stdout.fileno(), 65536)


def newest(client):
    return client.request("GET", "/api/v0/commands/?limit=1").json["commands"][0]


# Following

def test_followed_to_the_end(up, new_container, many_files, expected):
    container = new_container()
    container.shell(ODD)
    instance, odd = up.instance_id(container), container.exec("ls", "odd").stdout
    assert b"\xff\xfe" in odd
    done = up.cli("execute", instance, "--follow", "ls odd")
    assert (done.returncode, done.stdout, done.stderr) == (0, odd, b"")

    failed = up.cli("execute", instance, "--follow", "ls -d odd nowhere")
    assert (failed.returncode, failed.stdout) == (2, b"odd\n") and failed.stderr.count(b"nowhere") == 1
    again = up.cli("follow", newest(up)["id"])
    assert (again.returncode, again.stdout, again.stderr) == (2, failed.stdout, failed.stderr)

    assert up.cli("execute", up.instance_id(many_files), "--follow", FOLLOWED).stdout == expected


def test_the_server_is_killed_and_the_rest_comes_after_it(start_fleet, start, many_files, expected):
    fleet = start_fleet()
    process, pid = started_and_frozen(start, fleet, fleet.instance_id(many_files))
    got = first_bytes(process, pid)
    fleet.server.kill()
    fleet.start_server()
    joined = start(fleet, "follow", newest(fleet)["id"])
    jailed.thaw(pid)
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert got + rest == expected
    assert joined.communicate(timeout=60) == (expected, b"") and joined.returncode == 0


def test_the_agent_is_killed_and_the_output_begins_again(start_fleet, start, many_files, expected):
    fleet = start_fleet()
    process, pid = started_and_frozen(start, fleet, fleet.instance_id(many_files))
    got = first_bytes(process, pid)
    fleet.agent.kill()
    fleet.start_agent()
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and b"was started anew after a failure; its output begins again" in errors
    whole = got + rest
    assert whole.endswith(expected) and expected.startswith(whole[: -len(expected)])


# Those who read leave

def test_74_when_nobody_reads(up, start, many_files):
    instance = up.instance_id(many_files)
    for words in (["execute", instance, "--follow", FOLLOWED], ["execute", instance, FOLLOWED]):
        process = start(up, *words)
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 74
        errors = process.stderr.read()
        identifier = newest(up)["id"]
        # The command is nobody's to end but the caller's.
        assert up.final(identifier)["state"] == "exited"
        assert (f"command {identifier} is not cancelled".encode() in errors) == ("--follow" in words)
        assert b"cannot write: Broken pipe" in errors
    process = start(up, "follow", identifier)
    process.stdout.close()
    assert process.wait(60) == 74


def test_a_log_that_nobody_reads_is_followed_no_more(up, start, new_container):
    container = new_container(command=("bash", "-c", "echo printed; exec sleep 1000"))
    instance = up.instance_id(container)
    process = start(up, "logs", instance, "--follow")
    assert process.stdout.readline() == b"printed\n"
    process.stdout.close()
    container.exec("bash", "-c", "echo more >/proc/1/fd/1")
    assert process.wait(60) == 74
    commands = up.request("GET", "/api/v0/commands/?limit=20").json["commands"]
    [identifier] = [row["id"] for row in commands if row["instance_id"] == instance]
    assert up.final(identifier)["state"] == "cancelled"


# Output that has ended

def test_what_is_cut_is_gone_on_with(up, many_files, expected):
    instance = up.instance_id(many_files)
    cuts = [len(expected) // 3, len(expected) // 4]
    with Cutter(up.url, cuts) as cutter:
        done = Client(cutter.url, up.key).cli("execute", instance, FOLLOWED)
        assert cutter.made
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, b"")
    # Where both streams have something, there are no parts.
    with Cutter(up.url, cuts) as cutter:
        done = Client(cutter.url, up.key).cli("execute", instance, FOLLOWED + " nowhere")
        assert cutter.made
    assert (done.returncode, done.stdout) == (1, expected) and done.stderr.count(b"nowhere") == 1


def test_output_that_is_not_kept_any_more(up, running):
    identifier = up.run(up.instance_id(running), "ls home")[1]["id"]
    assert b"maria" in up.cli("show", "command", identifier, check=True).stdout
    assert up.request("DELETE", f"/api/v0/commands/{identifier}/output").status == 200
    shown = up.cli("show", "command", identifier)
    assert shown.returncode == 0 and b"exited" in shown.stdout and b"maria" not in shown.stdout
    assert shown.stderr == b"boathook: its output is not kept any more\n"
    # Whoever wants the output alone has not got it.
    assert up.cli("follow", identifier).returncode == 125


# Servers that are none, and servers that fail

@pytest.mark.parametrize("words", [("follow", 7), ("execute", 7, "ls"), ("execute", 7, "--follow", "ls"), ("show", "instances")])
def test_a_page_is_no_answer(words):
    with Foreign(lambda *_: (200, "text/html", b"<p>log in</p>")) as foreign:
        done = Client(foreign.url, "k").cli(*words, timeout=50)
    assert (done.returncode, done.stdout) == (125, b"") and b"none of Boathook's" in done.stderr


@pytest.mark.parametrize("words", [("execute", 7, "ls"), ("follow", 7), ("show", "instances")])
def test_a_gateways_long_page_is_no_status_of_a_command(words):
    with Foreign(lambda *_: (502, "text/html", b"x" * (2 << 20))) as foreign:
        done = Client(foreign.url, "k").cli(*words, timeout=50)
    assert (done.returncode, done.stdout) == (125, b"") and b"502 Bad Gateway" in done.stderr


def test_one_failure_of_several_changes():
    def answer(method, path):
        if path == "/api/v0/instances/2/":
            return 500, "application/json", {"success": False, "error": "internal_error", "msg": "The server failed."}
        return 200, "application/json", {"success": True}

    for words, shown in [([], b"destroy instance 1\ndestroy instance 3\n"), (["--json"], None)]:
        with Foreign(answer) as foreign:
            done = Client(foreign.url, "k").cli("destroy", "instance", "1", "2", "3", "-y", *words, timeout=50)
            assert ("DELETE", "/api/v0/instances/3/") in foreign.requests
        assert done.returncode == 125 and done.stderr == b"instance 2: The server failed.\n"
        if shown is None:
            assert [(row["id"], row["success"]) for row in json.loads(done.stdout)] == [(1, True), (2, False), (3, True)]
        else:
            assert done.stdout == shown


def test_a_refused_key_is_tried_once():
    refusal = {"success": False, "error": "unauthorized", "msg": "No."}
    with Foreign(lambda *_: (401, "application/json", refusal)) as foreign:
        done = Client(foreign.url, "k").cli("stop", "instance", "1", "2", "--json", timeout=50)
        assert len(foreign.requests) == 1
    assert done.returncode == 125 and [row["success"] for row in json.loads(done.stdout)] == [False]


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "failing"])
def test_wait_is_over_in_time_whatever_the_server_does(silent):
    asked = itertools.count()

    def answer(method, path):
        if method == "PUT":
            return 200, "application/json", {"success": True}
        if next(asked) == 0:
            return 200, "application/json", {"instances": {"id": 7, "actual_status": "running"}}
        return None if silent else (503, "text/plain", b"away")

    with Foreign(answer) as foreign:
        begun = time.monotonic()
        done = Client(foreign.url, "k").cli("stop", "instance", "7", "--wait", "--timeout", "2", timeout=60)
        took = time.monotonic() - begun
    assert (done.returncode, done.stdout) == (124, b"stop instance 7\n") and 1.5 < took < 25
    assert b"not within 2 s: instance 7: " in done.stderr


# Interrupts

def accepted():
    return 200, "application/json", {
        "success": True, "writeable_path": "", "result_url": "", "msg": "", "command_id": 7, "status_url": ""}


def told(process, meanwhile=lambda: None):
    """What is said once nothing has come of the first interrupt for a while."""
    process.send_signal(signal.SIGINT)
    line = process.stderr.readline()
    meanwhile()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 126
    return line, process.stderr.read()


def waiting_bytes(pipe):
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


@pytest.mark.parametrize("words", [("execute", 3, "ls"), ("execute", 3, "--follow", "ls"), ("logs", 3)])
def test_a_second_interrupt_leaves_a_command_of_a_silent_server(start, words):
    with Foreign(lambda method, path: accepted() if method == "PUT" else None) as foreign:
        process = start(Client(foreign.url, "k"), *words)
        query = "output?follow=1" if "--follow" in words else ""
        foreign.until("GET", f"/api/v0/commands/7/{query}")
        line, rest = told(process, lambda: foreign.until("DELETE", "/api/v0/commands/7/"))
    assert line == b"boathook: cancelling command 7; interrupt again to leave\n"
    assert re.match(rb"command 7 was accepted, .*show command 7", rest)


def test_a_second_interrupt_leaves_an_order_that_is_not_answered(start):
    with Foreign(lambda *_: None) as foreign:
        process = start(Client(foreign.url, "k"), "execute", 3, "rm -r x")
        foreign.until("PUT", "/api/v0/instances/command/3/")
        line, rest = told(process)
    assert line == b"boathook: the order is not answered yet; interrupt again to leave\n"
    assert b"may have been accepted" in rest


def test_a_second_interrupt_leaves_though_nobody_reads(start):
    """As in `| less`: the write of what has come cannot be cancelled."""
    event = b'event: stdout\nid: 1.1/1\ndata: {"text":"' + b"x" * 65536 + b'"}\n\n'

    def answer(method, path):
        if method == "PUT":
            return accepted()
        return (200, "text/event-stream", itertools.repeat(event, 64)) if method == "GET" else None

    with Foreign(answer) as foreign:
        process = start(Client(foreign.url, "k"), "execute", 3, "--follow", "ls")

        full = fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ)
        eventually("it waits for its reader", lambda: waiting_bytes(process.stdout) == full)
        line, _ = told(process)
    assert line == b"boathook: cancelling command 7; interrupt again to leave\n"
