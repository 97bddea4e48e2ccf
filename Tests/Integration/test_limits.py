"""What one command may use: memory, processor, time, output; and the control groups that hold it."""

import json
import os
import pathlib
import signal

import pytest

from harness import cgroups, jailed
from harness.boathook import TERMINAL
from harness.orders import accepted, ended, order, output
from harness.policies import document
from harness.waiting import eventually

READERS = """
  - program: ls
    options: [{letters: aRl}]
  - program: du
    options: [{letters: as}]
  - program: sort
    options: [{letters: n}]
  - program: grep
    options: []
    operands: {leading: 1}
  - program: cat
    options: []
  - program: sha256sum
    options: []
"""


@pytest.fixture
def limited(start_up, tmp_path):
    """A Boathook whose readers have these limits, on the server's side alone."""

    def start(limits, *flags):
        path = document(tmp_path, f"limits: {json.dumps(limits)}\nrules:{READERS}")
        up = start_up("--policy", path, *flags)
        up.agent_folder = up.data / "agent"
        started.append(up)
        return up

    started = []
    yield start
    # Whoever is killed leaves its groups to its next start.
    for up in started:
        if up.process.is_alive:
            up.process.terminate()


@pytest.fixture
def files(new_container):
    """A container with a tree that takes a tool a while, and with large files: one to be read for a second, one without end."""
    container = new_container()
    for folder in range(20):
        top = container.merged / f"many/{folder}"
        top.mkdir(parents=True)
        for number in range(150):
            (top / str(number)).touch()
    with (container.merged / "home/line").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * (1 << 20))
    with (container.merged / "home/holes").open("wb") as file:
        file.truncate(1 << 40)
    return with_some(container)


def with_some(container):
    """A file whose digest takes a tool some tenths of a second, and no space on the disk."""
    with (container.merged / "home/some").open("wb") as file:
        file.truncate(200 << 20)
    return container


def has_groups():
    return any(cgroups.hierarchies())


# Memory

@pytest.mark.parametrize("command, said", [("sort home/line", "sort: memory exhausted\n"), ("grep y home/line", "grep: memory exhausted\n")])
def test_what_wants_more_memory_than_it_may_have_ends(limited, files, command, said):
    up = limited({"memory_mib": 64})
    instance = up.instance_id(files)
    row = ended(up, instance, command)
    # By its own error or by the kernel: never with a result.
    if row["state"] == "exited":
        assert (row["exit_code"], row["stderr"], row["stdout"]) == (2, said, ""), row
    else:
        assert row["state"] == "signalled" and row["note"] == "it used up the memory that it may have", row
    assert row["decision"]["limits"]["memory_bytes"] == 64 << 20
    assert output(up, instance, "ls home") == b"holes\nline\nmaria\nsome\n"
    # The control: with more, it comes to its end.
    wide = limited({"memory_mib": 2048, "output_mib": 1})
    row = ended(wide, wide.instance_id(files), command)
    assert (row["exit_code"] == 1) if command.startswith("grep") else ("its output reached its limit" in row["note"]), row


@pytest.mark.skipif(not has_groups(), reason="this host has no control groups")
def test_a_tool_that_its_group_kills_says_why(limited, files):
    up = limited({"memory_mib": 1024})
    # It holds a line that has no end, and stops far from what it may have.
    identifier, pid = up.frozen(up.instance_id(files), "sort home/holes")
    try:
        group = next(group for group in cgroups.groups(up.agent_folder) if cgroups.memory_limit(group))
        assert cgroups.memory_limit(group) == 1024 << 20
        assert (group / "cgroup.procs").read_text().split() == [str(pid)]
        # The tool may still have so many addresses, but no such memory behind them.
        for name, used in (("memory.limit_in_bytes", "memory.usage_in_bytes"), ("memory.max", "memory.current")):
            if (group / name).exists():
                # More than it has by now: what it has is not taken away.
                (group / name).write_text(str(int((group / used).read_text()) + (32 << 20)))
    finally:
        jailed.thaw(pid)
    row = up.final(identifier)
    assert (row["state"], row["signal"], row["complete"]) == ("signalled", signal.SIGKILL, False), row
    assert row["note"] == "it used up the memory that it may have"


def test_somebody_elses_kill_is_not_called_a_want_of_memory(limited, files):
    up = limited({"memory_mib": 64})
    identifier, pid = up.frozen(up.instance_id(files), "sha256sum home/holes")
    os.kill(pid, signal.SIGKILL)
    row = up.final(identifier)
    assert (row["state"], row["signal"]) == ("signalled", signal.SIGKILL)
    assert row["note"] == "it used up the machine's memory, or somebody killed it there"


# Groups

@pytest.mark.skipif(not has_groups(), reason="this host has no control groups")
def test_each_tool_is_in_a_group_of_its_own_with_its_limits(limited, files, new_container):
    up = limited({"memory_mib": 96})
    other = with_some(new_container())
    first, one = up.frozen(up.instance_id(files), "sha256sum home/some")
    eventually("it stands still", lambda: jailed.stopped(one))
    second, two = up.frozen(up.instance_id(other), "sha256sum home/some")
    try:
        places = [cgroups.members(pid) for pid in (one, two)]
        for controller in ("memory", "pids", "cpu"):
            mine = {place.get(controller, place.get("", "")) for place in places}
            assert len(mine) == 2 and all("/boathook/" in path for path in mine), (controller, places)
        for group in cgroups.groups(up.agent_folder):
            for name, value in (
                ("pids.max", "1"), ("memory.limit_in_bytes", str(96 << 20)), ("memory.max", str(96 << 20)), ("memory.swap.max", "0"),
                ("cpu.cfs_quota_us", "100000"), ("cpu.max", "100000 100000"),
            ):
                if (group / name).exists():
                    assert (group / name).read_text().strip() == value, group / name
    finally:
        jailed.thaw(one)
        jailed.thaw(two)
    assert {up.final(first)["exit_code"], up.final(second)["exit_code"]} == {0}


@pytest.mark.skipif(not has_groups(), reason="this host has no control groups")
def test_groups_are_used_again_and_gone_in_the_end(limited, files):
    up = limited({"memory_mib": 64}, "--concurrency", "2")
    instance = up.instance_id(files)
    folders = cgroups.of(up.agent_folder)
    assert folders
    started = [accepted(up, instance, "ls home")["command_id"] for _ in range(30)]
    assert {up.final(identifier)["exit_code"] for identifier in started} == {0}
    made = {group.name for group in cgroups.groups(up.agent_folder)}
    assert 1 <= len(made) <= 2, made
    status, _ = up.process.terminate()
    assert status == 0
    assert [folder for folder in folders if folder.exists()] == []


@pytest.mark.skipif(not has_groups(), reason="this host has no control groups")
def test_groups_of_a_killed_agent_go_with_its_next_start(limited, files):
    up = limited({"memory_mib": 64}, "--concurrency", "3")
    instance = up.instance_id(files)
    identifier, pid = up.frozen(instance, "sha256sum home/some")
    up.process.kill()
    left = cgroups.groups(up.agent_folder)
    assert left, "the control: a killed agent removes nothing"
    eventually("its tool is gone", lambda: not jailed.stopped(pid))
    up.start()
    eventually("it was started again", lambda: up.command(identifier)["state"] == "exited", 60)
    assert {group.name for group in cgroups.groups(up.agent_folder)} <= {"1"}
    folders = cgroups.of(up.agent_folder)
    assert up.process.terminate()[0] == 0
    assert [folder for folder in folders if folder.exists()] == []


@pytest.mark.skipif(not has_groups(), reason="this host has no control groups")
def test_two_agents_on_one_host_keep_out_of_each_others_groups(limited, files):
    one, two = limited({"memory_mib": 64}), limited({"memory_mib": 64})
    for up in (one, two):
        assert output(up, up.instance_id(files), "ls home")
    assert not set(cgroups.of(one.agent_folder)) & set(cgroups.of(two.agent_folder))
    assert one.process.terminate()[0] == 0
    assert cgroups.groups(two.agent_folder) and not cgroups.of(one.agent_folder)
    assert output(two, two.instance_id(files), "ls home")


# Time

def test_the_time_of_a_rule_holds_where_none_is_asked_for(limited, files):
    up = limited({"wall_seconds": 1})
    instance = up.instance_id(files)
    for _ in range(10):
        identifier = accepted(up, instance, "sha256sum home/holes")["command_id"]
        # Its time may be over before it is caught: then it was spent on the processor.
        if pid := jailed.freeze(up.agent_pid, "sha256sum", 60, lambda: up.command(identifier)["state"] in TERMINAL):
            break
        up.final(identifier)
    assert pid, "it was over before it could be stopped"
    row = up.final(identifier)
    assert (row["state"], row["complete"], row["note"]) == ("timed_out", False, "killed after 1 s"), row
    assert not pathlib.Path(f"/proc/{pid}").exists()


def test_a_caller_may_ask_for_no_more_than_the_most(limited, files):
    up = limited({"wall_seconds": 1, "max_wall_seconds": 3})
    instance = up.instance_id(files)
    assert order(up, instance, "ls", dry_run=True).json["decision"]["limits"] | {"wall_seconds": 1, "max_wall_seconds": 3} == order(
        up, instance, "ls", dry_run=True).json["decision"]["limits"]
    for seconds in (4, 86400):
        answer = order(up, instance, "ls", timeout=seconds)
        assert (answer.status, answer.json["error"]) == (400, "invalid_args")
        assert answer.json["msg"] == "timeout must be at most 3 for this command."
    identifier, _ = up.frozen(instance, "sha256sum home/holes", timeout=3)
    row = up.final(identifier)
    assert row["state"] == "timed_out" and row["note"] == "killed after 3 s" and row["runtime"] >= 3, row


def test_a_machine_allows_less_time(start_up, files, tmp_path):
    """The server's policy would give a minute."""
    path = document(tmp_path, f"limits: {{wall_seconds: 1, max_wall_seconds: 2}}\nrules:{READERS}")
    up = start_up("--machine-policy", path)
    identifier, _ = up.frozen(up.instance_id(files), "du -a many")
    row = up.final(identifier)
    assert row["state"] == "timed_out" and row["note"] == "killed after 2 s", row


def test_processor_time_ends_too(limited, files):
    up = limited({"cpu_seconds": 1, "wall_seconds": 50})
    row = ended(up, up.instance_id(files), "sha256sum home/holes", seconds=90)
    assert row["state"] == "signalled" and row["signal"] in (signal.SIGXCPU, signal.SIGKILL), row
    assert row["complete"] is False and row["stdout"] == "" and row["runtime"] < 40
    assert row["note"] == "it used up its processor time"


# Output

@pytest.mark.parametrize("command", ["cat home/line", "cat home/line home/none"])
def test_output_ends_at_the_rules_limit(limited, files, command):
    up = limited({"output_mib": 1})
    instance = up.instance_id(files)
    row = ended(up, instance, command)
    assert (row["state"], row["output_bytes"], row["complete"]) == ("signalled", 1 << 20, False)
    assert row["note"] == f"killed when its output reached its limit of {1 << 20} bytes"
    assert row["decision"]["limits"]["output_bytes"] == 1 << 20
    assert up.request("GET", f"/api/v0/commands/{row['id']}/output").body == b"x" * (1 << 20)


def test_the_setting_counts_if_it_is_less(limited, files):
    up = limited({"output_mib": 5}, "--output-mib", "2")
    row = ended(up, up.instance_id(files), "cat home/line")
    assert row["output_bytes"] == 2 << 20 == row["decision"]["limits"]["output_bytes"]


def test_limits_are_each_rules_own(start_up, files, tmp_path):
    path = document(tmp_path, """limits: {output_mib: 2, wall_seconds: 7}
rules:
  - program: cat
    options: []
    limits: {output_mib: 1}
  - program: ls
    options: []
  - use: vast/du
    limits: {wall_seconds: 9, max_wall_seconds: 10, memory_mib: 100000}
""")
    up = start_up("--policy", path)
    instance = up.instance_id(files)

    def limits(command):
        return order(up, instance, command, dry_run=True).json["decision"]["limits"]

    default = {"memory_bytes": 1 << 30, "max_wall_seconds": 86400}
    assert limits("cat home/line") == {**default, "output_bytes": 1 << 20, "wall_seconds": 7}
    assert limits("ls") == {**default, "output_bytes": 2 << 20, "wall_seconds": 7}
    # A rule that is used gets lower, never higher.
    assert limits("du") == {"memory_bytes": 1 << 30, "max_wall_seconds": 10, "output_bytes": 64 << 20, "wall_seconds": 9}
    assert ended(up, instance, "cat home/line")["output_bytes"] == 1 << 20
