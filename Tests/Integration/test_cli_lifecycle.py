"""`boathook` from an offer to nothing: what each verb does, and its exit status (docs/cli.md)."""

import json
import os
import re

import pytest

from harness.boathook import BIN
from harness.engine import run
from harness.sluice import Sluice
from harness.verbs import Verbs, image_with_a_layer, made_by
from harness.waiting import eventually

NO_SUCH = "99999999"


@pytest.fixture
def boathook(home):
    return Verbs(home)


# A life

def test_a_life(home, made, boathook, tmp_path):
    offer = str(made.offer)
    [row] = json.loads(boathook("search", "offers", "--json"))
    assert str(row["id"]) == offer
    table = boathook("search", "offers", "num_gpus=0 disk_space>=10").splitlines()
    assert table[0].split()[:2] == ["ID", "GPUS"] and table[1].split()[0] == offer and len(table) == 2
    assert len(boathook("search", "offers", "num_gpus>=64").splitlines()) == 1

    script = tmp_path / "onstart.sh"
    script.write_text("echo \"from $A and $B\" >/workspace/said\n")
    one = made_by(boathook(
        "create", "instance", offer, "--image", made.image, "--disk", "12", "--onstart", script, "--env", "A=1", "--env", "B=two words",
        "--env", "-e C=3 -h box", "--volume", "data:/data", "--label", "cli", "--wait"))
    row = made.row(one)
    assert (row["actual_status"], row["label"], row["disk_space"]) == ("running", "cli", 12)
    container = made.container(one)
    config = container.inspect()["Config"]
    assert {"A=1", "B=two words", "C=3"} <= set(config["Env"]) and config["Hostname"] == "box"
    eventually(
        "its script has run",
        lambda: container.exec("cat", "/workspace/said", check=False).stdout == b"from 1 and two words\n", every=0.1)
    assert [mount["Destination"] for mount in container.inspect()["Mounts"]] == ["/data"]

    one = str(one)
    assert boathook("execute", one, "ls workspace") == "said\n"
    assert boathook("stop", "instance", one, "--wait") == f"stop instance {one}\n"
    assert not container.is_running
    assert boathook("execute", one, "rm -r workspace/said") == ""
    assert boathook("start", "instance", one, "--wait") == f"start instance {one}\n"
    assert container.is_running
    started = container.inspect()["State"]["StartedAt"]
    assert boathook("reboot", "instance", one, "--wait") == f"reboot instance {one}\n"
    assert container.inspect()["State"]["StartedAt"] != started
    assert boathook("recycle", "instance", one, "--wait") == f"recycle instance {one}\n"
    assert made.container(int(one)).name != container.name and made.container(int(one)).is_running

    for words, label in [(("x",), "x"), (("two words",), "two words"), (("--label", "run-1"), "run-1")]:
        boathook("label", "instance", one, *words)
        assert made.row(int(one))["label"] == label
    assert "run-1" in boathook("show", "instances")
    assert "intended_status  running" in boathook("show", "instance", one)
    assert boathook("destroy", "instance", one, "-y", "--wait") == f"destroy instance {one}\n"
    # Not only hidden: it is gone from its machine.
    assert made.row(int(one)) is None and int(one) not in made.containers()


def test_programs_of_images(made, boathook):
    one = made_by(boathook(
        "create", "instance", str(made.offer), "-i", made.image, "--stopped", "--wait", "--args", "/usr/bin/bash", "-c",
        "trap 'exit 0' TERM; sleep infinity & wait", "--looks-like-a-flag"))
    assert made.row(one)["actual_status"] == "created"
    assert made.container(one).inspect()["Args"][-1] == "--looks-like-a-flag"
    boathook("start", "instance", str(one), "--wait")
    ended = made_by(boathook("create", "instance", str(made.offer), "-i", made.image, "--args", "/usr/bin/true"))
    made.until(ended, "exited")
    said = boathook("start", "instance", str(ended), "--wait", status=1)
    assert f"instance {ended}: its program has ended: exited with status 0" in said


def test_launch(made, boathook):
    one = made_by(boathook("launch", "instance", "--cpu", "--image", made.image, "cpu_cores>=1", "--label", "launched", "--wait"))
    assert made.row(one)["label"] == "launched"
    for words in (["--gpus", "64"], ["--cpu", "cpu_cores>=100000"], ["--gpus", "1", "--gpu-name", "RTX_9999"]):
        assert "offer" in boathook("launch", "instance", "--image", made.image, *words, status=1)


def test_create_on_several_offers(made, boathook):
    offer = str(made.offer)
    done = made.client.cli("create", "instances", offer, NO_SUCH, offer, "--image", made.image, "--label", "bulk", "--wait", timeout=90)
    ids = [int(one) for one in re.findall(r"instance (\d+)\n", done.stdout.decode())]
    assert done.returncode == 1 and f"offer {NO_SUCH}: The offer is not available." in done.stderr.decode()
    assert [(made.row(one)["label"], made.row(one)["actual_status"]) for one in ids] == [("bulk", "running")] * 2
    assert {str(one) for one in ids} <= set(boathook("show", "instances", "-q").split())
    assert "not available" in boathook("create", "instances", NO_SUCH, "--image", made.image, status=1)
    assert "image" in boathook("create", "instances", offer, "--image", "two words", status=125)
    reply = json.loads(boathook("create", "instances", offer, "--image", made.image, "--stopped", "--json"))
    assert (reply["success"], len(reply["created"]), reply["failed"]) == (True, 1, [])


def test_a_reboot_that_is_lost_is_not_waited_for(made, boathook):
    one = made.create(runtype="args", args=["/usr/bin/bash", "-c", "trap 'exit 0' TERM; sleep infinity & wait"])
    made.until(one, "running")
    # What it is to be started with is gone.
    made.container(one).exec("rm", "/usr/bin/bash")
    said = boathook("reboot", "instance", str(one), "--wait", status=1)
    assert f"instance {one}: " in said and "/usr/bin/bash" in said


def test_several(home, made, boathook):
    ids = [str(made.make()["new_contract"]) for _ in range(3)]
    for one in ids:
        made.until(int(one), "running")
    said = boathook("stop", "instances", *ids, "--wait")
    assert said.splitlines() == [f"stop instance {one}" for one in ids]
    # The others are changed although one is not there.
    done = home.cli("start", "instance", ids[0], NO_SUCH, ids[1], "--wait", timeout=90)
    assert done.returncode == 1 and f"instance {NO_SUCH}: Instance not found." in done.stderr.decode()
    assert [made.row(int(one))["actual_status"] for one in ids] == ["running", "running", "exited"]
    outcomes = json.loads(boathook("destroy", "instances", *ids, "-y", "--wait", "--json"))
    assert outcomes == [{"id": int(one), "success": True} for one in ids]
    assert not set(map(int, ids)) & set(made.containers())


# Exit codes

def test_1_for_what_is_not_there(made, boathook):
    assert "is not available" in boathook("create", "instance", NO_SUCH, "--image", made.image, status=1)
    assert "is not available" in boathook("create", "instance", NO_SUCH, "--image", made.image, "--cancel-unavail", status=1)
    for verb in ("start", "stop", "reboot", "recycle"):
        assert NO_SUCH in boathook(verb, "instance", NO_SUCH, status=1)
    assert NO_SUCH in boathook("destroy", "instance", NO_SUCH, "-y", status=1)
    boathook("label", "instance", NO_SUCH, "x", status=1)
    boathook("show", "instance", NO_SUCH, status=1)
    boathook("show", "machine", NO_SUCH, status=1)
    assert "not found" in boathook("show", "command", NO_SUCH, status=1)
    assert "not found" in boathook("cancel", NO_SUCH, status=1)
    # Of what has a command's own status.
    assert "not found" in boathook("follow", NO_SUCH, status=125)
    boathook("ssh-url", NO_SUCH, status=1)


def until_said(made, text, *words):
    """Waits longer and longer, on a busy machine, for an instance that is not there in time and so far in that."""
    for seconds in (3, 10, 40):
        done = made.client.cli(*words, "--timeout", seconds)
        assert done.returncode == 124 and f"not within {seconds} s: instance {made_by(done.stdout.decode())}: ".encode() in done.stderr, done
        if text in done.stderr:
            break
    assert text in done.stderr, done
    return done


def test_1_for_what_did_not_come_about(made, boathook):
    create = ("create", "instance", str(made.offer), "--wait", "--image")
    done = made.client.cli(*create, "UPPER/case")
    assert done.returncode == 1 and b"Error" in done.stderr and b"UPPER/case" in done.stderr
    assert made_by(done.stdout.decode()) in [row["id"] for row in made.client.instances()]
    # What may pass is waited for.
    done = until_said(made, b"to be tried again", *create, "127.0.0.1:9/nothing:1")
    assert b"127.0.0.1:9" in done.stderr


def test_64_for_wrong_usage(made, boathook):
    offer = str(made.offer)
    for words in (
        ["create", "instance"], ["create", "instance", offer], ["create", "instance", "abc", "-i", "x"],
        ["create", "instance", offer, "-i", "x", "--env", "A"], ["create", "instance", offer, "-i", "x", "--env", "-v /etc:/etc"],
        ["create", "instance", offer, "-i", "x", "--volume", "/etc:/etc"], ["create", "instance", offer, "-i", "x", "--port", "99999"],
        ["create", "instance", offer, "-i", "x", "--onstart", "a", "--onstart-cmd", "b"], ["create", "instance", offer, "-i", "x", "--disk", "-1"],
        ["launch", "instance", "-i", "x"], ["launch", "instance", "-i", "x", "--cpu", "--gpus", "1"], ["search", "offers", "num_gpus>>1"],
        ["search", "offers", "num_gpus"], ["search", "offers", "--limit", "0"], ["start", "instance"], ["start", "instance", "abc"],
        ["label", "instance", "1"], ["create", "schedule", "1"], ["create", "schedule", "1", "ls"], ["create", "schedule", "1", "ls", "--hourly", "--day", "1"],
        ["create", "ssh-key", "/no/such/file"], ["set", "env", "A"], ["stop", "instance", "1", "--wait", "--timeout", "0"],
    ):
        boathook(*words, status=64)
    assert made.client.instances() == []


def test_124_when_waiting_takes_too_long(made, boathook, start_registry, roomy):
    registry = start_registry()
    name = registry.push(roomy, image_with_a_layer(roomy, "slow"), "slow:1")
    roomy.docker("rmi", "boathook-test-slow:1")
    with Sluice(registry.host, 1_000_000) as sluice:
        slow = name.replace(registry.host, sluice.host)
        done = until_said(made, b": loading, pulling", "create", "instance", str(made.offer), "--image", slow, "--wait")
        one = made_by(done.stdout.decode())
    # It was made, and goes on.
    made.until(one, "running")


def test_125_when_it_is_refused(home, made, boathook):
    offer = str(made.offer)
    assert "image" in boathook("create", "instance", offer, "--image", "two words", status=125)
    assert "key" in boathook("show", "machines", status=125, BOATHOOK_API_KEY="wrong").lower()
    assert "127.0.0.1:9" in boathook("search", "offers", status=125, BOATHOOK_URL="http://127.0.0.1:9")
    assert boathook("follow", "1", status=125, BOATHOOK_URL="http://127.0.0.1:9") == "cannot reach http://127.0.0.1:9: connection refused\n"
    assert "Offers have no nonsense" in boathook("search", "offers", "nonsense=1", status=125)


# Help, and the other name

def test_help_teaches_with_examples(boathook):
    for words in (
        ["search", "offers"], ["create", "instance"], ["launch", "instance"], ["start", "instance"], ["stop", "instance"],
        ["reboot", "instance"], ["recycle", "instance"], ["destroy", "instance"], ["label", "instance"], ["create", "ssh-key"],
        ["create", "schedule"], ["set", "env"], ["create", "env-var"], ["ssh-url"], ["create", "instances"],
        ["attach", "ssh"], ["detach", "ssh"], ["create", "api-key"], ["show", "audit-logs"], ["copy"],
    ):
        said = boathook(*words, "--help")
        assert f"boathook {' '.join(words)} " in said.partition("USAGE")[0], words


def test_the_name_vastai(home, made, tmp_path):
    link = tmp_path / "vastai"
    link.symlink_to(BIN / "boathook")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "VAST_URL": home.url, "VAST_API_KEY": home.key}

    def vastai(*words):
        return run(link, *words, env=environment, timeout=60).stdout

    reply = json.loads(vastai(
        "create", "instance", made.offer, "--image", made.image, "--disk", "20", "--ssh", "--direct", "--env", "-e TZ=UTC -h box", "--raw"))
    one = reply["new_contract"]
    assert reply["success"] is True
    made.until(one, "running")
    assert made.container(one).inspect()["Config"]["Hostname"] == "box"
    vastai("label", "instance", one, "--label", "training-run-1")
    # As upstream's own client takes them.
    [row] = json.loads(vastai("--url", home.url, "--api-key", home.key, "--raw", "show", "instances"))
    assert row["id"] == one and vastai("show", "instances", "-q").decode() == f"{one}\n"
    assert vastai("--version").startswith(b"boathook 0.")
    vastai("stop", "instance", one)
    made.until(one, "exited")
    assert json.loads(vastai("show", "instances", "--raw"))[0]["label"] == "training-run-1"
    vastai("destroy", "instance", one, "-y")
    assert made.row(one) is None
