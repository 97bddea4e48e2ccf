"""Output that is followed while it is written: all of it, once, at the reader's pace."""

import concurrent.futures
import contextlib
import hashlib
import itertools
import random
import threading
import time

import pytest

from harness import http, jailed, usage
from harness.boathook import TERMINAL
from harness.following import BrokenOff, Follower
from harness.waiting import eventually

FOLLOWED = "du -a many"


@pytest.fixture(params=["up", "two processes"])
def boathook(request):
    """In one process, and with the agent's link between server and agent."""
    return request.getfixturevalue("start_up" if request.param == "up" else "start_fleet")()


@pytest.fixture
def expected(many_files):
    return many_files.exec("du", "-a", "many").stdout


@pytest.fixture
def frozen(many_files, frozen_tool):
    """A command whose tool stands still until it is let go: `frozen(boathook)` → id, tool."""

    def start(boathook, command=FOLLOWED, container=many_files, **body):
        return frozen_tool(boathook, container, command, **body)

    return start


@contextlib.contextmanager
def stepping(follower, pid):
    """The tool goes on a little whenever the follower waits for bytes, and stands still otherwise.

    What it wrote may be long on its way on a busy machine: each further step of one wait comes twice as late.
    """

    @contextlib.contextmanager
    def steps():
        enough = threading.Event()

        def step():
            pause = 0.01
            while not enough.wait(pause):
                jailed.step(pid, 0.001)
                pause *= 2

        thread = threading.Thread(target=step)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    follower.meanwhile = steps
    yield
    follower.meanwhile = contextlib.nullcontext


def let_write(pid, follower, count):
    """Lets the tool go on until its follower has so many bytes."""
    with stepping(follower, pid):
        return follower.until(count)


def text_of(events, *names):
    return b"".join(event.bytes for event in events if event.name in (names or ("stdout", "stderr")))


# While it runs

def test_bytes_come_while_the_tool_still_runs(boathook, frozen, expected):
    identifier, pid = frozen(boathook)
    with Follower(boathook, identifier) as follower:
        assert follower.status == 200
        assert follower.headers["content-type"] == "text/plain; charset=utf-8"
        early = let_write(pid, follower, 20_000)
        assert len(early) < len(expected) and expected.startswith(early)
        assert boathook.command(identifier)["state"] not in TERMINAL and jailed.confined(pid)
        jailed.thaw(pid)
        whole = follower.rest()
    row = boathook.final(identifier)
    assert whole == expected and row["state"] == "exited"
    assert row["sha256"] == hashlib.sha256(whole).hexdigest()


def test_events_come_while_the_tool_still_runs(boathook, frozen, expected):
    identifier, pid = frozen(boathook)
    with Follower(boathook, identifier, events=True) as follower:
        assert follower.headers["content-type"] == "text/event-stream; charset=utf-8"
        stream = follower.events()
        with stepping(follower, pid):
            first = [next(stream), next(stream)]
        assert [event.name for event in first] == ["run", "stdout"]
        assert boathook.command(identifier)["state"] not in TERMINAL
        jailed.thaw(pid)
        events = first + list(stream)
    assert [event.name for event in events].count("run") == 1 and events[-1].name == "end"
    assert text_of(events) == expected

    # Each id says where one stands behind its event.
    run, position = events[0].data["run"], 0
    for event in events[:-1]:
        if event.name != "run":
            position += len(event.bytes)
        assert event.id == f"{run}/{position}"
    row = boathook.final(identifier)
    assert events[-1].data["state"] == "exited" and events[-1].data["sha256"] == row["sha256"]
    assert run == row["run"]


def test_a_follower_before_the_tools_start_gets_all(boathook, frozen, many_files, expected):
    # The reader waits in line behind a writer of the same instance.
    many_files.shell("mkdir -p /unwanted/{1..2000}")
    writer, writer_pid = frozen(boathook, "rm -r unwanted")
    reader = boathook.put_command(boathook.instance_id(many_files), FOLLOWED).json["command_id"]
    with Follower(boathook, reader) as follower:
        assert not jailed.running(boathook.agent_pid, "du")
        jailed.thaw(writer_pid)
        assert follower.rest() == expected
    assert boathook.final(writer)["state"] == "exited"


def test_several_followers_at_once(boathook, frozen, expected):
    identifier, pid = frozen(boathook)
    followers = [Follower(boathook, identifier) for _ in range(8)]
    followers += [Follower(boathook, identifier, offset=1000 * number) for number in range(1, 9)]
    with concurrent.futures.ThreadPoolExecutor(len(followers)) as pool:
        reading = [pool.submit(follower.rest) for follower in followers]
        jailed.thaw(pid)
        read = [future.result(60) for future in reading]
    for follower in followers:
        follower.close()
    assert read == [expected] * 8 + [expected[1000 * number:] for number in range(1, 9)]


def test_one_that_is_over_in_no_time(boathook, running):
    """Follows many a quick command from its acceptance on: all comes, and at once."""
    instance, expected = boathook.instance_id(running), running.exec("ls", "usr").stdout
    for _ in range(400):
        identifier = boathook.put_command(instance, "ls usr").json["command_id"]
        started = time.time()
        with Follower(boathook, identifier) as follower:
            assert follower.rest() == expected
        ended = time.time()
        # From the command's own end on: a busy machine may be slow with the command. Who missed it looks again after five.
        if ended - started > 3:
            late = ended - boathook.command(identifier)["finished_at"]
            assert late < 3, f"the follower's end came {late:.1f} s after the command's"


# Cut connections

def test_cut_ten_times_and_gone_on_with(boathook, frozen, expected):
    # Half of the cuts are made while it runs, and the others in what is kept of it.
    rng = random.Random(1)
    places = sorted(rng.sample(range(1, 50_000), 5) + rng.sample(range(50_000, len(expected)), 5))
    identifier, pid = frozen(boathook)
    got, run = b"", None
    for place in places[:5]:
        with Follower(boathook, identifier, offset=len(got), run=run) as follower:
            got += let_write(pid, follower, place - len(got))[: place - len(got)]
        run = run or eventually("its run is known", lambda: boathook.command(identifier)["run"])
    assert boathook.command(identifier)["state"] == "running"
    jailed.thaw(pid)
    for place in places[5:]:
        with Follower(boathook, identifier, offset=len(got), run=run) as follower:
            got += follower.until(place - len(got))[: place - len(got)]
    with Follower(boathook, identifier, offset=len(got), run=run) as follower:
        got += follower.rest()
    assert got == expected


def test_events_cut_ten_times_and_gone_on_with(boathook, frozen, expected):
    rng = random.Random(2)
    identifier, pid = frozen(boathook)
    events, last = [], None
    for _ in range(10):
        with Follower(boathook, identifier, events=True, last_event_id=last) as follower, stepping(follower, pid):
            events += itertools.islice(follower.events(), rng.randint(2, 6))
        last = events[-1].id
    assert boathook.command(identifier)["state"] == "running"
    jailed.thaw(pid)
    with Follower(boathook, identifier, events=True, last_event_id=last) as follower:
        events += follower.events()
    assert events[-1].name == "end" and {event.name for event in events} == {"run", "stdout", "end"}
    assert text_of(events) == expected


# At the reader's pace

@pytest.mark.slow
def test_one_that_reads_nothing_holds_nobody_up(start_fleet, large):
    fleet = start_fleet("--output-mib", "256", agent_flags=["--output-mib", "256"])
    instance = fleet.instance_id(large)
    fleet.run(instance, "ls")
    before = {name: usage.resident_mebibytes(process.pid) for name, process in fleet.processes.items()}

    identifier, pid = fleet.frozen(instance, "du -a large", timeout=300)
    idle = [Follower(fleet, identifier, events=number % 2 == 1, buffer=4096) for number in range(4)]
    jailed.thaw(pid)
    row = fleet.final(identifier, 300)
    assert (row["state"], row["complete"]) == ("exited", True) and row["output_bytes"] > 100_000_000
    for name, process in fleet.processes.items():
        grown = usage.resident_mebibytes(process.pid) - before[name]
        assert grown < 60, f"the {name} grew by {grown:.0f} MiB"

    # They may still read all of it.
    assert hashlib.sha256(idle[0].rest()).hexdigest() == row["sha256"]
    assert hashlib.sha256(text_of(list(idle[1].events()))).hexdigest() == row["sha256"]
    for follower in idle:
        follower.close()
    (spool,) = fleet.agent_data.rglob("spool")
    eventually("no spool is left", lambda: not [path for path in spool.iterdir() if path.name.isdigit()])


def test_a_crowd_that_follows_keeps_no_other_command_from_its_end(boathook, frozen, running):
    instance = boathook.instance_id(running)
    identifier, _ = frozen(boathook)
    followers = [Follower(boathook, identifier) for _ in range(20)]
    other = boathook.put_command(instance, "ls home").json["command_id"]
    assert boathook.final(other)["state"] == "exited"
    for follower in followers:
        follower.close()


def test_the_agent_stops_sending_when_the_follower_goes(boathook, frozen):
    def held():
        return {name: usage.sockets_and_spools(process.pid) for name, process in boathook.processes.items()}

    identifier, pid = frozen(boathook)
    before = held()
    followers = [Follower(boathook, identifier) for _ in range(10)]
    for follower in followers:
        assert let_write(pid, follower, 1)
    assert all(held()[name] >= before[name] + 10 for name in before), (before, held())
    for follower in followers:
        follower.close()
    # Not even the next byte is needed for it: the tool stands still.

    def is_released():
        # A connection between the two is kept for the next request.
        return all(count <= before[name] + 1 for name, count in held().items())

    with contextlib.suppress(AssertionError):
        # Of the connections that are kept for the next request, the last one closes after a minute.
        eventually("all is released", is_released, 90)
    assert is_released(), (before, held())
    assert boathook.command(identifier)["state"] not in TERMINAL


def test_one_too_many_is_told(boathook, frozen):
    """An account's share of a machine's relays is bounded: one more is told so, and the others go on."""
    identifier, pid = frozen(boathook)
    followers = [Follower(boathook, identifier) for _ in range(16)]
    with Follower(boathook, identifier) as last:
        assert last.status == 429 and last.headers["retry-after"], (last.status, last.headers)
    for follower in followers[1:]:
        follower.close()
    jailed.thaw(pid)
    assert hashlib.sha256(followers[0].rest()).hexdigest() == boathook.final(identifier)["sha256"]


# Deaths

def killed_agent(fleet, follower, pid):
    """The agent dies while its tool has written a part; started again, it runs the reader anew."""
    early = let_write(pid, follower, 20_000)
    fleet.agent.kill()
    fleet.start_agent()
    return early


def test_the_agent_dies_and_the_bytes_are_broken_off(start_fleet, frozen, expected):
    fleet = start_fleet()
    identifier, pid = frozen(fleet)
    with Follower(fleet, identifier) as follower:
        let_write(pid, follower, 20_000)
        run = eventually("its run is known", lambda: fleet.command(identifier)["run"])
        fleet.agent.kill()
        fleet.start_agent()
        with pytest.raises(BrokenOff):
            follower.rest()
        got = bytes(follower.body)
    row = fleet.final(identifier)
    assert row["state"] == "exited" and row["run"] != run
    assert got == expected[: len(got)]
    # To go on with what one has of another run is refused as well.
    with Follower(fleet, identifier, offset=len(got), run=run) as follower, pytest.raises(BrokenOff):
        follower.rest()
    with Follower(fleet, identifier, offset=len(got), run=row["run"]) as follower:
        assert follower.rest() == expected[len(got):]


def test_the_agent_dies_and_events_say_restarted(start_fleet, frozen, expected):
    fleet = start_fleet()
    identifier, pid = frozen(fleet)
    with Follower(fleet, identifier, events=True) as follower:
        stream = follower.events()
        with stepping(follower, pid):
            early = [next(stream), next(stream)]
        fleet.agent.kill()
        fleet.start_agent()
        events = early + list(stream)
    assert [event.name for event in early] == ["run", "stdout"]
    assert events[-1].name == "restarted", events[-1]
    last = events[-2].id

    with Follower(fleet, identifier, events=True, last_event_id=last) as follower:
        assert [event.name for event in follower.events()] == ["restarted"]
    with Follower(fleet, identifier, events=True) as follower:
        anew = list(follower.events())
    assert anew[0].data["run"] != early[0].data["run"]
    assert anew[-1].name == "end" and text_of(anew) == expected


def test_the_agent_dies_before_the_follower_has_a_byte(start_fleet, frozen, expected):
    fleet = start_fleet()
    identifier, pid = frozen(fleet)
    with Follower(fleet, identifier, events=True) as follower:
        fleet.agent.kill()
        fleet.start_agent()
        events = list(follower.events())
    # It may or may not have heard of the first run.
    if events[-1].name == "end":
        assert text_of(events) == expected and [event.name for event in events].count("run") == 1
    else:
        names = [event.name for event in events]
        assert (names[0], names[-1]) == ("run", "restarted") and set(names[1:-1]) <= {"stdout"} and expected.startswith(text_of(events))


@pytest.mark.parametrize("gently", [True, False], ids=["SIGTERM", "SIGKILL"])
def test_the_server_dies_and_the_rest_comes_after_it(start_fleet, frozen, expected, gently):
    fleet = start_fleet()
    identifier, pid = frozen(fleet)
    with Follower(fleet, identifier) as follower:
        let_write(pid, follower, 20_000)
        run = eventually("its run is known", lambda: fleet.command(identifier)["run"])
        (fleet.server.terminate if gently else fleet.server.kill)()
        with pytest.raises(BrokenOff):
            follower.rest()
        got = bytes(follower.body)
    fleet.start_server()
    # From the tool that still stands there, and, once it has ended, from what is kept of it.
    with Follower(fleet, identifier, offset=len(got), run=run) as follower:
        got += let_write(pid, follower, 20_000)
        assert jailed.confined(pid) and fleet.command(identifier)["state"] not in TERMINAL
        jailed.thaw(pid)
        got = got[: len(got) - len(follower.body)] + follower.rest()
    assert got == expected
    assert fleet.final(identifier)["run"] == run


def test_the_server_ends_in_time_with_followers(boathook, frozen):
    identifier, pid = frozen(boathook)
    followers = [Follower(boathook, identifier, events=number % 2 == 1) for number in range(10)]
    let_write(pid, followers[0], 1)
    process = boathook.processes.get("server") or boathook.processes["up"]
    # The tool could stand there for minutes.
    assert process.terminate(20)[0] == 0
    for follower in followers:
        with contextlib.suppress(BrokenOff):
            assert b"event: end" not in follower.rest()
        follower.close()


# What is not running

def test_queued_for_a_machine_that_is_away(start_fleet, many_files, expected):
    fleet = start_fleet()
    instance = fleet.instance_id(many_files)
    fleet.agent.terminate()
    identifier = fleet.put_command(instance, FOLLOWED).json["command_id"]
    with Follower(fleet, identifier) as plain, Follower(fleet, identifier, events=True) as events:
        assert (plain.status, events.status) == (200, 200)
        assert fleet.command(identifier)["state"] == "queued"
        # A sign of life comes all the same.
        assert events.read().startswith(b": waiting\n\n")
        fleet.start_agent()
        assert plain.rest() == expected
        assert text_of(list(events.events())) == expected


def test_cancelled_before_its_start(start_fleet, many_files):
    fleet = start_fleet()
    instance = fleet.instance_id(many_files)
    fleet.agent.terminate()
    identifier = fleet.put_command(instance, FOLLOWED).json["command_id"]
    with Follower(fleet, identifier) as plain, Follower(fleet, identifier, events=True) as events:
        fleet.request("DELETE", f"/api/v0/commands/{identifier}/")
        assert plain.rest() == b""
        ended = list(events.events())
    assert [event.name for event in ended] == ["end"] and ended[0].data["state"] == "cancelled"


def test_of_a_finished_command(boathook, many_files, expected):
    identifier = boathook.put_command(boathook.instance_id(many_files), FOLLOWED).json["command_id"]
    row = boathook.final(identifier)
    with Follower(boathook, identifier) as follower:
        assert follower.rest() == expected
    size = len(expected)
    for offset in (0, 1, size - 1, size):
        with Follower(boathook, identifier, offset=offset, run=row["run"]) as follower:
            assert follower.rest() == expected[offset:]
    with Follower(boathook, identifier, events=True) as follower:
        events = list(follower.events())
    assert events[0].name == "run" and events[-1].name == "end" and text_of(events) == expected
    assert events[0].data["run"] == row["run"]
    with Follower(boathook, identifier, run="0.0", events=True) as follower:
        assert [event.name for event in follower.events()] == ["restarted"]


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "running"])
def test_an_offset_beyond_the_end_is_told(boathook, frozen, expected, ended):
    """Whoever has more than there is has something else: no clean end."""
    identifier, pid = frozen(boathook)
    if ended:
        jailed.thaw(pid)
        boathook.final(identifier)
    with Follower(boathook, identifier, offset=len(expected) + 1) as follower:
        assert follower.status == 200
        jailed.thaw(pid)
        with pytest.raises(BrokenOff):
            follower.rest()
        assert follower.body == b""
    with Follower(boathook, identifier, offset=len(expected) + 1, events=True) as follower:
        assert b"event: restarted" in follower.rest()
    with Follower(boathook, identifier, offset=2**62) as follower:
        assert follower.status == 400


@pytest.mark.parametrize("offset", ["-1", "+1", "01", "x", "", "1.5", "9223372036854775808", "99999999999999999999"])
def test_a_bad_offset_is_refused(up, running, offset):
    identifier = up.run(up.instance_id(running), "ls home")[1]["id"]
    with Follower(up, identifier, offset=offset) as follower:
        assert follower.status == 400, (offset, follower.status)
        assert b'"error":"invalid_args"' in follower.body.replace(b": ", b":")


@pytest.mark.parametrize("last", ["", "5", "/5", "1.5/", "1.5/x", "1.5/-1"])
def test_a_bad_last_event_id_is_refused(up, running, last):
    identifier = up.run(up.instance_id(running), "ls home")[1]["id"]
    with Follower(up, identifier, events=True, last_event_id=last) as follower:
        if last == "/5":  # of no run that there was
            assert follower.status == 400 or [event.name for event in follower.events()] == ["restarted"]
        else:
            assert follower.status == 400, (last, follower.status)


def test_other_words_are_refused(up, running):
    identifier = up.run(up.instance_id(running), "ls home")[1]["id"]
    for query in ("follow=2", "follow=", "follow=1&stream=stdout", "offset=3"):
        answer = up.request("GET", f"/api/v0/commands/{identifier}/output?{query}")
        assert answer.status == 400, (query, answer)


def test_what_is_not_there_is_said_before_any_byte(start_up, running):
    up = start_up()
    stranger = up.other_user("stranger")
    identifier = up.run(up.instance_id(running), "ls home")[1]["id"]
    for who, what in [(up, 99_999_999), (stranger, identifier), (stranger, 99_999_999)]:
        for events in (False, True):
            with Follower(who, what, events=events) as follower:
                assert follower.status == 404, (what, follower.status)
    # Somebody else's is as one that is not there.
    with Follower(stranger, identifier) as foreign, Follower(stranger, 99_999_999) as unknown:
        assert foreign.body == unknown.body
    answer = http.request(up.url, "GET", f"/api/v0/commands/{identifier}/output?follow=1")
    assert answer.status == 401


@pytest.mark.parametrize("events", [False, True], ids=["bytes", "events"])
def test_a_deleted_output_is_not_found_before_any_byte(start_up, running, events):
    up = start_up()
    identifier = up.run(up.instance_id(running), "ls home")[1]["id"]
    assert up.request("DELETE", f"/api/v0/commands/{identifier}/output").status == 200
    with Follower(up, identifier, events=events) as follower:
        assert follower.status == 404, (follower.status, follower.headers)


# Streams, and bytes that are no text

def test_events_tell_the_streams_apart(boathook, running):
    instance = boathook.instance_id(running)
    identifier = boathook.put_command(instance, "ls -d home nowhere usr neither").json["command_id"]
    with Follower(boathook, identifier, events=True) as follower:
        events = list(follower.events())
    row = boathook.final(identifier)
    assert text_of(events, "stdout").decode() == row["stdout"] == "home\nusr\n"
    assert text_of(events, "stderr").decode() == row["stderr"] and row["stderr"].count("cannot access") == 2
    assert hashlib.sha256(text_of(events)).hexdigest() == row["sha256"]
    assert events[-1].data["exit_code"] == 2


def test_names_that_are_no_text(boathook, new_container):
    container = new_container()
    container.shell(r"""mkdir /odd; touch $'/odd/\xff\xfe' $'/odd/new\nline' $'/odd/caf\xc3\xa9' $'/odd/data: x\rid: 7'""")
    expected = container.exec("ls", "odd").stdout
    identifier = boathook.put_command(boathook.instance_id(container), "ls odd").json["command_id"]
    with Follower(boathook, identifier) as follower:
        assert follower.rest() == expected
    with Follower(boathook, identifier, events=True) as follower:
        events = list(follower.events())
    assert text_of(events) == expected and "base64" in events[1].data


def test_a_writer_is_followed_too(boathook, new_container):
    container = new_container()
    container.shell("mkdir -p /many/{1..1500}")
    expected = 1501
    identifier, pid = boathook.frozen(boathook.instance_id(container), "rm -rv many", timeout=300)
    with Follower(boathook, identifier) as follower:
        jailed.thaw(pid)
        lines = follower.rest().splitlines()
    assert len(lines) == expected and lines[-1] == b"removed directory 'many'"
