"""A disk without a free byte: `du`, `ls` and `rm`, which people need then, work; nothing is lost."""

import hashlib

import pytest

from harness import http
from harness.disk import SmallDisk
from harness.waiting import eventually

RESERVE = 32 << 20


@pytest.fixture
def disk(tmp_path):
    disk = SmallDisk(tmp_path)
    yield disk
    disk.close()


@pytest.fixture
def full(disk, start_up):
    """`boathook up` on a disk that was filled after its start."""
    # Hundreds of commands stand in line, and a slow machine takes its time with them.
    up = start_up("--writer-start-seconds", "600", data=disk.path / "data")
    yield up
    up.process.end()


@pytest.fixture
def crowded(new_container):
    container = new_container()
    container.shell("mkdir /many; cd /many; for i in {1..20}; do mkdir $i; touch $i/{1..500}; done; touch /home/one /home/two /home/three")
    return container


def reserve(up):
    """Bytes that the server's reserve takes of the disk."""
    return (up.data / "reserve").stat().st_blocks * 512


def outcome(up, container, command):
    """Runs the command: its output by the result URL, which its row describes."""
    output, row = up.run(up.instance_id(container), command)
    assert (row["state"], row["exit_code"], row["complete"]) == ("exited", 0, True), row
    assert hashlib.sha256(output).hexdigest() == row["sha256"] and len(output) == row["output_bytes"]
    again = up.request("GET", f"/api/v0/commands/{row['id']}/output")
    assert (again.status, again.body) == (200, output)
    return output


def test_all_three_commands_work(disk, full, crowded):
    assert reserve(full) >= RESERVE
    # What the machine tells at its start may need a part of the reserve, and leave some of that.
    eventually("the disk is full", lambda: disk.fill() or disk.free == 0)
    assert outcome(full, crowded, "ls home") == crowded.exec("ls", "home").stdout
    assert outcome(full, crowded, "du -a many") == crowded.exec("du", "-a", "many").stdout
    assert outcome(full, crowded, "rm home/one") == b""
    assert outcome(full, crowded, "rm -rv many/1").count(b"removed") == 501
    crowded.stop()
    assert outcome(full, crowded, "rm -v home/two") == b"removed 'home/two'\n"
    crowded.start()
    assert crowded.exec("ls", "/home").stdout == b"maria\nthree\n"


def test_it_works_in_two_processes_on_one_full_disk(disk, engine, crowded):
    from harness.fleet import Fleet

    fleet = Fleet(engine, disk.path)
    try:
        disk.fill()
        for command in ("ls home", "du -a many", "rm home/one"):
            outcome(fleet, crowded, command)
    finally:
        fleet.end()
    assert crowded.exec("ls", "/home").stdout == b"maria\nthree\ntwo\n"


@pytest.mark.slow
def test_many_in_a_row_and_a_kill_in_between(disk, full, crowded):
    crowded.shell("mkdir /unwanted; touch /unwanted/{1..300}")
    instance = full.instance_id(crowded)
    expected = crowded.exec("ls", "many").stdout
    disk.fill()
    accepted = []
    for number in range(1, 301):
        command = f"rm unwanted/{number}" if number % 3 == 0 else "ls many"
        answer = full.put_command(instance, command)
        assert answer.status == 200, (number, answer)
        accepted.append((answer.json, b"" if number % 3 == 0 else expected))
        if number % 100 == 0:
            for done, _ in accepted:
                full.final(done["command_id"], 200)
            full.process.kill()
            # What the last process had may be free for a moment.
            disk.fill("filler")
            full.start()
    for answer, output in accepted:
        row = full.final(answer["command_id"])
        assert (row["state"], row["exit_code"]) == ("exited", 0), row
        assert http.get(answer["result_url"]).body == output
    assert crowded.exec("ls", "/unwanted").stdout.split() == sorted(str(n).encode() for n in range(1, 301) if n % 3)


def test_killed_with_open_commands_and_started_on_the_full_disk(disk, full, crowded):
    instance = full.instance_id(crowded)
    identifier, _ = full.frozen(instance, "du -a many", timeout=300)
    behind = [full.put_command(instance, command).json["command_id"] for command in ("rm home/one", "ls home", "rm home/two")]
    disk.fill()
    full.process.kill()
    disk.fill()
    full.start()
    rows = [full.final(each) for each in (identifier, *behind)]
    assert [row["state"] for row in rows] == ["exited"] * 4, rows
    assert rows[0]["sha256"] == hashlib.sha256(crowded.exec("du", "-a", "many").stdout).hexdigest()
    assert rows[2]["stdout"] == "maria\nthree\ntwo\n"


def test_a_writer_that_was_killed_is_lost_on_the_full_disk_too(disk, full, new_container):
    container = new_container()
    container.shell("mkdir -p /many/{1..3000}")
    disk.fill()
    identifier, _ = full.frozen(full.instance_id(container), "rm -rv many", timeout=300)
    full.process.kill()
    disk.fill()
    full.start()
    row = full.final(identifier)
    assert (row["state"], row["complete"]) == ("lost", False), row
    assert "not run again" in row["note"]


def test_output_that_is_more_than_what_is_kept_ends_said(disk, full, large):
    """More than 1 MiB has no space of its own in the spool; it is killed, and says why; others go on."""
    disk.fill()
    output, row = full.run(full.instance_id(large), "du -a large")
    assert (row["state"], row["complete"]) == ("signalled", False) and "could not keep" in row["note"], row
    assert 0 < len(output) <= 32 << 20 and hashlib.sha256(output).hexdigest() == row["sha256"]
    assert large.exec("du", "-a", "large").stdout.startswith(output)
    assert outcome(full, large, "ls")


def test_it_goes_on_when_there_is_space_again(disk, full, crowded):
    disk.fill()
    for _ in range(20):
        outcome(full, crowded, "du -a many")
    assert reserve(full) < RESERVE
    disk.empty()
    eventually("the reserve is whole again", lambda: reserve(full) >= RESERVE, 60, every=0.2)
    assert outcome(full, crowded, "du -a many") == crowded.exec("du", "-a", "many").stdout
    # And for the next time it is there again.
    disk.fill()
    outcome(full, crowded, "rm home/one")


def test_it_starts_for_the_first_time_on_a_full_disk_or_says_why(disk, engine, tmp_path):
    from harness.boathook import BIN
    from harness.engine import run

    disk.fill()
    done = run(
        BIN / "boathook", "up", "--data-dir", disk.path / "data", "--listen", f"127.0.0.1:{http.free_port()}",
        "--engine", engine.url, check=False, timeout=60,
    )
    assert done.returncode != 0 and done.stdout == b""
    assert b"disk" in done.stderr.lower() or b"space" in done.stderr.lower(), done.stderr
