"""Instances from an offer to nothing: made, started, stopped, given another label, made anew, destroyed (contract.md, 3.5 and 4)."""

import contextlib
import json
import secrets

import pytest

from harness.making import Residue
from harness.orders import output
from harness.reference import gnu
from harness.waiting import eventually


# Its first start makes a folder, and each one leaves a line.
SCRIPT = """
[ -e /workspace/starts ] || { mkdir /workspace/set; echo one >/workspace/set/one; }
echo "start $CONTAINER_ID" >>/workspace/starts
echo "said by onstart"
"""


def starts(made, identifier):
    return made.container(identifier).exec("cat", "/workspace/starts").stdout.decode().splitlines()


def onstart_has_run(made, identifier, times=1):
    expected = [f"start {identifier}"] * times
    container = made.container(identifier)

    def so():
        found = container.exec("cat", "/workspace/starts", check=False)
        return found.stdout.decode().splitlines() == expected

    eventually(f"onstart has run {times} times", so, every=0.1)


def test_what_is_secret_of_its_environment_is_its_own(home, made):
    value = "sesame-" + secrets.token_hex(16)
    assert home.request("POST", "/api/v0/secrets/", body={"key": "TOKEN", "value": value}).json["success"]
    try:
        reply = made.make(env={"SHOWN": "yes"})
        identifier, key = reply["new_contract"], reply["instance_api_key"]
        row = made.until(identifier, "running")
        told = made.container(identifier).inspect()["Config"]["Env"]
        assert f"TOKEN={value}" in told and f"CONTAINER_API_KEY={key}" in told and "SHOWN=yes" in told
        names = [name for name, _ in row["extra_env"]]
        assert "SHOWN" in names and not {"TOKEN", "CONTAINER_API_KEY"} & set(names)
        for path in home.data.rglob("*"):
            # One that is made anew may be gone at this moment.
            with contextlib.suppress(FileNotFoundError):
                content = path.read_bytes() if path.is_file() else b""
                assert value.encode() not in content and key.encode() not in content, path
    finally:
        assert home.request("DELETE", "/api/v0/secrets/", body={"key": "TOKEN"}).json["success"]


def test_a_life_and_nothing_of_it_is_left(home, made):
    # What is made once, at the first use, is not what it leaves.
    first = made.create()
    output(home, first, "ls home")
    made.destroy(first)
    residue = Residue(home)
    before = residue.now()
    reply = made.make(onstart=SCRIPT, label="life", disk=10, env={"-v data:/data": "1"}, runtype="ssh_direc ssh_proxy")
    identifier = reply["new_contract"]
    assert reply["success"] is True
    row = made.until(identifier, "running")
    assert (row["label"], row["image_uuid"], row["disk_space"]) == ("life", made.image, 10)
    assert (row["intended_status"], row["cur_state"], row["next_state"]) == ("running", "running", "running")
    assert identifier in [listed["id"] for listed in home.instances()]
    onstart_has_run(made, identifier)

    container = made.container(identifier)
    listing = output(home, identifier, "du -d2 -h").decode().splitlines()
    assert listing[-1].endswith("\t.") and any(line.endswith("\t./workspace/set") for line in listing)
    assert output(home, identifier, "du -d2 -h workspace") == gnu(container, "du", "-d2", "-h", "workspace")[0]

    row = made.stop(identifier)
    assert (row["intended_status"], row["cur_state"]) == ("stopped", "stopped")
    assert not container.is_running
    assert output(home, identifier, "ls workspace") == b"set\nstarts\n"
    assert output(home, identifier, "rm -r workspace/set") == b""

    made.start(identifier)
    onstart_has_run(made, identifier, times=2)
    assert output(home, identifier, "ls workspace") == b"starts\n"

    made.destroy(identifier)
    assert identifier not in [listed["id"] for listed in home.instances()]
    residue.check(before)


def test_what_a_container_is_told(made):
    reply = made.make(onstart="true", env={"FOO": "bar  baz", "EMPTY": "", "QUOTE": "it's \"so\" $HOME", "-h": "box"})
    identifier = reply["new_contract"]
    row = made.until(identifier, "running")
    inspected = made.container(identifier).inspect()
    told = dict(pair.split("=", 1) for pair in inspected["Config"]["Env"])
    assert told["FOO"] == "bar  baz" and told["EMPTY"] == "" and told["QUOTE"] == "it's \"so\" $HOME"
    assert told["CONTAINER_ID"] == str(identifier) and told["VAST_CONTAINERLABEL"] == f"C.{identifier}"
    assert told["CONTAINER_API_KEY"] == reply["instance_api_key"]
    assert inspected["Config"]["Hostname"] == "box"
    assert inspected["HostConfig"]["Privileged"] is False and not inspected["HostConfig"]["Binds"]
    # What clients index (contract 3.3), and no key among it.
    assert ["FOO", "bar  baz"] in row["extra_env"] and all(len(pair) == 2 for pair in row["extra_env"])
    assert reply["instance_api_key"] not in json.dumps(row)
    assert isinstance(row["start_date"], (int, float)) and isinstance(row["ports"], dict)


@pytest.mark.parametrize("env", [
    {"A": "1", "B": "two words", "-h": "box", "-v store:/store": "1"},
    "-e A=1 -e 'B=two words' -h box -v store:/store",
    "-e A=1 -e B=\"two words\" -h box -v store:/store",
])
def test_env_in_each_spelling(made, env):
    inspected = made.container(made.create(env=env)).inspect()
    told = dict(pair.split("=", 1) for pair in inspected["Config"]["Env"])
    assert (told["A"], told["B"], inspected["Config"]["Hostname"]) == ("1", "two words", "box")
    assert [mount["Destination"] for mount in inspected["Mounts"]] == ["/store"]
    assert inspected["Mounts"][0]["Type"] == "volume"


def test_a_volume_outlives_its_container_and_goes_with_its_instance(made):
    identifier = made.create(env={"-v data:/data": "1"})
    made.container(identifier).shell("echo kept >/data/file")
    volume = made.container(identifier).inspect()["Mounts"][0]["Name"]
    assert str(identifier) in volume  # its own: another instance's `data` is another one
    other = made.create(env={"-v data:/data": "1"})
    assert made.container(other).exec("ls", "/data").stdout == b""
    made.stop(identifier)
    made.start(identifier)
    assert made.container(identifier).exec("cat", "/data/file").stdout == b"kept\n"
    made.destroy(identifier)
    eventually("its volume is gone", lambda: volume not in volumes(made), every=0.1)
    assert made.container(other).inspect()["Mounts"][0]["Name"] in volumes(made)


def test_the_volumes_of_a_container_that_somebody_removed_go(made):
    identifier = made.create(env={"-v data:/data": "1"})
    container = made.container(identifier)
    volume = container.inspect()["Mounts"][0]["Name"]
    other = made.create(env={"-v data:/data": "1"})
    # Of named ones, the engine itself removes none.
    made.engine.docker("rm", "--force", "--volumes", container.inspect()["Id"])
    eventually("the instance is gone", lambda: made.row(identifier) is None, every=0.1)
    eventually("its volume is gone", lambda: volume not in volumes(made), every=0.1)
    assert made.container(other).inspect()["Mounts"][0]["Name"] in volumes(made) and made.container(other).is_running


def volumes(made):
    return made.engine.docker("volume", "ls", "--quiet").stdout.decode().split()


# The three kinds of programs

def test_a_shell_stays_when_its_script_has_ended_and_stops_at_once(made):
    identifier = made.create(onstart="exit 3")
    container = made.container(identifier)
    made.stop(identifier)
    state = container.inspect()["State"]
    # 137 would be SIGKILL: it did not obey.
    assert state["ExitCode"] == 0 and not state["Running"]


def test_without_onstart_it_stays_too(made):
    identifier = made.create()
    made.stop(identifier)
    made.start(identifier)


def test_args_are_the_images_programs_arguments(made):
    words = ["/usr/bin/bash", "-c", "echo \"$0\" >/workspace/said; trap 'exit 0' TERM; sleep infinity & wait", "two words"]
    identifier = made.create(runtype="args", args=words)
    said = eventually(
        "it said so", lambda: made.container(identifier).exec("cat", "/workspace/said", check=False).stdout, every=0.1)
    assert said == b"two words\n"


def test_args_as_text(made):
    identifier = made.create(runtype="args", args_str="/usr/bin/bash -c 'trap \"exit 0\" TERM; sleep infinity & wait' name")
    assert made.container(identifier).inspect()["Args"][-1] == "name"


def test_an_entry_point_instead_of_the_images(made):
    """Upstream's own example: `--onstart-cmd 'bash' --args -c 'echo hello; sleep infinity;'`."""
    identifier = made.create(runtype="args", onstart="bash", args=["-c", "trap 'exit 0' TERM; sleep infinity & wait"])
    inspected = made.container(identifier).inspect()
    assert (inspected["Path"], inspected["Args"][0]) == ("bash", "-c")


def test_args_run_as_whom_they_say(made):
    words = ["/usr/bin/bash", "-c", "trap 'exit 0' TERM; sleep infinity & wait"]
    identifier = made.create(runtype="args", args=words, user="1234:1235")
    status = made.container(identifier).exec("cat", "/proc/1/status").stdout.decode().split("\n")
    lines = dict(line.split(":", 1) for line in status if line)
    assert lines["Uid"].split() == ["1234"] * 4 and lines["Gid"].split() == ["1235"] * 4


def test_a_program_that_ends_stays_ended(made):
    identifier = made.create("exited", runtype="args", args=["/usr/bin/bash", "-c", "echo once >>/workspace/times"])
    container = made.container(identifier)
    first = container.inspect()["State"]["StartedAt"]
    # Another instance's whole life is time enough for whoever would start it again.
    made.destroy(made.create())
    assert container.inspect()["State"]["StartedAt"] == first
    assert output(made.client, identifier, "ls workspace") == b"times\n"
    # Whoever starts it means it.
    assert made.change(identifier, state="running").json["success"]
    eventually("it ran again", lambda: container.inspect()["State"]["StartedAt"] != first, every=0.1)


def test_made_but_not_started(made):
    reply = made.make(onstart=SCRIPT, target_state="stopped")
    assert reply["success"] is False
    identifier = reply["new_contract"]
    row = made.until(identifier, ("created", "exited"))
    assert row["intended_status"] == "stopped"
    assert made.container(identifier).inspect()["State"]["StartedAt"].startswith("0001-")
    made.start(identifier)
    onstart_has_run(made, identifier)


# Changes

def test_start_and_stop_are_idempotent(made):
    identifier = made.create(onstart=SCRIPT)
    onstart_has_run(made, identifier)
    container = made.container(identifier)
    before = container.inspect()["State"]["StartedAt"]
    for _ in range(3):
        assert made.change(identifier, state="running").json == {"success": True}
    made.destroy(made.create())
    assert container.inspect()["State"]["StartedAt"] == before
    made.stop(identifier)
    finished = container.inspect()["State"]["FinishedAt"]
    for _ in range(3):
        assert made.change(identifier, state="stopped").json == {"success": True}
    made.destroy(made.create())
    assert container.inspect()["State"]["FinishedAt"] == finished
    # The last wish of many wins.
    for state in ["running", "stopped"] * 5 + ["running"]:
        assert made.change(identifier, state=state).json == {"success": True}

    def has_won():
        row = made.row(identifier)
        return row["is_settled"] and row["actual_status"] == "running"

    eventually("the last wish has won", has_won, 60)
    made.destroy(made.create())
    assert made.container(identifier).is_running and made.container(identifier).name == container.name


def test_reboot_keeps_the_file_system_and_runs_onstart_again(made):
    identifier = made.create(onstart=SCRIPT)
    onstart_has_run(made, identifier)
    container = made.container(identifier)
    container.shell("echo mine >/home/mine")
    assert made.verb("reboot", identifier).json == {"success": True}
    onstart_has_run(made, identifier, times=2)
    assert made.until(identifier, "running")["container_id"] == container.name
    assert container.exec("cat", "/home/mine").stdout == b"mine\n"


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_recycle_gives_a_new_container_of_the_same_image(made, state):
    identifier = made.create(onstart=SCRIPT, env={"A": "1"}, label="again")
    onstart_has_run(made, identifier)
    old = made.container(identifier)
    before = old.inspect()
    old.shell("echo mine >/home/mine")
    if state == "stopped":
        made.stop(identifier)
    assert made.verb("recycle", identifier).json == {"success": True}
    row = eventually(
        "it has another container",
        lambda: (found := made.row(identifier))["container_id"] not in (None, old.name) and found, 60, every=0.1)
    after = made.container(identifier).inspect()
    assert (after["Image"], row["label"]) == (before["Image"], "again")
    assert sorted(after["Config"]["Env"]) == sorted(before["Config"]["Env"])
    eventually("the old one is gone", lambda: len(made.containers().get(identifier, [])) == 1, every=0.1)
    if state == "stopped":
        assert not after["State"]["Running"]
        made.start(identifier)
    made.until(identifier, "running")
    onstart_has_run(made, identifier)
    assert made.container(identifier).exec("ls", "/home").stdout == b"maria\n"


def test_labels(made):
    identifier = made.create(label="one")
    for label in ("two", "x" * 1024, "naïve ✓"):
        assert made.change(identifier, label=label).json == {"success": True}
        assert made.row(identifier)["label"] == label
    made.stop(identifier)
    made.start(identifier)
    assert made.row(identifier)["label"] == "naïve ✓"


def test_ids_are_never_reused(home, made):
    first = made.create()
    made.destroy(first)
    home.process.kill()
    home.start()
    second = made.create()
    assert second > first and made.row(first) is None
    assert made.order_destroy(first).status == 404
