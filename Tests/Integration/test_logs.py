"""Logs of instances: what they printed, in bounds, while it is printed, and to a truthful end (docs/results.md)."""

import signal
import subprocess

import pytest

from harness.boathook import BIN
from harness.following import Follower
from harness.waiting import eventually


def request(client, instance, **body):
    return client.request("PUT", f"/api/v0/instances/request_logs/{instance}/", body=body)


def log(client, instance, **body):
    """The log as delivered, and the command's row."""
    accepted = request(client, instance, **body)
    assert accepted.status == 200, accepted
    text = client.result(accepted.json["result_url"]).body
    return text, client.final(accepted.json["command_id"])


# `x` in bash, 2^18 times: the small image has no program for it.
MANY = "x=x; for i in {1..18}; do x=$x$x; done; "


def printing(engine, new_container, script, *options):
    """A container that has run a script to its last line, and stays."""
    container = new_container(*options, command=("bash", "-c", script + "\necho printed; exec sleep 1000"))
    eventually("it has printed", lambda: b"printed" in engine.docker("logs", container.name).stdout, 60)
    return container


def test_the_bytes_are_those_of_the_engine(engine, up, new_container):
    container = printing(engine, new_container, "printf '\\377\\000\\n'; echo err >&2; " + MANY + 'echo "$x"')
    identifier = up.instance_id(container)
    said = engine.docker("logs", container.name)
    text, row = log(up, identifier)
    assert len(text) == len(said.stdout) + len(said.stderr)
    output = f"/api/v0/commands/{row['id']}/output"
    assert up.request("GET", output + "?stream=stdout").body == said.stdout
    assert up.request("GET", output + "?stream=stderr").body == b"err\n"
    assert row["state"] == "exited" and row["exit_code"] == 0 and row["complete"]
    assert row["command"] == "logs --tail 1000" and row["decision"]["backend"] == "logs"
    # The rest is as of any command: the list, and the end of its output.
    assert row["id"] in {one["id"] for one in up.request("GET", "/api/v0/commands/").json["commands"]}
    assert up.request("DELETE", output).status == 200
    assert up.request("GET", output).status == 404


def test_a_terminal_and_nothing_printed(engine, up, new_container):
    terminal = printing(engine, new_container, "echo one; echo two >&2", "--tty")
    text, _ = log(up, up.instance_id(terminal))
    assert text == b"one\r\ntwo\r\nprinted\r\n"
    quiet = new_container(command=("sleep", "1000"))
    assert log(up, up.instance_id(quiet))[0] == b""
    assert log(up, up.instance_id(terminal), tail=0)[0] == b""


def test_a_long_line_is_filtered_by_its_beginning(engine, up, new_container):
    container = printing(
        engine, new_container,
        MANY + 'echo "needle$x"; echo "${x}needle"')
    text, _ = log(up, up.instance_id(container), filter="needle")
    assert text == b"needle" + 262144 * b"x" + b"\n"


def test_an_engine_that_keeps_none_says_so(up, new_container):
    container = new_container("--log-driver", "none")
    _, row = log(up, up.instance_id(container))
    assert row["state"] == "denied" and "does not support reading" in row["note"], row


def test_a_container_that_is_removed_has_a_truthful_end(engine, up, new_container):
    container = printing(engine, new_container, "")
    identifier = up.instance_id(container)
    container.remove()
    # Whoever asks at that very moment is told by the machine, later ones by the server.
    answer = request(up, identifier)
    if answer.status == 200:
        row = up.final(answer.json["command_id"])
        assert row["state"] == "denied" and row["note"] == "the container is gone", row

    def gone():
        answer = request(up, identifier)
        return answer if answer.status != 200 else None

    answer = eventually("the server knows", gone)
    assert answer.status == 404 and answer.json["error"] == "invalid_id", answer


# While it is printed

def following(engine, up, new_container):
    container = printing(engine, new_container, "echo first")
    identifier = up.instance_id(container)
    accepted = request(up, identifier, follow=True, tail=1)
    assert accepted.status == 200, accepted
    return container, identifier, accepted.json


def test_a_log_is_followed_to_the_containers_end(engine, up, new_container):
    container, _, accepted = following(engine, up, new_container)
    with Follower(up, accepted["command_id"]) as follower:
        assert follower.until(8) == b"printed\n"
        # Nothing else runs in the image that would print there.
        container.exec("bash", "-c", "echo more >/proc/1/fd/1")
        assert follower.until(13) == b"printed\nmore\n"
        container.kill()
        assert follower.rest() == b"printed\nmore\n"
    row = up.final(accepted["command_id"])
    assert row["state"] == "exited" and row["complete"], row


def test_who_follows_keeps_nobody_waiting(engine, start_up, new_container):
    up = start_up("--concurrency", "1")
    container, identifier, first = following(engine, up, new_container)
    others = [request(up, identifier, follow=True).json["command_id"] for _ in range(15)]
    eventually("all follow", lambda: all(up.command(one)["state"] == "running" for one in others))
    # More than an account may at a time: it waits, and takes nobody's place.
    last = request(up, identifier, follow=True).json["command_id"]
    container.shell("touch /home/file")
    # Who had to wait for the slot would not have it before the followers end, which they do not.
    assert up.run(identifier, "rm home/file")[1]["exit_code"] == 0
    assert log(up, identifier, tail=1)[0] == b"printed\n"
    assert {up.command(one)["state"] for one in [first["command_id"], *others]} == {"running"}
    assert up.command(last)["state"] == "dispatched"
    for one in [first["command_id"], *others, last]:
        assert up.request("DELETE", f"/api/v0/commands/{one}/").status == 200
    for one in [first["command_id"], *others, last]:
        assert up.final(one)["state"] == "cancelled"


def test_a_follower_of_a_machine_that_starts_anew_begins_again(engine, start_up, new_container):
    up = start_up()
    _, _, accepted = following(engine, up, new_container)
    eventually("it runs", lambda: up.command(accepted["command_id"])["state"] == "running")
    up.process.kill()
    up.start()
    eventually("it runs again", lambda: up.command(accepted["command_id"])["state"] == "running")
    with Follower(up, accepted["command_id"]) as follower:
        assert follower.until(8) == b"printed\n"
    up.request("DELETE", f"/api/v0/commands/{accepted['command_id']}/")
    assert up.final(accepted["command_id"])["state"] == "cancelled"


# The command line

def test_the_verb(engine, up, new_container):
    container = printing(engine, new_container, "echo one; echo two >&2; echo three")
    identifier = up.instance_id(container)
    done = up.cli("logs", identifier)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"one\nthree\nprinted\n", b"two\n")
    assert up.cli("logs", identifier, "--filter", "t", "--tail", "3").stdout == b"three\nprinted\n"
    assert up.cli("logs", identifier, "--daemon").returncode == 0
    assert up.cli("logs", identifier, "--tail", "100001").returncode == 125
    absent = up.cli("logs", "987654321")
    assert absent.returncode == 125 and b"Instance not found." in absent.stderr
    for wrong in (["--follow", "--daemon"], ["--follow", "--json"]):
        assert up.cli("logs", identifier, *wrong).returncode == 64


def test_the_verb_follows_until_it_is_interrupted(engine, up, new_container):
    container = printing(engine, new_container, "")
    identifier = up.instance_id(container)
    process = subprocess.Popen(
        [BIN / "boathook", "logs", str(identifier), "--follow"], env=up.environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"printed\n"
        container.exec("bash", "-c", "echo more >/proc/1/fd/1")
        assert process.stdout.readline() == b"more\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, process.stderr.read()
    finally:
        process.kill()
        process.wait()
    newest = up.request("GET", "/api/v0/commands/?limit=20").json["commands"]
    [command] = [row["id"] for row in newest if row["instance_id"] == identifier]
    assert up.final(command)["state"] == "cancelled"


@pytest.mark.slow
def test_a_log_of_100_000_lines(engine, up, new_container):
    container = printing(engine, new_container, "for i in {1..120000}; do echo $i; done")
    text, row = log(up, up.instance_id(container), tail="100000")
    assert text.splitlines()[-2:] == [b"120000", b"printed"] and len(text.splitlines()) == 100000
    assert row["complete"] and row["runtime"] < 30
