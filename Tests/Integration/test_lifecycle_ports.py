"""Ports and networks of instances, on an engine that has a bridge (contract.md, 4 and 9); and what a restart of that does."""

import json
import signal
import subprocess

import pytest

from harness import making
from harness.bridged import BridgedEngine
from harness.making import PORTS, Instances
from harness.waiting import eventually


@pytest.fixture(scope="module")
def bridged():
    engine = BridgedEngine()
    try:
        yield engine
    finally:
        engine.end()


SERVER = """
perl -MIO::Socket::INET -e '
  $listener = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die $!;
  while ($caller = $listener->accept) { print $caller "instance $ENV{CONTAINER_ID}\n"; close $caller }
' "$PORT" &
"""


def test_ports_are_reached_and_stay_the_same(bridged, tmp_path):
    with making.home(bridged, tmp_path / "home") as up:
        made = Instances(up, image=bridged.image("debian"))
        env = {"-p 8080:8080": "1", "-p 9000:9000/udp": "1", "PORT": "8080"}
        identifier = made.create(onstart=SERVER, env=env, seconds=60)
        other = made.create(onstart=SERVER, env={"-p 8080:8080": "1", "PORT": "8080"}, seconds=60)
        row = eventually("its ports are told", lambda: (found := made.row(identifier))["ports"] and found)
        told = dict(pair.split("=", 1) for pair in made.container(identifier).inspect()["Config"]["Env"])
        port = row["ports"]["8080/tcp"][0]["HostPort"]
        assert isinstance(port, str) and int(port) in PORTS and told["VAST_TCP_PORT_8080"] == port
        assert row["ports"]["9000/udp"][0]["HostPort"] == told["VAST_UDP_PORT_9000"]
        assert row["public_ipaddr"]

        def says(number):
            return bridged.inside("bash", "-c", f"cat </dev/tcp/127.0.0.1/{number}").stdout.decode()

        eventually("it answers at its port", lambda: says(port) == f"instance {identifier}\n", every=0.2)
        theirs = made.row(other)["ports"]["8080/tcp"][0]["HostPort"]
        assert theirs != port
        eventually("and the other at its own", lambda: says(theirs) == f"instance {other}\n", every=0.2)

        # Clients remember them for good (contract.md, 9).
        made.stop(identifier)
        made.destroy(other)
        made.start(identifier)
        again = eventually("its ports are told", lambda: (found := made.row(identifier))["ports"] and found)
        assert again["ports"] == row["ports"]
        eventually("it answers as before", lambda: says(port) == f"instance {identifier}\n", every=0.2)
        made.destroy(identifier)


def test_a_port_that_is_the_same_inside_and_outside(bridged, tmp_path):
    """Upstream's numbers from 70000 on stand for any such port (contract.md, 4)."""
    script = SERVER.replace('"$PORT"', '"$VAST_TCP_PORT_70000"')
    with making.home(bridged, tmp_path / "home") as up:
        made = Instances(up, image=bridged.image("debian"))
        identifier = made.create(onstart=script, env={"-p 70000:70000": "1"})
        told = dict(pair.split("=", 1) for pair in made.container(identifier).inspect()["Config"]["Env"])
        port = told["VAST_TCP_PORT_70000"]
        assert int(port) in PORTS and made.row(identifier)["ports"][f"{port}/tcp"][0]["HostPort"] == port
        eventually(
            "it answers there",
            lambda: bridged.inside("bash", "-c", f"cat </dev/tcp/127.0.0.1/{port}").stdout == f"instance {identifier}\n".encode(), 10,
            every=0.2)
        made.destroy(identifier)


def restart(engine):
    """Ends the engine well, and starts it with the same words."""
    engine.process.send_signal(signal.SIGTERM)
    engine.process.wait(60)
    with (engine.place / "log").open("ab") as log:
        engine.process = subprocess.Popen(engine.process.args, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    eventually("the engine answers again", lambda: engine.docker("version", check=False).returncode == 0, 60)


def test_what_a_restart_of_the_engine_has_ended_runs_again(bridged, tmp_path):
    with making.home(bridged, tmp_path / "home") as up:
        made = Instances(up, image=bridged.image("debian"))
        running, stopped = made.create(), made.create()
        made.stop(stopped)
        ended = made.create("exited", runtype="args", args=["/bin/true"])
        containers = {identifier: made.container(identifier) for identifier in (running, stopped, ended)}

        def starts():
            return {identifier: one.inspect()["State"]["StartedAt"] for identifier, one in containers.items()}

        before = starts()
        restart(bridged)
        eventually("it runs again", lambda: starts()[running] != before[running] and containers[running].is_running, 60, every=0.2)
        made.until(running, "running")
        # A whole life of another one is time enough for whoever would start more.
        made.destroy(made.create())
        after = starts()
        assert {identifier for identifier in before if after[identifier] != before[identifier]} == {running}
        made.destroy(*containers)


def own(container):
    """What the engine says of its address on the network that Boathook made."""
    return container.inspect()["NetworkSettings"]["Networks"]["boathook"]


def reads(container, address, port):
    """What it gets from there; None when it does not get there."""
    done = container.exec("timeout", "3", "bash", "-c", f"cat </dev/tcp/{address}/{port}", check=False)
    return done.stdout.decode() if done.returncode == 0 else None


def test_instances_reach_each_other_by_mapped_ports_alone(bridged, tmp_path):
    with making.home(bridged, tmp_path / "home", "--instance-processes", "0") as up:
        made = Instances(up, image=bridged.image("debian"))
        env = {"-p 8080:8080": "1", "PORT": "8080"}
        ids = [made.create(onstart=SERVER, env=env, seconds=60) for _ in range(2)]
        first, second = (made.container(identifier) for identifier in ids)
        assert first.inspect()["HostConfig"]["NetworkMode"] == "boathook" and not first.inspect()["HostConfig"]["PidsLimit"]
        network = json.loads(bridged.docker("network", "inspect", "boathook").stdout)[0]
        assert network["Labels"] == {"boathook.network": "1"}
        eventually("it answers itself", lambda: reads(second, "127.0.0.1", 8080) == f"instance {ids[1]}\n", every=0.2)
        address = own(second)["IPAddress"]
        assert reads(first, address, 8080) is None
        port = eventually("its port is told", lambda: made.row(ids[1])["ports"].get("8080/tcp"))[0]["HostPort"]
        eventually("it is reached there", lambda: reads(first, own(first)["Gateway"], port) == f"instance {ids[1]}\n", every=0.2)

        # Control: on the engine's own bridge they do.
        for container in (first, second):
            bridged.docker("network", "connect", "bridge", container.name)
        address = second.inspect()["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        eventually("they reach each other", lambda: reads(first, address, 8080) == f"instance {ids[1]}\n", every=0.2)
        made.destroy(*ids)


def test_a_network_that_was_pruned_is_made_again(bridged, tmp_path):
    with making.home(bridged, tmp_path / "home") as up:
        made = Instances(up, image=bridged.image("debian"))
        identifier = made.create(onstart=SERVER, env={"-p 8080:8080": "1", "PORT": "8080"}, seconds=60)
        row = eventually("its port is told", lambda: (found := made.row(identifier))["ports"] and found)
        made.stop(identifier)
        assert b"boathook" in bridged.docker("network", "prune", "--force").stdout
        made.start(identifier)
        network = json.loads(bridged.docker("network", "inspect", "boathook").stdout)[0]
        assert network["Options"]["com.docker.network.bridge.enable_icc"] == "false"
        assert own(made.container(identifier))["NetworkID"] == network["Id"]
        eventually("its port is as it was", lambda: made.row(identifier)["ports"] == row["ports"])
        made.destroy(identifier)


def test_a_network_that_connects_is_not_taken_for_ours(bridged, tmp_path):
    """The engine's own bridge then, and the log says so; or none at all, if it must be ours."""
    bridged.docker("network", "rm", "boathook", check=False)
    bridged.docker("network", "create", "boathook")
    try:
        with making.home(bridged, tmp_path / "auto") as up:
            made = Instances(up, image=bridged.image("debian"))
            identifier = made.create()
            assert made.container(identifier).inspect()["HostConfig"]["NetworkMode"] == "bridge"
            assert "instances reach each other on the engine's own bridge" in up.process.log.read_text()
            made.destroy(identifier)
        with making.home(bridged, tmp_path / "isolated", "--instance-network", "isolated") as up:
            made = Instances(up, image=bridged.image("debian"))
            identifier = made.make()["new_contract"]
            message = made.until(identifier, "exited")["status_msg"]
            assert message.startswith("Error") and "network boathook lets containers reach each other" in message
            made.destroy(identifier)
    finally:
        bridged.docker("network", "rm", "boathook")
