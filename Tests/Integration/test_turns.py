"""Whose turn it is: accounts, instances, wishes to cancel, and starts that come too late."""

import contextlib
import os
import signal
import time

import pytest

from harness import jailed
from harness.removals import Removals
from harness.waiting import eventually

# The first folder has most of them, for rm to be caught in it.
FILES = "for i in {1..10}; do mkdir -p /many/$i; touch /many/$i/{1..400}; done; touch /many/1/{1..6000}"


@pytest.fixture
def crowd(new_container):
    container = new_container()
    container.shell(FILES)
    return container


def accepted(client, container, command, **options):
    answer = client.put_command(client.instance_id(container), command, **options)
    assert answer.status == 200, answer
    return answer.json["command_id"]


def order_to_cancel(client, identifier):
    answer = client.request("DELETE", f"/api/v0/commands/{identifier}/")
    assert answer.status == 200, answer
    return answer.json


# Accounts

def neighbour(up, new_container):
    """Another account, and an instance of its own."""
    other = up.other_user("neighbour")
    container = new_container(owner="neighbour")
    other.instance_id(container)
    return other, container


def test_no_account_has_the_last_slot(start_up, crowd, new_container, frozen_tool):
    up = start_up("--concurrency", "2")
    other, container = neighbour(up, new_container)
    slow, pid = frozen_tool(up, crowd, "du -a many")
    waiting = [accepted(up, crowd, "du -a many") for _ in range(59)]

    # The one that stands still has the account's only slot, and the other is still free for others.
    assert other.final(accepted(other, container, "ls home"))["state"] == "exited"
    assert {up.command(identifier)["state"] for identifier in waiting} == {"dispatched"}
    jailed.thaw(pid)
    assert {up.final(identifier)["state"] for identifier in [slow, *waiting]} == {"exited"}


def test_accounts_take_turns_for_the_only_slot(start_up, crowd, new_container, frozen_tool):
    up = start_up("--concurrency", "1")
    other, container = neighbour(up, new_container)
    slow, pid = frozen_tool(up, crowd, "du -a many")
    crowded = [accepted(up, crowd, "du -a many") for _ in range(59)]
    late = accepted(other, container, "ls home")
    assert other.command(late)["state"] == "dispatched"

    jailed.thaw(pid)
    started = other.final(late)["started_at"]
    before = [identifier for identifier in crowded if up.final(identifier)["started_at"] < started]
    assert len(before) <= 1, f"{len(before)} of the crowd came first"
    times = [up.command(identifier)["started_at"] for identifier in [slow, *crowded]]
    assert times == sorted(times), "an account's own commands come in their order"


def test_more_slots_are_shared_too(start_up, crowd, new_container, frozen_tool):
    up = start_up("--concurrency", "4")
    other, container = neighbour(up, new_container)
    for _ in range(3):
        frozen_tool(up, crowd, "du -a many")
    fourth = accepted(up, crowd, "ls many")
    assert other.final(accepted(other, container, "ls home"))["state"] == "exited"
    assert up.command(fourth)["state"] == "dispatched"


# Wishes to cancel, and deadlines

@pytest.mark.parametrize("behind", ["a slot", "a writer"])
def test_one_that_waits_is_cancelled_at_once(start_up, crowd, frozen_tool, behind):
    up = start_up("--concurrency", "1")
    _, pid = frozen_tool(up, crowd, "du -a many" if behind == "a slot" else "rm -r many/1")
    waiting = accepted(up, crowd, "rm -r many/2" if behind == "a writer" else "ls many")
    assert order_to_cancel(up, waiting) == {
        "success": True, "state": "dispatched", "msg": "Its machine was asked to end it; see the command's state."}
    # What is before it stands still for minutes.
    row = up.final(waiting)
    assert (row["state"], row["started_at"], row["output_bytes"]) == ("cancelled", None, 0)
    assert jailed.confined(pid)
    jailed.thaw(pid)
    assert b"2\n" in crowd.exec("ls", "/many").stdout


def test_the_line_goes_on_behind_one_that_was_cancelled(start_up, crowd, frozen_tool):
    up = start_up()
    first, pid = frozen_tool(up, crowd, "rm -r many/1")
    second, third = accepted(up, crowd, "rm -r many/2"), accepted(up, crowd, "ls many")
    order_to_cancel(up, second)
    assert up.final(second)["state"] == "cancelled"
    assert up.command(third)["state"] == "dispatched"
    jailed.thaw(pid)
    assert up.final(first)["state"] == "exited"
    assert "2" in up.final(third)["stdout"].split() and "1" not in up.command(third)["stdout"].split()


def test_a_writer_whose_start_is_overdue_expires_promptly(start_up, crowd, frozen_tool):
    for seconds, folder in ((1, "many/1"), (20, "many/3")):
        up = start_up("--writer-start-seconds", str(seconds))
        # The first one's start may be overdue, too.
        with contextlib.suppress(AssertionError):
            _, pid = frozen_tool(up, crowd, f"rm -r {folder}")
            break
    began = time.monotonic()
    late = accepted(up, crowd, "rm -r many/2")
    row = up.final(late)
    assert row["state"] == "expired" and row["started_at"] is None
    assert seconds - 0.5 < time.monotonic() - began < seconds + 9
    jailed.thaw(pid)
    assert b"2\n" in crowd.exec("ls", "/many").stdout


def test_a_reader_whose_start_is_overdue_expires_promptly(start_up, crowd, frozen_tool):
    up = start_up("--concurrency", "1", "--reader-start-seconds", "1")
    frozen_tool(up, crowd, "du -a many")
    began = time.monotonic()
    late = accepted(up, crowd, "ls many")
    assert up.final(late)["state"] == "expired"
    assert 0.5 < time.monotonic() - began < 10


# The order of writers

def test_writers_of_an_instance_run_in_the_order_of_acceptance(start_up, new_container, frozen_tool):
    container = new_container()
    container.shell("mkdir -p /d/{1..30}/inner /first; touch /first/{1..6000}")
    up = start_up("--writer-start-seconds", "600")
    with Removals(container.merged / "d") as removals:
        first, pid = frozen_tool(up, container, "rm -r first")
        writers = [accepted(up, container, f"rm -r d/{number}") for number in range(1, 31)]
        assert removals.so_far() == []
        jailed.thaw(pid)
        assert {up.final(identifier)["state"] for identifier in [first, *writers]} == {"exited"}
        assert removals.so_far() == [str(number) for number in range(1, 31)]


# A machine that is away

def is_away(fleet, container):
    """Whether the server has seen that the machine's link is closed."""
    identifier = accepted(fleet, container, "ls")
    return fleet.command(identifier)["state"] == "queued"


def given_to_an_agent_that_dies(fleet, container, command):
    """A command that was sent to its machine, which dies before it has read that."""
    os.kill(fleet.agent.pid, signal.SIGSTOP)
    identifier = accepted(fleet, container, command)
    assert fleet.command(identifier)["state"] == "dispatched"
    fleet.agent.kill()
    eventually("its link is closed", lambda: is_away(fleet, container))
    return identifier


AWAY = {"success": True, "state": "dispatched", "msg": "Its machine is away; it will be asked when it comes back."}


@pytest.mark.parametrize("restarted", [False, True], ids=["", "the server is restarted"])
def test_a_wish_is_kept_for_a_machine_that_is_away(start_fleet, crowd, restarted):
    fleet = start_fleet()
    writer = given_to_an_agent_that_dies(fleet, crowd, "rm -r many")
    assert order_to_cancel(fleet, writer) == AWAY
    assert fleet.command(writer)["state"] == "dispatched"
    if restarted:
        fleet.server.kill()
        fleet.start_server()
    fleet.start_agent()
    row = fleet.final(writer)
    assert (row["state"], row["started_at"]) == ("cancelled", None)
    assert len(crowd.exec("ls", "/many").stdout.split()) == 10


def test_what_was_not_sent_is_cancelled_at_once(start_fleet, crowd):
    fleet = start_fleet()
    fleet.agent.terminate()
    eventually("its link is closed", lambda: is_away(fleet, crowd))
    writer = accepted(fleet, crowd, "rm -r many")
    assert order_to_cancel(fleet, writer)["state"] == "queued"
    assert fleet.command(writer)["state"] == "cancelled"
    fleet.start_agent()
    fleet.final(accepted(fleet, crowd, "ls"))
    assert len(crowd.exec("ls", "/many").stdout.split()) == 10


@pytest.mark.parametrize("command", ["du -a many", "rm -r many"])
def test_a_wish_reaches_what_runs_when_the_link_comes_back(start_fleet, crowd, frozen_tool, command):
    fleet = start_fleet()
    identifier, pid = frozen_tool(fleet, crowd, command)
    # The agent and its tool stand still while the server goes and comes, and hears the wish.
    os.kill(fleet.agent.pid, signal.SIGSTOP)
    try:
        fleet.server.kill()
        fleet.start_server()
        met = order_to_cancel(fleet, identifier)
        assert met["success"] and met["msg"] == AWAY["msg"]
        fleet.server.kill()
        fleet.start_server()
    finally:
        os.kill(fleet.agent.pid, signal.SIGCONT)
    row = fleet.final(identifier)
    assert (row["state"], row["complete"]) == ("cancelled", False) and row["started_at"]
    eventually("the tool is gone", lambda: not jailed.confined(pid))
    assert len(crowd.exec("ls", "/many").stdout.split()) == 10


def test_a_wish_for_a_reader_whose_agent_died_keeps_it_from_running_anew(start_fleet, crowd, frozen_tool):
    fleet = start_fleet()
    identifier, _ = frozen_tool(fleet, crowd, "du -a many")
    fleet.agent.kill()
    eventually("its link is closed", lambda: is_away(fleet, crowd))
    assert order_to_cancel(fleet, identifier)["success"]
    fleet.start_agent()
    row = fleet.final(identifier)
    assert (row["state"], row["output_bytes"]) == ("cancelled", 0)
