"""Unchanged official clients read the logs of running and stopped containers (contract.md, 2)."""

import json

import pytest

from harness.sdk import SDK_1
from harness.waiting import eventually

VERSIONS = ["0.5.0", "1.9.1"]

# The engine reads both streams by itself: what comes later waits until it has what came before.
PROGRAM = r"""
wait_for() { until [ -e "/home/$1" ]; do sleep 0.02; done; }
for i in {1..30}; do echo "epoch $i loss 0.$i"; done
wait_for first; echo 'warning: two  blanks' >&2
wait_for second; echo; echo; echo 'after empty lines'; echo 'ünïcode ✓'
exec sleep 1000
"""
LAST = "ünïcode ✓\n"
STEPS = [("epoch 30", "first"), ("warning", "second"), (LAST, None)]


@pytest.fixture(params=["running", "exited"])
def talkative(request, engine, up, new_container):
    """A container that has printed, in each state: it, and its instance's id."""
    container = new_container(command=("bash", "-c", PROGRAM))

    def has_printed(text):
        said = engine.docker("logs", container.name)
        return text.encode() in said.stdout + said.stderr

    for text, name in STEPS:
        eventually(f"it has printed {text!r}", lambda: has_printed(text))
        if name:
            (container.merged / "home" / name).touch()
    if request.param == "exited":
        container.kill()
    return container, up.instance_id(container, request.param)


def said(version, done):
    """What a client printed of the log: 0.5.0 says before each look where it looks."""
    assert done.returncode == 0, done
    text = done.stdout.decode()
    if version == "0.5.0":
        lines = text.splitlines(keepends=True)
        waiting = [line for line in lines if line.startswith("waiting on logs for instance")]
        assert waiting, text
        text = "".join(lines[len(waiting):])
    return text


@pytest.mark.parametrize("version", VERSIONS)
def test_cli(official, up, talkative, version):
    _, identifier = talkative
    text = said(version, official.cli(version, up, "logs", identifier))
    assert text.startswith("epoch 1 loss 0.1\n") and "warning: two  blanks\n" in text
    # Clients squeeze empty lines themselves.
    assert "\n\nafter" not in text and "after empty lines\n" + LAST in text


@pytest.mark.parametrize("version", VERSIONS)
def test_cli_tail_and_filter(official, up, talkative, version):
    _, identifier = talkative
    text = said(version, official.cli(version, up, "logs", identifier, "--tail", "1"))
    assert text.strip() == LAST.strip()
    text = said(version, official.cli(version, up, "logs", identifier, "--filter", "loss 0.3"))
    assert text.split("\n")[:2] == ["epoch 3 loss 0.3", "epoch 30 loss 0.30"]
    # A text, not a pattern; and of the last lines alone.
    assert said(version, official.cli(version, up, "logs", identifier, "--filter", "loss.0")).strip() == ""
    text = said(version, official.cli(version, up, "logs", identifier, "--tail", "2", "--filter", "epoch"))
    assert text.strip() == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_cli_daemon_logs_are_an_answer(official, up, talkative, version):
    _, identifier = talkative
    text = said(version, official.cli(version, up, "logs", identifier, "--daemon-logs"))
    assert "epoch" not in text


def test_sdk_1(official, up, talkative):
    container, identifier = talkative
    script = SDK_1 + "print(json.dumps(client.logs(instance_id=int(sys.argv[1]), tail='3')))"
    text = official.python("1.9.1", up, script, identifier)
    assert text.endswith("after empty lines\n" + LAST) and len(text.splitlines()) == 3
    script = SDK_1 + "print(json.dumps(client.logs(int(sys.argv[1]), filter='warning')))"
    assert official.python("1.9.1", up, script, identifier) == "warning: two  blanks\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_refusals_reach_the_person(official, up, version):
    done = official.cli(version, up, "logs", 987654321)
    assert done.returncode == 0, done
    assert b"ailed with error 404: Instance not found." in done.stdout + done.stderr, done


def test_what_goes_over_the_wire(official, recorded, new_container):
    up, recorder = recorded
    identifier = up.instance_id(new_container(command=("bash", "-c", "echo hello; exec sleep 1000")))
    for version, tail in zip(VERSIONS, ("7", "8")):
        recorder.clear()
        done = official.cli(
            version, up, "logs", identifier, "--tail", tail, "--filter", "hello", "--daemon-logs", url=recorder.url)
        assert done.returncode == 0, done
        puts = [r for r in recorder.requests() if r[0] == "PUT"]
        assert [r[1].split("?")[0] for r in puts] == [f"/api/v0/instances/request_logs/{identifier}/"]
        # All of them strings.
        assert json.loads(puts[0][3]) == {"filter": "hello", "tail": tail, "daemon_logs": "true"}
        gets = [r for r in recorder.requests() if r[1].startswith("/results/")]
        assert gets and all("authorization" not in r[2] and "api_key" not in r[1] for r in gets)
        assert set(recorder.statuses()) <= {200, 404}
