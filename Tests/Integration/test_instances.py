"""Containers become instances, and their state is right within a second."""

import time

import pytest

from harness.waiting import eventually


def test_only_labelled_containers_are_adopted(up, new_container):
    ours, other = new_container(), new_container(adopted=False)
    up.instance_id(ours, "running")
    assert other.name not in [row["label"] for row in up.instances()]


def test_state_follows_the_engine(up, new_container):
    container = new_container()
    identifier = up.instance_id(container, "running")
    took = []
    for change, status in [(container.stop, "exited"), (container.start, "running"), (container.kill, "exited")]:
        change()
        began = time.monotonic()
        assert up.instance_id(container, status) == identifier
        took.append(time.monotonic() - began)
    # A busy machine may be late with one of them.
    assert min(took) < 1, took
    container.remove()
    eventually("it is no longer listed", lambda: container.name not in [r["label"] for r in up.instances()])


def test_ids_are_never_reused(up, new_container):
    first = up.instance_id(container := new_container())
    container.remove()
    assert up.instance_id(new_container()) > first


def test_a_row_has_what_clients_need(up, running):
    row = next(row for row in up.instances() if row["label"] == running.name)
    assert isinstance(row["id"], int) and isinstance(row["start_date"], (int, float))
    assert isinstance(row["extra_env"], list) and isinstance(row.get("ports", {}), dict)
    assert row["actual_status"] == "running" and row["image_uuid"].startswith("boathook-test-debian")
    for column in ("gpu_util", "cpu_cores_effective", "cpu_ram", "disk_space", "dph_total", "inet_up", "inet_down", "reliability2", "uptime_mins"):
        assert row.get(column) is None or isinstance(row[column], (int, float)), column


def test_show_one(up, running):
    identifier = up.instance_id(running)
    for path in (f"/api/v0/instances/{identifier}/?owner=me", f"/api/v0/instances/{identifier}"):
        shown = up.request("GET", path)
        assert shown.status == 200 and shown.json["instances"]["id"] == identifier
    absent = up.request("GET", "/api/v0/instances/99999999/")
    assert (absent.status, absent.json) == (200, {"instances": None})
    assert up.request("GET", "/api/v0/instances/abc/").status == 400


def test_the_old_list(up, running):
    answer = up.request("GET", f"/api/v0/instances?owner=me&api_key={up.key}", key=None)
    assert answer.status == 200 and set(answer.json) == {"instances_found", "instances"}
    assert answer.json["instances_found"] == len(answer.json["instances"]) >= 1


def test_pages(up, engine, new_container):
    names = {new_container().name for _ in range(3)}
    eventually("all are listed", lambda: names <= {row["label"] for row in up.instances()})
    for _ in range(10):
        before = {row["id"] for row in up.instances()}
        seen, token = [], None
        for _ in range(50):
            query = "?limit=2" + (f"&after_token={token}" if token else "")
            page = up.request("GET", f"/api/v1/instances/{query}").json
            assert set(page) == {"success", "total_instances", "label_counts", "instances_found", "instances", "next_token"}
            assert len(page["instances"]) <= 2
            seen += [row["id"] for row in page["instances"]]
            token = page["next_token"]
            if not token:
                break
        # What another test has removed may go from the list only now.
        if before == {row["id"] for row in up.instances()}:
            break
    assert len(seen) == len(set(seen)) == page["total_instances"]
    assert before == set(seen)


def test_current_user(up):
    for path in ("/api/v0/users/current", "/api/v0/users/current/", "/api/v0/users/current?owner=me"):
        answer = up.request("GET", path)
        assert answer.status == 200 and {"id", "email", "username"} <= set(answer.json)
    assert up.request("GET", "/api/v0/users/current", key="wrong").status == 401


def test_gpu_names_need_no_key(up):
    answer = up.request("GET", "/api/v0/gpu_names/unique/", key=None)
    assert answer.status == 200 and isinstance(answer.json["gpu_names"], list)


def test_a_command_waits_for_nothing_while_others_run(up, many_files, running, frozen_tool):
    """A long command on one container does not hold up a short one on another."""
    from harness import jailed

    identifier, pid = frozen_tool(up, many_files, "du -a many")
    assert up.run(up.instance_id(running), "ls home")[1]["exit_code"] == 0
    assert up.command(identifier)["state"] in ("dispatched", "running") and jailed.stopped(pid)
    jailed.thaw(pid)
    assert up.final(identifier)["state"] == "exited"


def test_a_stopped_container_starts_while_a_reader_runs_and_after_a_writer(up, new_container):
    container = new_container()
    container.shell("mkdir /home/d; touch /home/d/{1..200}")
    container.stop()
    identifier = up.instance_id(container, "exited")
    assert up.run(identifier, "rm -r home/d")[1]["exit_code"] == 0
    container.start()
    assert up.instance_id(container, "running") == identifier
    assert container.exec("ls", "/home").stdout.split() == [b"maria"]


@pytest.mark.slow
def test_a_busy_quarter_of_a_minute_leaves_nothing_behind(up, running, stopped):
    import os
    import pathlib

    from harness import jailed

    def residue():
        processes = jailed.descendants(up.process.pid)
        mounts = pathlib.Path("/proc/self/mountinfo").read_text().count("\n")
        descriptors = len(os.listdir(f"/proc/{up.process.pid}/fd"))
        return len(processes), mounts, descriptors

    def busy(rounds):
        answers = [up.put_command(up.instance_id(one), "ls -l home") for _ in range(rounds) for one in (running, stopped)]
        assert {answer.status for answer in answers} == {200}
        for answer in answers:
            up.final(answer.json["command_id"])

    # Every slot gets the control groups that it keeps.
    busy(20)
    before = residue()
    busy(100)

    def as_before():
        # The last one may still have been on its way out before.
        return all(now <= then + more for now, then, more in zip(residue(), before, (0, 0, 20)))

    eventually("processes and mounts are as before, descriptors nearly", as_before, every=0.2)
