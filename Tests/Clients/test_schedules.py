"""Unchanged official clients schedule commands (contract.md, 1.4; docs/schedules.md)."""

import datetime
import json
import subprocess
import time

import pytest

from harness.sdk import SDK_1

PATH = "/api/v0/commands/schedule_job/"
# As clients count days: 0 is Sunday. Any other day's last hour might come after the end of a week from today's beginning.
TOMORROW = (datetime.datetime.now(datetime.timezone.utc).isoweekday() + 1) % 7


@pytest.fixture
def mine(up):
    """The jobs that a test made are gone after it."""
    before = {row["id"] for row in jobs(up)}
    yield
    for row in jobs(up):
        if row["id"] not in before:
            assert up.request("DELETE", f"{PATH}{row['id']}/").status == 200


def jobs(client):
    answer = client.request("GET", PATH)
    assert answer.status == 200, answer
    return answer.json


def schedule(official, client, identifier, command, *words, stdin=""):
    """`vastai execute --schedule` of 1.9.1, with something on its standard input."""
    return subprocess.run(
        [official.program("1.9.1", "vastai"), "execute", str(identifier), command, *words],
        env=official.environment(client.url, client.key), input=stdin.encode(), capture_output=True, timeout=150)


@pytest.mark.parametrize("words, day, hour", [
    (["--schedule", "HOURLY", "--day", "*", "--hour", "*"], None, None),
    (["--schedule", "DAILY", "--day", "*", "--hour", "16"], None, 16),
    (["--schedule", "WEEKLY"], 0, 0),
    (["--schedule", "WEEKLY", "--day", str(TOMORROW), "--hour", "23"], TOMORROW, 23),
])
def test_cli_191_runs_once_and_schedules(official, up, running, mine, words, day, hour):
    identifier = up.instance_id(running)
    done = schedule(official, up, identifier, "ls home", *words)
    assert done.returncode == 0 and b"add_scheduled_job insert: success" in done.stdout, done
    (row,) = [row for row in jobs(up) if row["instance_id"] == identifier]
    assert row["api_endpoint"] == f"/api/v0/instances/command/{identifier}/" and row["request_method"] == "PUT"
    assert row["request_body"] == {"command": "ls home", "instance_id": identifier}
    assert (row["frequency"], row["day_of_the_week"], row["hour_of_the_day"]) == (words[1], day, hour)
    # Its start is today at 00:00 UTC; what was due before it was ordered is not done.
    assert row["min_of_the_hour"] == 0 and row["end_time"] - row["start_time"] == 7 * 86400
    due = datetime.datetime.fromtimestamp(row["next_due_time"], datetime.timezone.utc)
    assert time.time() < row["next_due_time"] <= row["end_time"] and due.minute == 0
    if hour is not None:
        assert due.hour == hour
    if day is not None:
        assert (due.weekday() + 1) % 7 == day  # 0 is Sunday
    newest = up.request("GET", "/api/v0/commands/?limit=1").json["commands"][0]
    assert newest["command"] == "ls home", "the client runs it at once, too"


def test_cli_191_needs_the_day_of_a_daily_job(official, up, running, mine):
    done = schedule(official, up, up.instance_id(running), "ls home", "--schedule", "DAILY")
    assert done.returncode == 1 and b'For DAILY jobs, day must be "*"' in done.stderr
    assert not jobs(up)


def test_cli_191_asks_before_it_changes_a_job_that_is_there(official, up, running, mine):
    identifier = up.instance_id(running)
    words = ["--schedule", "DAILY", "--day", "*", "--hour"]
    schedule(official, up, identifier, "ls home", *words, "3")
    (first,) = jobs(up)
    # Without a person it crashes by itself, on a 422 that has all it needs.
    done = schedule(official, up, identifier, "ls home", *words, "4")
    assert done.returncode == 1 and b"EOFError" in done.stderr, done
    done = schedule(official, up, identifier, "ls home", *words, "4", stdin="n\n")
    assert done.returncode == 0 and b"Job update aborted by the user." in done.stdout
    assert [row["hour_of_the_day"] for row in jobs(up)] == [3]
    done = schedule(official, up, identifier, "ls home", *words, "4", stdin="y\n")
    assert done.returncode == 0 and b"add_scheduled_job update: success" in done.stdout, done
    (row,) = jobs(up)
    assert row["id"] == first["id"] and row["hour_of_the_day"] == 4


def test_cli_050_runs_once_and_crashes_by_itself(official, up, running, mine):
    # It calls a function of its own with an argument too few, before it asks the server.
    identifier = up.instance_id(running)
    done = official.cli("0.5.0", up, "execute", identifier, "ls home", "--schedule", "WEEKLY")
    assert done.returncode == 1 and b"missing 1 required positional argument: 'contract_end_date'" in done.stderr, done
    assert not jobs(up)


@pytest.mark.parametrize("version", ["0.5.0", "1.9.1"])
def test_clis_list_and_delete(official, up, running, mine, version):
    identifier = up.instance_id(running)
    for words in (["HOURLY", "--day", "*", "--hour", "*"], ["WEEKLY"]):
        schedule(official, up, identifier, "du -s home", "--schedule", *words)
    listed = official.cli(version, up, "show", "scheduled-jobs", "--raw")
    assert listed.returncode == 0 and [row["id"] for row in json.loads(listed.stdout)] == [row["id"] for row in jobs(up)]
    table = official.cli(version, up, "show", "scheduled-jobs")
    assert table.returncode == 0, table
    text = table.stdout.decode()
    assert "Everyday" in text and "Every_hour" in text and "Sunday" in text and "12_AM" in text
    for row in jobs(up):
        done = official.cli(version, up, "delete", "scheduled-job", row["id"])
        assert done.returncode == 0 and b"'success': True" in done.stdout, done
    assert not jobs(up)
    done = official.cli(version, up, "delete", "scheduled-job", 987654321)
    assert b"Scheduled job not found." in done.stdout + done.stderr, done


def test_sdk_1(official, up, running, mine):
    identifier = up.instance_id(running)
    script = SDK_1 + """
import time
identifier = int(sys.argv[1])
now = time.time()
made = client.create_scheduled_job(
    start_time=now, end_time=now + 1e6, api_endpoint=f"/api/v0/instances/command/{identifier}/", request_method="PUT",
    request_body={"command": "ls", "instance_id": identifier}, frequency="WEEKLY", instance_id=identifier,
    day_of_the_week=3, hour_of_the_day=5)
changed = client.update_scheduled_job(made["scheduled_job_id"], {"command": "ls -l"}, hour_of_the_day=6)
rows = client.show_scheduled_jobs()
gone = client.delete_scheduled_job(made["scheduled_job_id"])
print(json.dumps([made, changed, rows, gone, client.show_scheduled_jobs()]))
"""
    made, changed, rows, gone, left = official.python("1.9.1", up, script, identifier)
    assert made["success"] and changed["scheduled_job_id"] == made["scheduled_job_id"] and gone["success"]
    (row,) = [row for row in rows if row["id"] == made["scheduled_job_id"]]
    assert row["request_body"]["command"] == "ls -l"
    assert (row["day_of_the_week"], row["hour_of_the_day"]) == (3, 6)
    assert row["id"] not in {row["id"] for row in left}
