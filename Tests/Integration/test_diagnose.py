"""Programs that run inside a running instance, through its engine: its own, and hostile ones."""

import os
import re
import subprocess

import pytest

from harness import usage
from harness.boathook import Up
from harness.following import Follower
from harness.orders import accepted, denial, ended, order, output
from harness.policies import document
from harness.waiting import eventually


@pytest.fixture(scope="module")
def diagnosing(engine, tmp_path_factory):
    up = Up(engine, tmp_path_factory.mktemp("diagnosing"), "--policy", "diagnose")
    yield up
    up.process.terminate()
    up.process.end()


@pytest.fixture
def instance_with(diagnosing, new_container):
    """A running container whose `ps` is this script: its instance's id, and the container."""

    def make(script, *options):
        container = new_container(*options)
        install(container, "ps", script)
        return diagnosing.instance_id(container), container

    return make


def install(container, program, script):
    path = container.merged / "usr/bin" / program
    path.write_text("#!/usr/bin/bash\n" + script + "\n")
    path.chmod(0o755)


def processes(container):
    """The command lines of the container's processes, as the host sees them."""
    listed = container.engine.docker("top", container.name, "-eo", "pid,args").stdout.decode().splitlines()[1:]
    return {int(line.split(None, 1)[0]): line.split(None, 1)[1] for line in listed}


def at_rest(container):
    """The container's processes once it has begun, without any of ours."""
    return eventually("the container has begun", lambda: (found := processes(container)) and "sleep infinity" in found.values() and found)


def at_rest_again(container, before):
    """That nothing of ours runs on in the container."""
    return eventually(f"its processes are {before}", lambda: processes(container) == before)


def has_begun(up, command, container):
    """Waits until its first words have come, and it sleeps."""
    with Follower(up, command) as follower:
        assert follower.until(6) == b"begun\n"
    eventually("it runs", lambda: "sleep 1000" in processes(container).values())


def out_of_time(up, instance, text, *states):
    """The row of a `ps` whose time was over; it gets more on a busy machine, until it has come so far as to write this."""
    for seconds in (1, 5, 25):
        row = ended(up, instance, "ps", timeout=seconds)
        if row["stdout"] == text:
            assert row["state"] in states and row["runtime"] < seconds + 20, row
            return row, seconds
    raise AssertionError(row)


# What they are: the instance's own

FORMS = ["ps", "ps aux", "ps -ef", "ps -eo 'pid,ppid,user,stat,etime,time,rss,comm'", "free", "free -h", "top -b -n1", "top -b -n 1 -o %CPU",
         "nvidia-smi", "nvidia-smi '--query-gpu=memory.used,memory.total' --format=csv,noheader,nounits"]


@pytest.mark.parametrize("command", FORMS)
def test_the_programs_are_the_instances_own(diagnosing, instance_with, command):
    instance, container = instance_with("exit 1")
    program = command.split()[0]
    install(container, program, 'printf "%s\\n" "$0" "$@"; printf "%s" "$(</proc/self/cgroup)" >/root/cgroup; [[ -e /home/maria/notes.txt ]] && echo mine >&2')
    row = ended(diagnosing, instance, command)
    assert (row["state"], row["exit_code"], row["stderr"], row["complete"], row["note"]) == ("exited", 0, "mine\n", True, None), row
    words = [word.strip("'") for word in command.split()[1:]]
    assert row["stdout"].splitlines() == [f"/usr/bin/{program}", *words]
    # It ran in the container's control group and not in one of ours.
    assert container.inspect()["Id"] in (container.merged / "root/cgroup").read_text()
    decision = row["decision"]
    assert (decision["backend"], decision["rule"], decision["guards"]) == ("engine", f"diagnose/{program}", [])
    assert "kernel" not in decision and decision["limits"]["wall_seconds"] == 30 and decision["limits"]["output_bytes"] == 8 << 20
    assert order(diagnosing, instance, command, dry_run=True).json["decision"] == decision


def test_the_real_ones_where_an_image_has_them(diagnosing, new_container):
    """`ps` and `free` of the host, with their libraries, in a container: true numbers of that container."""
    container = new_container()
    for program in ("ps", "free", "top"):
        if not os.path.exists(f"/usr/bin/{program}"):
            pytest.skip(f"this host has no {program}")
        copy_program(f"/usr/bin/{program}", container.merged)
    instance = diagnosing.instance_id(container)
    at_rest(container)
    rows = [line.split(None, 3) for line in output(diagnosing, instance, "ps -e").decode().splitlines()]
    assert rows[0][0] == "PID" and {"bash", "sleep", "ps"} <= {row[3] for row in rows[1:]} and len(rows) == 4
    assert re.search(rb"^Mem: +\d+ ", output(diagnosing, instance, "free -b"), re.M)


def copy_program(program, root):
    import shutil

    needed = [program, *re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout)]
    for name in needed:
        place = root / os.path.realpath(os.path.dirname(name)).lstrip("/") / os.path.basename(name)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(os.path.realpath(name), place)


@pytest.mark.parametrize("status", [1, 3, 126, 127, 137, 255])
def test_an_exit_status_is_passed_on(diagnosing, instance_with, status):
    instance, _ = instance_with(f"echo out; echo err >&2; exit {status}")
    row = ended(diagnosing, instance, "ps aux")
    assert (row["state"], row["exit_code"], row["stdout"], row["stderr"]) == ("exited", status, "out\n", "err\n")


def test_an_instance_without_the_program_says_so(diagnosing, new_container):
    container = new_container()
    row = ended(diagnosing, diagnosing.instance_id(container), "ps aux")
    assert row["exit_code"] in (126, 127) and "not found" in row["stdout"] + row["stderr"] + (row["note"] or ""), row


def test_only_these_forms(diagnosing, instance_with):
    instance, container = instance_with("touch /root/ran")
    for command in ("ps e", "ps auxe", "ps aux --sort=+pid", "ps -C x", "ps --help", "ps aux aux", "top", "top -b", "top -bn2", "free -s 1", "free --help",
                    "nvidia-smi -r", "nvidia-smi -pl 100", "nvidia-smi --query-gpu=name -f out --format=csv", "ps ''", "/usr/bin/ps", "ps -ef ''"):
        assert denial(diagnosing, instance, command)["code"] in ("unknown_form", "unknown_program"), command
    assert order(diagnosing, instance, ["ps", "aux;touch /root/ran"]).status == 400
    assert not (container.merged / "root/ran").exists()


def test_no_view_and_no_paths(diagnosing, instance_with):
    instance, _ = instance_with("exit 0")
    assert denial(diagnosing, instance, "ps", view="writable")["code"] == "view_not_allowed"


# When it does not run

def test_a_stopped_instance_has_no_processes(diagnosing, new_container):
    container = new_container()
    install(container, "ps", "echo started >>/root/ran")
    container.stop()
    instance = diagnosing.instance_id(container, "exited")
    for command in ("ps", "ps aux", "free", "top -bn1", "nvidia-smi"):
        row = ended(diagnosing, instance, command)
        assert (row["state"], row["exit_code"]) == ("denied", None)
        assert row["note"] == f"{command.split()[0]} is for running instances, and this one is stopped"
    assert not container.is_running
    # What does not need it runs all the same.
    assert output(diagnosing, instance, "ls usr/bin/ps") == b"usr/bin/ps\n"


def test_a_paused_instance_answers_at_once(diagnosing, instance_with):
    instance, container = instance_with("echo never")
    container.engine.docker("pause", container.name)
    try:
        # Before the time of a program that hangs would be over.
        row = ended(diagnosing, instance, "ps", seconds=25)
        assert row["state"] == "denied" and "paused" in row["note"], row
        assert ended(diagnosing, instance, "ls home", seconds=25)["stdout"] == "maria\n"
    finally:
        container.engine.docker("unpause", container.name)


def test_an_instance_that_stops_meanwhile(diagnosing, instance_with):
    instance, container = instance_with("echo begun; exec sleep 1000")
    started = accepted(diagnosing, instance, "ps", timeout=300)["command_id"]
    has_begun(diagnosing, started, container)
    container.kill()
    row = diagnosing.final(started)
    assert row["state"] in ("exited", "signalled") and row["exit_code"] in (137, None), row
    assert row["stdout"] == "begun\n"


# Its end

def test_what_takes_too_long_is_killed_inside(diagnosing, instance_with):
    instance, container = instance_with("echo begun; exec sleep 1000")
    before = at_rest(container)
    row, seconds = out_of_time(diagnosing, instance, "begun\n", "timed_out")
    assert (row["complete"], row["note"]) == (False, f"killed after {seconds} s") and row["runtime"] >= seconds, row
    at_rest_again(container, before)


def test_what_is_cancelled_is_killed_inside(diagnosing, instance_with):
    # It heeds no other signal.
    instance, container = instance_with("trap '' TERM INT HUP; echo begun; exec sleep 1000")
    before = at_rest(container)
    started = accepted(diagnosing, instance, "ps", timeout=300)["command_id"]
    has_begun(diagnosing, started, container)
    assert diagnosing.request("DELETE", f"/api/v0/commands/{started}/").status == 200
    row = diagnosing.final(started)
    assert (row["state"], row["stdout"], row["complete"]) == ("cancelled", "begun\n", False)
    at_rest_again(container, before)


def test_what_writes_without_end_is_killed_inside(diagnosing, instance_with):
    instance, container = instance_with("exec cat /dev/zero")
    before = at_rest(container)
    resident = usage.resident_mebibytes(diagnosing.agent_pid)
    row = ended(diagnosing, instance, "ps", timeout=300)
    assert (row["state"], row["output_bytes"], row["complete"]) == ("signalled", 8 << 20, False)
    assert row["note"] == f"killed when its output reached its limit of {8 << 20} bytes"
    at_rest_again(container, before)
    assert usage.resident_mebibytes(diagnosing.agent_pid) - resident < 128


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_rules_own_output_limit(start_up, new_container, tmp_path, stream):
    path = document(tmp_path, "rules:\n  - program: ps\n    runs: engine\n    forms: [[ps]]\n    limits: {output_mib: 1}\n")
    up = start_up("--policy", path)
    container = new_container()
    install(container, "ps", f"exec head -c 100000000 /dev/zero >&{stream}")
    row = ended(up, up.instance_id(container), "ps")
    assert (row["state"], row["stdout_bytes"] + row["stderr_bytes"], row["complete"]) == ("signalled", 1 << 20, False)
    assert row[{"1": "stderr_bytes", "2": "stdout_bytes"}[stream]] == 0


def test_both_streams_come_whole(diagnosing, instance_with):
    instance, _ = instance_with("for i in {1..20000}; do echo out $i; echo err $i >&2; done")
    row = ended(diagnosing, instance, "ps", timeout=300, seconds=300)
    assert row["exit_code"] == 0 and row["complete"]
    for stream, word in (("stdout", "out"), ("stderr", "err")):
        got = diagnosing.request("GET", f"/api/v0/commands/{row['id']}/output?stream={stream}").body
        assert got == b"".join(b"%s %d\n" % (word.encode(), number) for number in range(1, 20001))


# Hostile ones

def test_who_leaves_children_behind_holds_nobody_up(diagnosing, instance_with):
    """They keep its output open; they are the instance's own, and it is not waited for longer than its time."""
    instance, container = instance_with("sleep 1000 & disown; echo done")
    descriptors = usage.descriptors(diagnosing.agent_pid)
    for _ in range(3):
        out_of_time(diagnosing, instance, "done\n", "exited", "timed_out")
    # One for each run would be three; the agent's own connections come and go.
    eventually("nothing stays open for them", lambda: usage.descriptors(diagnosing.agent_pid) < descriptors + 3)
    assert output(diagnosing, instance, "ls home") == b"maria\n"


def test_who_closes_its_output_is_waited_for_or_killed(diagnosing, instance_with):
    instance, container = instance_with("exec >&- 2>&-; exec sleep 1000")
    before = at_rest(container)
    row = ended(diagnosing, instance, "ps", timeout=2)
    assert row["state"] == "timed_out" and row["complete"] is False, row
    at_rest_again(container, before)


def test_who_kills_itself(diagnosing, instance_with):
    instance, _ = instance_with("kill -KILL $$")
    row = ended(diagnosing, instance, "ps")
    assert (row["state"], row["exit_code"]) in (("exited", 137), ("signalled", None)), row


def test_bytes_of_every_kind(diagnosing, instance_with):
    instance, container = instance_with("exec cat /root/bytes")
    data = bytes(range(256)) * 300 + b"\x01\x00\x00\x00\x00\x00\x00\x05hello\x02\x00\x00\x00\xff\xff\xff\xff"
    (container.merged / "root/bytes").write_bytes(data)
    assert output(diagnosing, instance, "ps") == data


def test_many_at_once_and_readers_beside_them(diagnosing, instance_with):
    """A program that hangs takes no turn from the instance's other commands."""
    instance, container = instance_with("exec sleep 1000")
    before = at_rest(container)
    hanging = [accepted(diagnosing, instance, "ps", timeout=300)["command_id"] for _ in range(3)]
    eventually("all run", lambda: list(processes(container).values()).count("sleep 1000") == 3)
    assert output(diagnosing, instance, "ls home") == b"maria\n"
    for identifier in hanging:
        diagnosing.request("DELETE", f"/api/v0/commands/{identifier}/")
    assert {diagnosing.final(identifier)["state"] for identifier in hanging} == {"cancelled"}
    at_rest_again(container, before)


def test_nothing_is_left_by_an_agent_that_ends(start_up, new_container):
    up = start_up("--policy", "diagnose")
    container = new_container()
    install(container, "ps", "exec sleep 1000")
    before = at_rest(container)
    accepted(up, up.instance_id(container), "ps", timeout=300)
    eventually("it runs", lambda: "sleep 1000" in processes(container).values())
    assert up.process.terminate()[0] == 0
    at_rest_again(container, before)


def test_what_a_killed_agent_left_is_ended_by_the_next(start_fleet, new_container):
    """The engine goes on with it; it is ended before its command runs again."""
    fleet = start_fleet("--policy", "diagnose")
    container = new_container()
    install(container, "ps", """
if [[ -e /root/first ]]; then
    [[ -e /proc/$(</root/first)/exe ]] && echo beside it
    echo again
    exit 3
fi
echo $$ >/root/first
exec sleep 1000""")
    before = at_rest(container)
    started = accepted(fleet, fleet.instance_id(container), "ps", timeout=300)["command_id"]
    eventually("it runs", lambda: "sleep 1000" in processes(container).values())
    fleet.agent.kill()
    assert "sleep 1000" in processes(container).values(), "it is the engine's, so nothing was shown"
    fleet.start_agent()
    row = fleet.final(started)
    assert (row["state"], row["exit_code"], row["stdout"], row["complete"]) == ("exited", 3, "again\n", True), row
    at_rest_again(container, before)
    eventually("it is forgotten", lambda: not list((fleet.agent_data / "agent/programs").iterdir()))
    assert fleet.command(started) == row
