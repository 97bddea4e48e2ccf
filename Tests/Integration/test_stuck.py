"""A tool that does not die when it is killed: set aside and reported, and the agent serves on.

The freezer of version 1 keeps a task from acting on any signal, SIGKILL too, as a file system that does not answer would
(Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst of Linux).
"""

import os
import pathlib

import pytest

from harness.waiting import eventually

FREEZER = pathlib.Path("/sys/fs/cgroup/freezer")


@pytest.fixture
def freeze_for_good():
    """`freeze_for_good(pid)`: until the test lets it go, which it does at its end at the latest. False when it had ended before."""
    if not (FREEZER / "tasks").exists():
        pytest.skip("this host has no freezer of version 1, and that of version 2 lets SIGKILL through")
    group = FREEZER / f"boathook-test-{os.getpid()}"
    group.mkdir()

    def freeze(pid):
        try:
            (group / "tasks").write_text(str(pid))
        except ProcessLookupError:
            return False
        (group / "freezer.state").write_text("FROZEN")
        eventually("it is frozen, or was over", lambda: (group / "freezer.state").read_text() != "FREEZING\n")
        if is_there(pid) and pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
            return True
        let_go()
        return False

    def let_go():
        (group / "freezer.state").write_text("THAWED")

    freeze.let_go = let_go
    yield freeze
    let_go()
    eventually("the group is empty", lambda: not (group / "tasks").read_text().split())
    group.rmdir()


def is_there(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def test_a_tool_that_does_not_die_is_set_aside(start_up, many_files, freeze_for_good):
    up = start_up("--concurrency", "1")
    instance = up.instance_id(many_files)
    for timeout in (1, 5, 20):
        identifier, pid = up.frozen(instance, "du -a many", timeout=timeout)
        # Its time may be over before it is frozen for good.
        if freeze_for_good(pid):
            break
        up.final(identifier)

    row = up.final(identifier)
    assert (row["state"], row["complete"]) == ("timed_out", False), row
    assert "it is stuck in the kernel" in row["note"], row
    assert is_there(pid), "it died after all, so nothing was shown"

    # The only slot is free, and its control group is not shared with the one that is stuck.
    output, after = up.run(instance, "ls -d many")
    assert (output, after["state"], after["exit_code"]) == (b"many\n", "exited", 0), after

    freeze_for_good.let_go()
    # Collected with the next command, so that no zombie stays.
    up.run(instance, "ls -d many")
    eventually("the dead tool was collected", lambda: up.run(instance, "ls -d many") and not is_there(pid))


def test_a_wish_to_cancel_it_ends_the_same_way(start_up, many_files, freeze_for_good):
    up = start_up()
    identifier, pid = up.frozen(up.instance_id(many_files), "du -a many")
    assert freeze_for_good(pid)
    assert up.request("DELETE", f"/api/v0/commands/{identifier}/").status == 200
    row = up.final(identifier)
    assert row["state"] == "cancelled" and "it is stuck in the kernel" in row["note"], row
    assert is_there(pid)
