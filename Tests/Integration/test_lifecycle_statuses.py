"""What rows say is so, also while things go wrong (contract.md, 3.4): pollers take `exited`, `unknown` and `offline` for the end."""

import contextlib
import os
import signal
import threading

import pytest

from harness import making
from harness.between import Between
from harness.engine import ROOT, Container, run
from harness.fleet import Fleet
from harness.making import Instances
from harness.waiting import eventually

REPORTS = "/agent/v1/reports"


@contextlib.contextmanager
def watched(made, identifier):
    """The statuses that somebody sees who asks as often as he can."""
    seen, done = set(), threading.Event()

    def look():
        while not done.is_set():
            seen.add(made.row(identifier)["actual_status"])

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


# Replacements that fail

def test_an_image_that_cannot_be_had_keeps_nobody_from_stopping_and_starting(made, start_registry):
    registry = start_registry()
    name = registry.push(made.engine, made.image, "gone:1")
    identifier = made.create(image=name)
    first = Container(made.engine, made.row(identifier)["container_id"])
    registry.stop()
    made.engine.docker("rmi", "--force", name)
    assert made.verb("recycle", identifier).json["success"]
    row = eventually(
        "it says what it waits for", lambda: "refused" in ((found := made.row(identifier))["status_msg"] or "") and found, 60)
    assert row["actual_status"] == "running" and row["container_id"] == first.name and first.is_running
    made.stop(identifier)
    assert not first.is_running
    made.start(identifier)
    assert first.is_running and made.row(identifier)["is_settled"] is False
    # The wish for a new container still stands.
    registry.start()
    eventually("it has another container", lambda: made.row(identifier)["container_id"] not in (None, first.name), 60, every=0.1)
    made.until(identifier, "running")
    made.destroy(identifier)


# What is on its way

def test_a_reboot_and_a_start_are_no_end(made):
    identifier = made.create()
    before = made.row(identifier)["start_date"]

    def is_anew():
        row = made.row(identifier)
        return row["start_date"] != before and row["actual_status"] == "running"

    with watched(made, identifier) as seen:
        assert made.verb("reboot", identifier).json["success"]
        eventually("it was started anew", is_anew, 60)
    assert seen <= {"running", "rebooting"}, seen
    made.stop(identifier)
    assert made.change(identifier, state="running").json["success"]
    with watched(made, identifier) as seen:
        made.until(identifier, "running")
    assert seen <= {"loading", "running"}, seen
    made.destroy(identifier)


def test_how_a_program_ended(made):
    identifier = made.create("exited", runtype="args", args=["/usr/bin/bash", "-c", "exit 3"])
    assert made.row(identifier)["status_msg"] == "exited with status 3"
    made.destroy(identifier)
    identifier = made.create()
    # Counted soon, not with all the others after two minutes.
    eventually("what it has written is known", lambda: made.row(identifier)["disk_usage"] >= 0, every=0.2)
    made.container(identifier).kill()
    assert made.until(identifier, "exited")["status_msg"] == "killed by signal 9"
    made.destroy(identifier)


# An engine that does not answer

@contextlib.contextmanager
def killed(engine):
    """The engine ends without a word, and is started again after the block."""
    os.kill(int((engine.folder / "e/engine.pid").read_text()), signal.SIGKILL)
    try:
        yield
    finally:
        # Its containerd went with it; Docker would wait for that one.
        (engine.folder / "e/exec/containerd/containerd.pid").unlink(missing_ok=True)
        run(ROOT / "bin/engine", "start", "--private", engine.folder / "e")


def test_an_engine_that_does_not_answer_is_no_secret(roomy, tmp_path):
    with making.home(roomy, tmp_path / "home") as up:
        made = Instances(up)
        identifier = made.create()
        with killed(roomy):
            assert "engine does not answer" in made.until(identifier, "unknown", 30)["status_msg"]
            assert made.offers() and not any(offer["rentable"] for offer in made.offers())
            [machine] = up.request("GET", "/api/v0/machines").json["machines"]
            assert (machine["online"], machine["engine_answers"]) == (True, False)
            answer = made.verb("reboot", identifier)
            assert (answer.status, answer.json["success"], answer.json["error"]) == (200, False, "invalid_id")
            assert made.change(identifier, state="stopped").json["success"]
            # No name of the machine's own parts reaches its tenants.
            row = made.row(identifier)
            assert row["actual_status"] == "unknown" and str(roomy.folder) not in str(row) and "errno" not in str(row)
        made.until(identifier, "exited", 60)
        eventually("it is as wished", lambda: made.row(identifier)["is_settled"], 60)
        assert all(offer["rentable"] for offer in made.offers())
        made.start(identifier)
        made.destroy(identifier)


# What could not be told

@pytest.fixture
def fleet(roomy, tmp_path):
    fleet = Fleet(roomy, tmp_path, agent_flags=making.flags(), between=Between)
    yield fleet
    fleet.end()
    roomy.clear()


def test_what_could_not_be_told_is_told_later_on_the_same_link(fleet):
    made = Instances(fleet)
    identifier, other = made.create(), made.create()
    container, links = made.container(identifier), fleet.between.links
    lost = []
    fleet.between.lets = lambda path: path != REPORTS or lost.append(path)
    assert made.change(identifier, state="stopped").json["success"]
    assert made.order_destroy(other).status == 200
    eventually("both are done", lambda: not container.is_running and set(made.containers()) == {identifier}, 60)
    # Whoever was not heard tries again after as long as it has tried by now.
    eventually("the server was not told", lambda: len(lost) >= 2, 60)
    destruction = f"/api/v0/instances/{other}/destruction/"
    assert made.row(identifier)["actual_status"] == "running"
    assert fleet.request("GET", destruction).json["state"] == "pending"
    fleet.between.lets = lambda path: True
    made.until(identifier, "exited")
    eventually("it is as wished", lambda: made.row(identifier)["is_settled"], 60)
    eventually("the other is gone", lambda: fleet.request("GET", destruction).json["state"] == "done", 60, every=0.1)
    assert fleet.between.links == links


def test_a_container_that_goes_before_the_server_knew_of_it_is_made_again(fleet):
    made = Instances(fleet)
    offer = made.offer
    lost = []
    fleet.between.lets = lambda path: path != REPORTS or lost.append(path)
    identifier = made.make(offer)["new_contract"]
    [name] = eventually("it has a container", lambda: made.containers().get(identifier))
    container = Container(made.engine, name)
    eventually("it runs", lambda: container.is_running)
    former = container.inspect()["Id"]
    so_far = len(lost)
    eventually("the server was not told", lambda: len(lost) >= so_far + 2, 60)
    container.remove()
    fleet.between.lets = lambda path: True
    assert made.until(identifier, "running")["container_id"] != former
    assert made.container(identifier).is_running
    made.destroy(identifier)


def followers(engine):
    """How many follow its events."""
    return int(engine.docker("info", "--format", "{{.NEventsListener}}").stdout)


def test_what_an_engine_ended_before_the_server_knew_that_it_ran_runs_again(fleet):
    made = Instances(fleet)
    identifier = made.create()
    made.stop(identifier)
    container = made.container(identifier)
    lost = []
    fleet.between.lets = lambda path: path != REPORTS or lost.append(path)
    assert made.change(identifier, state="running").json["success"]
    eventually("it runs", lambda: container.is_running)
    so_far = len(lost)
    eventually("the server was not told", lambda: len(lost) >= so_far + 2, 60)
    listeners = followers(made.engine)
    with killed(made.engine):
        pass
    # It has seen what became of its container before it tells that it runs.
    eventually("the agent is back at its engine", lambda: followers(made.engine) >= listeners, 60)
    fleet.between.lets = lambda path: True
    made.until(identifier, "running", 60)
    assert container.is_running
    made.destroy(identifier)


def test_a_paused_container_is_frozen(made):
    identifier = made.create()
    container = made.container(identifier)
    container.engine.docker("pause", container.name)
    # The engine's events tell it: what looks by itself does so a second after the start, and then in two minutes.
    row = made.until(identifier, "frozen", 30)
    assert row["intended_status"] == "running"
    container.engine.docker("unpause", container.name)
    made.until(identifier, "running", 30)
    # A start of what is paused goes on where it was.
    container.engine.docker("pause", container.name)
    made.until(identifier, "frozen", 30)
    started = container.inspect()["State"]["StartedAt"]
    made.start(identifier)
    assert container.inspect()["State"]["StartedAt"] == started
    made.destroy(identifier)
