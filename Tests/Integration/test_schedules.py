"""Scheduled commands in real time: what is due at a full minute is done once (docs/schedules.md)."""

import json
import time

import pytest

from harness.boathook import BIN, Client
from harness.engine import run
from harness.waiting import eventually

PATH = "/api/v0/commands/schedule_job/"


def jobs(client):
    answer = client.request("GET", PATH)
    assert answer.status == 200, answer
    return answer.json


def soon(up, identifier, command, seconds=4):
    """A job that is due at the next full minute that is at least so far away: its id, and when."""
    while True:
        due = (int(time.time() + seconds) // 60 + 1) * 60
        answer = up.request("POST", PATH, body={
            "start_time": due, "end_time": due + 1, "api_endpoint": f"/api/v0/instances/command/{identifier}/",
            "request_method": "PUT", "request_body": {"command": command}, "frequency": "HOURLY", "instance_id": identifier,
        })
        if time.time() < due:
            assert answer.status == 200, answer
            return answer.json["scheduled_job_id"], due
        # On a busy machine it came too late, and what is over is not done.
        if answer.status == 200:
            up.request("DELETE", f"{PATH}{answer.json['scheduled_job_id']}/")


def fired(up, job, seconds=150):
    def run():
        (row,) = [row for row in jobs(up) if row["id"] == job]
        return row["last_run"] and row["last_run"]["state"] and row

    return eventually(f"job {job} is fired", run, seconds, every=0.2)


@pytest.mark.slow
def test_a_job_runs_on_a_real_container_when_it_is_due(up, new_container):
    container = new_container()
    container.shell("touch /home/scheduled")
    identifier = up.instance_id(container)
    job, due = soon(up, identifier, "rm home/scheduled")
    row = fired(up, job)
    assert row["last_run"]["state"] == "fired" and row["fired"] == 1 and row["next_due_time"] is None
    command = up.final(row["last_run"]["command_id"])
    assert command["command"] == "rm home/scheduled" and command["exit_code"] == 0
    # Who looks once a minute would be that late.
    assert due <= command["created_at"] < due + 30
    assert b"scheduled" not in container.exec("ls", "/home").stdout
    assert up.request("DELETE", f"{PATH}{job}/").status == 200


@pytest.mark.slow
def test_a_job_outlives_a_killed_server_and_runs_once(start_up, running):
    up = start_up()
    identifier = up.instance_id(running)
    job, due = soon(up, identifier, "ls home", seconds=8)
    for _ in range(2):
        up.process.kill()
        up.start()
    row = fired(up, job)
    up.process.kill()
    up.start()
    assert up.final(row["last_run"]["command_id"])["command"] == "ls home"
    texts = [one["command"] for one in up.request("GET", "/api/v0/commands/").json["commands"]]
    assert texts == ["ls home"]


@pytest.mark.slow
def test_a_server_that_was_away_at_the_due_time_makes_it_good(start_up, running):
    up = start_up()
    job, due = soon(up, up.instance_id(running), "ls home")
    up.process.kill()
    while time.time() < due + 1:  # nothing is running that could tell
        time.sleep(0.2)
    up.start()
    assert fired(up, job, 60)["last_run"]["state"] == "fired"


@pytest.mark.slow
def test_a_revoked_key_fires_nothing(start_up, running):
    for _ in range(3):
        up = start_up()
        identifier = up.instance_id(running)
        made = json.loads(up.admin("create-key", "--user", "admin", "--json").stdout)
        job, due = soon(Client(up.url, made["key"], up.engine), identifier, "ls home")
        up.admin("revoke-key", "--id", str(made["id"]))
        if time.time() < due:
            break
    row = fired(up, job)
    assert row["last_run"]["state"] == "refused" and row["next_due_time"] is None
    assert up.request("GET", "/api/v0/commands/").json["commands"] == []
    assert b"event=job.refused" in run(BIN / "boathook", "admin", "audit", "show", "--data-dir", up.data).stdout
