"""Whether the harness itself sees what it is there for: its parts alone, without Boathook."""

import os
import pathlib
import types

import pytest

from chaos.counters import Counters
from chaos.disk import Disk
from chaos.framing import Framing
from chaos.instances import digest
from chaos.judge import effects, outputs
from chaos.violations import Violations
from harness.waiting import eventually


@pytest.fixture
def violations():
    return Violations(lambda command, target: [])


def row(state, exit_code=None, started_at=None, **more):
    return {
        "id": 1, "text": "rm counters/x", "state": state, "exit_code": exit_code, "started_at": started_at,
        "note": None, "stdout_bytes": 0, "stderr_bytes": 0, "sha256": digest(b""), "is_complete": 1, **more,
    }


def order(count, key="k"):
    counter = types.SimpleNamespace(count=count, vanished=[0.0] * count)
    return types.SimpleNamespace(text="rm counters/x", target="x", counter=counter, key=key, attempts=1)


@pytest.mark.parametrize(
    "count, key, rows, kind",
    [
        (1, "k", [row("exited", 0)], None),
        (2, "k", [row("exited", 0)], "duplicated"),
        (1, "k", [row("lost", note="it was started here before, and its end was handed over")], "lost"),
        (0, "k", [row("exited", 0)], "state and effect"),
        (1, "k", [row("denied")], "state and effect"),
        (1, "k", [row("expired")], "state and effect"),
        (1, "k", [row("cancelled")], "state and effect"),
        (1, "k", [row("cancelled", started_at=1.0)], None),
        (1, "k", [row("lost")], None),
        (0, "k", [row("lost")], None),
        (2, "k", [row("lost")], "duplicated"),
        (0, "k", [row("exited", 1)], "state and effect"),
        (1, "k", [], "state and effect"),
        (1, "k", [row("exited", 0), row("denied")], "duplicated"),
        (2, None, [row("exited", 0), row("exited", 0)], "duplicated"),
    ],
)
def test_effects(count, key, rows, kind, violations):
    effects.check(order(count, key), rows, violations)
    assert set(violations.counts) == ({kind} if kind else set())


def test_a_partial_output_must_say_so(violations):
    reader = types.SimpleNamespace(
        kind="reader", text="ls", instance=types.SimpleNamespace(expected={"ls": b"one\ntwo\n"}))
    whole = row("exited", 0, text="ls", stdout_bytes=8, sha256=digest(b"one\ntwo\n"))
    outputs.check_row(whole, reader, violations)
    assert not violations.counts
    outputs.check_row({**whole, "stdout_bytes": 4, "sha256": digest(b"one\n")}, reader, violations)
    assert violations.counts == {"partial unmarked": 1}


def test_a_counter_sees_each_run(tmp_path):
    counters = Counters(lambda: 0.0)
    try:
        counter = counters.place(str(tmp_path), "x")
        for runs in (1, 2):
            pathlib.Path(counter.path).unlink()
            eventually("it is made again", lambda: counter.count == runs and pathlib.Path(counter.path).exists())
        counters.settle()
        pathlib.Path(counter.path).unlink()
        eventually("an old one too", lambda: counter.count == 3)
        # A folder that is away for a moment is no run.
        tmp_path.rename(tmp_path.with_name("away"))
        eventually("looked at", lambda: not counters.place(str(tmp_path), "y"))
        tmp_path.with_name("away").rename(tmp_path)
        counters.settle()
        assert counter.count == 3
    finally:
        counters.close()


REQUESTS = (
    b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    b"GET /c HTTP/1.1\r\n\r\n"
)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_framing_keeps_every_byte(step):
    framing = Framing(keep=1000)
    pieces = []
    for start in range(0, len(REQUESTS), step):
        pieces += framing.feed(REQUESTS[start : start + step])
    assert b"".join(piece.data for piece in pieces) == REQUESTS
    assert [piece.data for piece in pieces if piece.kind == "chunk"] == [b"3\r\nabc\r\n", b"4\r\ndefg\r\n"]
    wholes = [piece.whole for piece in pieces if piece.whole]
    assert b"".join(wholes) == REQUESTS and len(wholes) == 3


def test_a_disk_loses_what_was_not_flushed(tmp_path):
    disk = Disk(tmp_path, "disk", 32)
    disk.make()
    try:
        kept = os.open(disk.path / "kept", os.O_CREAT | os.O_WRONLY)
        os.write(kept, b"1234")
        os.fsync(kept)
        os.close(kept)
        (disk.path / "gone").write_text("1234")
        disk.lose_power()
        assert (disk.path / "kept").read_bytes() == b"1234"
        assert not (disk.path / "gone").exists()
        disk.fill()
        with pytest.raises(OSError):
            (disk.path / "more").write_bytes(b"x" * 4096)
        disk.empty()
        (disk.path / "more").write_bytes(b"x" * 4096)
    finally:
        disk.remove()
