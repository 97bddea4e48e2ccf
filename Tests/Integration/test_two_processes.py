"""Server and agent as two processes, killed and restarted: every accepted command ends."""

import pathlib
import time

import pytest

from harness import jailed
from harness.boathook import BIN, TERMINAL
from harness.engine import run
from harness.waiting import eventually


@pytest.fixture
def fleet(start_fleet):
    return start_fleet()


@pytest.fixture
def spoilable(new_container):
    container = new_container()
    container.shell("for i in {1..30}; do mkdir -p /many/$i; touch /many/$i/{1..300}; done; touch /many/{1..3}/{301..2000}")
    return container


def test_they_work_together(fleet, running):
    assert fleet.run(fleet.instance_id(running), "ls home")[0] == running.exec("ls", "home").stdout


def test_a_join_token_is_good_for_one_join(fleet, tmp_path, engine):
    second = run(
        BIN / "boathook", "agent", "--server", fleet.url, "--data-dir", tmp_path / "second", "--engine", engine.url,
        f"--join={fleet.token}", check=False, timeout=60,
    )
    assert second.returncode != 0 and b"ready" not in second.stdout


def test_the_agent_is_killed_and_started_again(fleet, spoilable):
    instance = fleet.instance_id(spoilable)
    reader, reader_pid = fleet.frozen(instance, "du -a many")
    queued = [fleet.put_command(instance, "ls home").json["command_id"] for _ in range(10)]

    fleet.agent.kill()
    late = [fleet.put_command(instance, "ls home").json["command_id"] for _ in range(5)]
    eventually("the jailed tool is gone with its agent", lambda: not pathlib.Path(f"/proc/{reader_pid}/exe").exists())
    fleet.start_agent()

    for identifier in [reader, *queued, *late]:
        row = fleet.final(identifier)
        # What only reads may run again.
        assert row["state"] in ("exited", "lost"), row
    assert all(fleet.command(identifier)["state"] == "exited" for identifier in late)


def test_a_command_that_writes_runs_at_most_once(fleet, spoilable):
    instance = fleet.instance_id(spoilable)
    writer, pid = fleet.frozen(instance, "rm -r many")
    fleet.agent.kill()
    eventually("the jailed tool is gone with its agent", lambda: not pathlib.Path(f"/proc/{pid}/exe").exists())
    left = spoilable.exec("ls", "/many").stdout
    fleet.start_agent()

    row = fleet.final(writer)
    assert row["state"] == "lost", row
    time.sleep(0.5)
    assert spoilable.exec("ls", "/many").stdout == left, "it ran a second time"


def test_the_cli_says_lost_with_126(fleet, spoilable):
    import subprocess

    instance = fleet.instance_id(spoilable)
    waiting = subprocess.Popen(
        [BIN / "boathook", "execute", str(instance), "rm -r many"], env=fleet.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert jailed.freeze(fleet.agent.pid, "rm", 60), "it was over before it could be stopped"
    fleet.agent.kill()
    fleet.start_agent()
    _, errors = waiting.communicate(timeout=120)
    assert waiting.returncode == 126, errors
    assert b"lost" in errors


@pytest.mark.parametrize("gently", [True, False], ids=["SIGTERM", "SIGKILL"])
def test_the_server_is_restarted(fleet, many_files, gently):
    instance = fleet.instance_id(many_files)
    slow, pid = fleet.frozen(instance, "du -a many")
    accepted = [fleet.put_command(instance, "ls many").json for _ in range(10)]

    if gently:
        fleet.server.terminate()
    else:
        fleet.server.kill()
    jailed.thaw(pid)
    time.sleep(0.5)
    fleet.start_server()

    row = fleet.final(slow)
    assert (row["state"], row["exit_code"]) == ("exited", 0)
    assert fleet.agent.is_alive
    for answer in accepted:
        assert fleet.final(answer["command_id"])["state"] == "exited"
        assert fleet.result(answer["result_url"]).body == many_files.exec("ls", "many").stdout


def test_both_are_killed_under_load(fleet, many_files):
    instance = fleet.instance_id(many_files)
    accepted = []
    for round in range(3):
        accepted += [fleet.put_command(instance, "du -s many").json["command_id"] for _ in range(10)]
        (fleet.agent if round % 2 == 0 else fleet.server).kill()
        if round % 2 == 0:
            fleet.start_agent()
        else:
            fleet.start_server()
    states = [fleet.final(identifier, 90)["state"] for identifier in accepted]
    assert set(states) <= TERMINAL
    assert states[-1] == "exited" and len(set(accepted)) == 30


def test_an_agent_that_is_away_is_waited_for(fleet, running):
    instance = fleet.instance_id(running)
    fleet.agent.terminate()
    eventually("its link is seen to be closed", lambda: not fleet.request("GET", "/api/v0/machines").json["machines"][0]["online"])
    accepted = fleet.put_command(instance, "ls home")
    assert accepted.status == 200, accepted
    assert fleet.command(accepted.json["command_id"])["state"] == "queued"
    fleet.start_agent()
    assert fleet.final(accepted.json["command_id"])["state"] == "exited"


def test_an_order_that_a_killed_server_took_is_the_same_when_it_comes_again(fleet, spoilable):
    """The caller never had its answer; the command ends before the server is back, and the caller asks again."""
    instance = fleet.instance_id(spoilable)
    for folder in ("many/1", "many/2", "many/3"):
        began = time.monotonic()
        command, pid = fleet.frozen(instance, f"rm -r {folder}", timeout=60)
        fleet.server.kill()
        jailed.thaw(pid)
        fleet.start_server()
        assert fleet.final(command)["state"] == "exited"
        again = fleet.put_command(instance, f"rm -r {folder}").json["command_id"]
        # It is held for five seconds, which a busy machine may spend on the server's start.
        if time.monotonic() - began < 4.5:
            break
    assert again == command
