"""`boathook` on a terminal: progress, questions, tables that fit, and nothing that an instance says obeyed (docs/cli.md)."""

import json
import re

import pytest

from harness.boathook import BIN
from harness.sluice import Sluice
from harness.terminal import Terminal
from harness.verbs import Verbs, image_with_a_layer


@pytest.fixture
def boathook(home):
    return Verbs(home)


@pytest.fixture
def terminal(home):
    def start(*words, columns=80):
        return Terminal([BIN / "boathook", *words], home.environment(TERM="xterm"), columns)

    return start


def test_progress_is_one_line_on_a_terminal_and_nothing_on_a_pipe(made, terminal, boathook, start_registry, roomy):
    registry = start_registry()
    name = registry.push(roomy, image_with_a_layer(roomy, "large"), "large:1")
    roomy.docker("rmi", "boathook-test-large:1")
    with Sluice(registry.host, 12_000_000) as sluice:
        watched = terminal(
            "create", "instance", made.offer, "--image", name.replace(registry.host, sluice.host), "--wait", columns=60)
        watched.until(rb"loading, pulling 127")
        sluice.opened.set()
        assert watched.end() == 0
    # Each state of the line takes the place of the last one, none is longer than the terminal, and nothing of it is left.
    one = int(re.match(rb"instance (\d+)\r\n", watched.shown)[1])
    line = watched.shown.partition(b"\r\n")[2]
    assert b"\n" not in line and line.endswith(b"\r\x1b[K")
    states = line.split(b"\r\x1b[K")
    assert len(states) > 2 and all(len(state.decode()) < 60 for state in states)
    assert made.row(one)["actual_status"] == "running"


def test_destroy_asks(made, terminal, boathook):
    one = made.create()
    for answer, status, is_there in [(b"n\n", 1, True), (b"\n", 1, True), (b"y\n", 0, False)]:
        asked = terminal("destroy", "instance", one)
        asked.until(rb"Destroy instance %d, with all their files\? \[y/N\] " % one)
        asked.type(answer)
        assert asked.end() == status, asked.shown
        assert (made.row(one) is not None) == is_there
    # Where nobody can be asked, nothing is destroyed.
    other = made.create()
    assert "--yes" in boathook("destroy", "instance", str(other), status=1)
    assert made.row(other)["actual_status"] == "running"


def test_tables_fit_the_terminal(made, terminal, boathook):
    one = made.create(label="long " * 40)
    wide = boathook("show", "instances")
    assert "long " * 39 in wide
    for columns in (60, 100):
        narrow = terminal("show", "instances", columns=columns)
        assert narrow.end() == 0
        lines = narrow.shown.decode().splitlines()
        assert max(map(len, lines)) <= columns and "…" in lines[1] and lines[1].split()[0] == str(one)
        assert "running" in lines[1]


def test_each_table_fits_the_narrowest_terminal(made, terminal, boathook):
    one = made.create(label="lab\u00e9l " * 30)
    boathook("execute", str(one), "ls -l " + "home/" * 60 + "x", status=2)
    for words, kept in [
        (("show", "instances"), "STATUS"), (("show", "machines"), "ONLINE"), (("search", "offers"), "GPUS"),
        (("show", "commands"), "STATE"),
        (("show", "audit-logs"), "EVENT"), (("show", "api-keys"), "NAME"), (("show", "ipaddrs"), "ADDRESS"),
    ]:
        for columns in (40, 80):
            shown = terminal(*words, columns=columns)
            assert shown.end() == 0
            lines = shown.shown.decode().splitlines()
            assert len(lines) > 1 and max(map(len, lines)) <= columns, (words, columns, lines)
            assert kept in lines[0].split(), (words, columns, lines)


def names(lines):
    return [line.split()[0] for line in lines]


def test_what_is_told_of_one_thing_is_told_whole(home, made, terminal, boathook):
    one = made.create(label="label-" * 40)
    [machine] = home.request("GET", "/api/v0/machines").json["machines"]
    for words in (("show", "instance", str(one)), ("show", "machine", str(machine["id"])), ("show", "user")):
        whole = boathook(*words)
        for columns in (40, 80):
            shown = terminal(*words, columns=columns)
            assert shown.end() == 0
            lines = shown.shown.decode().splitlines()
            assert max(map(len, lines)) <= columns, (words, columns, lines)
            # Times and free space may differ; what was said is only broken into lines.
            assert words[1] != "instance" or "label-" * 40 in "".join(line[17:] for line in lines)
            kept = names(line for line in lines if not line.startswith(" "))
            # More may have become known of an instance meanwhile.
            assert kept == names(whole.splitlines()) or kept == names(boathook(*words).splitlines())


def test_what_instances_say_does_not_reach_the_terminal(made, terminal, boathook):
    label = "\x1b[31mred\x07 \u202eback\u009b31m\x7f"
    one = made.create(label=label)
    for words in (("show", "instances"), ("show", "instance", one), ("show", "instance", one, "--json"), ("show", "instances", "--raw")):
        shown = terminal(*words)
        assert shown.end() == 0
        assert b"red" in shown.shown and not any(
            sign in shown.shown.decode() for sign in ("\x1b[31m", "\x07", "\u202e", "\u009b", "\x7f")), (words, shown.shown)
    assert json.loads(boathook("show", "instance", str(one), "--json"))["label"] == label


