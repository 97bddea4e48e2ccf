"""Many instances at once, and processes that are killed among them: never more than there is room for, none twice, none forgotten."""

import collections
import contextlib
import http.client
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import making, usage
from harness.fleet import Fleet
from harness.making import Instances, Residue, together
from harness.waiting import eventually

# What `actual_status` may be (contract.md, 3.4); null: the machine has not heard of it.
STATUSES = {None, "loading", "created", "running", "exited", "rebooting", "offline"}


@pytest.fixture
def fleet(roomy, tmp_path):
    """A server and an agent; what they leave in the engine is removed after the test."""
    fleet = Fleet(roomy, tmp_path, agent_flags=making.flags())
    yield fleet
    fleet.end()
    roomy.clear()


def agreed(made):
    """What the API lists, once the engine has just that and all of it as wished: rows by id."""
    def rows():
        listed = {row["id"]: row for row in made.client.instances()}
        containers = made.containers()
        settled = all(
            row["actual_status"] == {"running": "running", "stopped": "exited"}[row["intended_status"]] for row in listed.values())
        return (listed or not containers) and settled and set(containers) == set(listed) and all(
            len(names) == 1 for names in containers.values()) and [listed]

    return rows


# Room

def test_never_more_instances_than_slots(roomy, tmp_path):
    with making.home(roomy, tmp_path / "home", slots=3) as up:
        made = Instances(up)
        offer = made.offer
        answers = together(50, lambda number: made.ask(offer, label=f"n{number}"))
        assert collections.Counter(answer.status for answer in answers) == {200: 3, 404: 47}
        refused = [answer.json for answer in answers if answer.status == 404]
        assert {body["error"] for body in refused} == {"no_such_ask"} and all(body["msg"] for body in refused)
        ids = {answer.json["new_contract"] for answer in answers if answer.status == 200}
        assert {row["id"] for row in up.instances()} == ids
        [row] = made.offers()
        assert (row["rentable"], row["rented"]) == (False, True)
        assert made.offers(rentable={"eq": True}) == []
        assert made.ask(offer, cancel_unavail=True).status == 410

        # A stopped one keeps its place; one that is gone leaves it, and not before it is gone.
        first, *rest = sorted(ids)
        for identifier in ids:
            made.until(identifier, "running", 60)
        made.stop(first)
        assert made.ask(offer).status == 404
        made.start(first)
        assert made.order_destroy(first).status == 200
        answer = eventually("there is room again", lambda: (found := made.ask(offer)).status == 200 and found, 60, every=0.1)
        assert first not in made.containers()
        made.destroy(*rest, answer.json["new_contract"])


def test_never_more_disk_than_there_is(roomy, tmp_path):
    with making.home(roomy, tmp_path / "home") as up:
        made = Instances(up)
        offer = made.offer
        free = made.offers()[0]["disk_space"]
        assert free > 1000
        size = free / 4.5
        answers = together(50, lambda number: made.ask(offer, disk=size, target_state="stopped"))
        assert collections.Counter(answer.status for answer in answers) == {200: 4, 404: 46}
        assert all("GB" in answer.json["msg"] for answer in answers if answer.status == 404)
        assert abs(made.offers()[0]["disk_space"] - free / 9) < 20
        ids = [answer.json["new_contract"] for answer in answers if answer.status == 200]
        for identifier in ids:
            made.until(identifier, ("created", "exited"), 60)
        # What they claim is claimed, whether they exist by now or not.
        assert made.ask(offer, disk=size).status == 404
        made.destroy(*ids)
        # The server hears of it after the engine.
        eventually("all of it is free again", lambda: abs(made.offers()[0]["disk_space"] - free) < 20)


@pytest.mark.slow
def test_fifty_at_a_time_while_somebody_lists(roomy, tmp_path):
    """Fifty owners, forty slots: each makes, stops, starts and destroys one; a list is right whenever it is asked for."""
    slots, owners = 40, 50
    with making.home(roomy, tmp_path / "home", slots=slots) as up:
        made = Instances(up)
        offer = made.offer
        made.destroy(made.create())
        residue = Residue(up)
        before = residue.now()
        descriptors, threads = usage.descriptors(up.agent_pid), usage.threads(up.agent_pid)
        done, wrong, seen, most = threading.Event(), [], set(), []
        mine, lock = {}, threading.Lock()

        def life(number):
            answer = eventually(
                "there is room", lambda: (found := made.ask(offer, label=f"n{number}")).status == 200 and found, 300, every=0.3)
            identifier = answer.json["new_contract"]
            with lock:
                mine[identifier] = number
            made.until(identifier, "running", 300)
            made.wish(identifier, "stopped", "exited", 300)
            made.wish(identifier, "running", "running", 300)
            assert made.container(identifier).is_running
            assert made.order_destroy(identifier).status == 200
            assert made.row(identifier) is None
            return identifier

        def look():
            while not done.is_set():
                with lock:
                    known = dict(mine)
                rows = up.instances()
                ids = [row["id"] for row in rows]
                seen.update(row["actual_status"] for row in rows)
                most.append(len(rows))
                if len(set(ids)) != len(ids) or ids != sorted(ids) or len(ids) > slots:
                    wrong.append(ids)
                for row in rows:
                    if row["id"] in known and row["label"] != f"n{known[row['id']]}":
                        wrong.append(row)
                done.wait(0.02)

        def count():
            while not done.is_set():
                containers = made.containers()
                # Those of instances that are on their way out count, too.
                if len(containers) > slots or any(len(names) > 1 for names in containers.values()):
                    wrong.append(containers)
                done.wait(0.3)

        with ThreadPoolExecutor(owners + 2) as pool:
            watchers = [pool.submit(look), pool.submit(count)]
            lives = [pool.submit(life, number) for number in range(owners)]
            try:
                ids = [one.result(600) for one in lives]
            finally:
                done.set()
            for watcher in watchers:
                watcher.result(30)
        assert not wrong, wrong[0]
        assert len(set(ids)) == owners and seen <= STATUSES, seen
        assert len(most) > 20 and max(most) > 10
        residue.check(before, 60)
        # Pools of threads have their full size now, which is far from one for each instance.
        eventually("its descriptors are those from before", lambda: usage.descriptors(up.agent_pid) <= descriptors + 10, every=0.5)
        eventually("its threads, too", lambda: usage.threads(up.agent_pid) <= threads + owners // 2, every=0.5)


# Killed

class Creating:
    """Twenty creates at once, some of which get no answer."""

    def __init__(self, made, count=20):
        self.made, self.answers = made, []
        self.offer, self.lock = made.offer, threading.Lock()
        self.pool = ThreadPoolExecutor(count)
        self.futures = [self.pool.submit(self._ask, number) for number in range(count)]

    def _ask(self, number):
        try:
            answer = self.made.ask(self.offer, label=f"n{number}")
        except (OSError, http.client.HTTPException):
            return
        with self.lock:
            self.answers.append(answer)

    def granted(self):
        with self.lock:
            return {answer.json["new_contract"] for answer in self.answers if answer.status == 200}

    def end(self):
        for future in self.futures:
            future.result(60)
        self.pool.shutdown()
        assert {answer.status for answer in self.answers} <= {200}, self.answers


@pytest.mark.parametrize("victims", ["agent", "server", "both"])
@pytest.mark.parametrize("moment", [1, 8])
def test_killed_among_twenty_creates(fleet, victims, moment):
    made = Instances(fleet)
    creating = Creating(made)
    if victims == "server":
        eventually("some were granted", lambda: len(creating.granted()) >= moment, 60, every=0.001)
    else:
        eventually("some have containers", lambda: len(made.containers()) >= moment, 60, every=0.001)
    if victims in ("agent", "both"):
        fleet.agent.kill()
    if victims in ("server", "both"):
        fleet.server.kill()
    creating.end()
    if victims in ("server", "both"):
        fleet.start_server()
    if victims in ("agent", "both"):
        fleet.start_agent()

    # Whoever got an answer has an instance; whoever got none has one or none, and none has two.
    [rows] = eventually("all is as wished", agreed(made), 60, every=0.2)
    assert creating.granted() <= set(rows)
    labels = collections.Counter(row["label"] for row in rows.values())
    assert max(labels.values()) == 1 and set(labels) <= {f"n{number}" for number in range(20)}
    if victims == "agent":
        assert set(rows) == creating.granted() and len(rows) == 20
    # It stays so.
    made.destroy(made.create())
    assert set(made.containers()) == set(rows)


@pytest.mark.parametrize("victim", ["agent", "server"])
def test_killed_among_destroys(fleet, victim):
    made = Instances(fleet)
    ids = [made.make()["new_contract"] for _ in range(8)]
    for identifier in ids:
        made.until(identifier, "running", 60)
    for identifier in ids[:6]:
        assert made.order_destroy(identifier).status == 200
    fleet.processes[victim].kill()
    fleet.start_agent() if victim == "agent" else fleet.start_server()
    eventually("six are gone, two are not", lambda: set(made.containers()) == set(ids[6:]), 60, every=0.1)
    assert {row["id"] for row in fleet.instances()} == set(ids[6:])


def test_wishes_made_while_the_machine_is_away(fleet):
    made = Instances(fleet)
    kept, stopped, started, destroyed, recycled = [made.make()["new_contract"] for _ in range(5)]
    for identifier in (kept, stopped, started, destroyed, recycled):
        made.until(identifier, "running", 60)
    made.stop(started)
    before = {identifier: made.container(identifier).name for identifier in (kept, recycled)}
    fleet.agent.kill()
    eventually("it is seen to be away", lambda: made.row(kept)["actual_status"] == "offline")
    # An offer of a machine that is away can be had no more.
    assert made.offers(rentable={"eq": True}) == []
    assert made.change(stopped, state="stopped").json["success"]
    assert made.change(started, state="running").json["success"]
    assert made.verb("recycle", recycled).json["success"]
    assert made.order_destroy(destroyed).status == 200 and made.row(destroyed) is None
    reboot = made.verb("reboot", kept)
    assert (reboot.status, reboot.json["success"]) == (200, False)
    fleet.start_agent()
    eventually("it has another container", lambda: made.row(recycled)["container_id"] not in (None, before[recycled]), 60, every=0.1)
    [rows] = eventually("all is as wished", agreed(made), 60, every=0.2)
    assert {identifier: row["actual_status"] for identifier, row in rows.items()} == {
        kept: "running", stopped: "exited", started: "running", recycled: "running"}
    assert made.container(kept).name == before[kept]


@pytest.mark.parametrize("event", ["create", "destroy"])
def test_killed_while_one_is_recycled(fleet, event):
    """Clients remember ports for good (contract.md, 9), whenever the agent is killed."""
    made = Instances(fleet)
    lower, identifier = made.create(), made.create()
    # Whoever asks for any port gets this one now.
    made.destroy(lower)
    before = made.row(identifier)
    assert before["ports"]["22/tcp"]
    with engine_events(fleet.engine, identifier, event) as events:
        assert made.verb("recycle", identifier).json["success"]
        assert events.stdout.readline() == f"{event}\n".encode()
        fleet.agent.kill()
    fleet.start_agent()
    after = eventually(
        "it runs in another container", lambda: (row := made.row(identifier))["actual_status"] == "running"
        and row["container_id"] not in (None, before["container_id"]) and row, 60, every=0.1)
    assert after["ports"] == before["ports"]
    eventually("the old one is gone", lambda: len(made.containers()[identifier]) == 1, every=0.1)


@contextlib.contextmanager
def engine_events(engine, identifier, event):
    """What of this kind happens to containers of the instance from now on, a line each."""
    options = ["--since", str(time.time()), "--filter", f"label=boathook.instance.id={identifier}", "--filter", f"event={event}"]
    events = subprocess.Popen(
        ["docker", "--host", engine.url, "events", *options, "--format", "{{.Action}}"], stdout=subprocess.PIPE)
    try:
        yield events
    finally:
        events.kill()
        events.wait()
        events.stdout.close()


def test_without_the_key_an_instance_is_stopped_started_and_destroyed(roomy, tmp_path):
    """A restored database whose `secrets.key` is lost: only what must be made anew cannot be."""
    with making.home(roomy, tmp_path / "home") as up:
        made = Instances(up)
        identifier = made.create()
        container = made.container(identifier)
        up.process.terminate()
        (up.data / "secrets.key").unlink()
        up.start()
        made.stop(identifier)
        assert not container.is_running
        made.start(identifier)
        assert container.is_running and made.container(identifier).inspect()["Id"] == container.inspect()["Id"]
        answer = made.verb("recycle", identifier)
        assert (answer.status, answer.json["error"]) == (409, "unreadable_secret"), answer
        assert made.row(identifier)["actual_status"] == "running"
        made.destroy(identifier)


def impostor(made, labels, name, **other):
    """A container with the labels of one that Boathook made."""
    labels = {**labels, **other}
    options = [word for label, value in labels.items() for word in ("--label", f"{label}={value}")]
    made.engine.docker("run", "--detach", "--name", name, "--network", "none", *options, made.image)


def test_what_others_did_while_the_agent_was_down(fleet, roomy):
    """A container was removed, and one came with an id that the server never gave."""
    made = Instances(fleet)
    one, other = made.create(), made.create()
    labels = made.container(one).inspect()["Config"]["Labels"]
    fleet.agent.kill()
    made.container(one).remove()
    impostor(made, labels, "unheard-of", **{"boathook.instance.id": "987654321"})
    fleet.start_agent()
    # It is adopted as a new instance, and never removed.
    adopted = eventually(
        "it is adopted", lambda: next((row for row in fleet.instances() if row["id"] not in (one, other)), None))
    assert adopted["id"] != 987654321 and adopted["actual_status"] == "running"
    assert made.row(other)["actual_status"] == "running"
    made.destroy(made.create())
    assert roomy.docker("inspect", "unheard-of").stdout
    # It obeys like any adopted one; what bears its new number, or bore its old one, is no concern of its.
    roomy.docker("volume", "create", "--label", f"boathook.agent={labels['boathook.agent']}",
                 "--label", "boathook.instance.id=987654321", "boathook-unheard-of")
    impostor(made, labels, "namesake", **{"boathook.instance.id": str(adopted["id"])})
    made.stop(adopted["id"])
    made.start(adopted["id"])
    assert made.order_destroy(adopted["id"]).status == 200 and made.row(adopted["id"]) is None
    eventually("it is gone", lambda: roomy.docker("inspect", "unheard-of", check=False).returncode != 0, every=0.1)
    eventually("its volume, too", lambda: not roomy.docker("volume", "ls", "--quiet", "--filter", "name=unheard-of").stdout, every=0.1)
    assert made.row(other)["actual_status"] == "running" and made.container(other).is_running
    assert roomy.docker("inspect", "--format", "{{.State.Running}}", "namesake").stdout == b"true\n"


def test_a_container_of_a_destroyed_instance_is_not_kept(fleet, roomy):
    made = Instances(fleet)
    identifier = made.create()
    labels = made.container(identifier).inspect()["Config"]["Labels"]
    made.destroy(identifier)
    impostor(made, labels, "come-back")
    eventually("it is gone again", lambda: identifier not in made.containers(), every=0.1)
    assert made.row(identifier) is None


# Wishes that overtake each other

def test_the_last_wish_counts_whoever_else_wishes_at_the_same_moment(roomy, tmp_path):
    """Two at a time for each of some instances: whichever the server wrote last is what becomes of it."""
    with making.home(roomy, tmp_path / "home") as up:
        made = Instances(up)
        ids = [made.create() for _ in range(4)]
        for _ in range(4):
            orders = [(identifier, state) for identifier in ids for state in ("stopped", "running")]
            answers = together(len(orders), lambda number: made.change(orders[number][0], state=orders[number][1]))
            assert {answer.status for answer in answers} == {200}
            eventually("the machine is as the list says", agreed(made), 60, every=0.2)
        made.destroy(*ids)
