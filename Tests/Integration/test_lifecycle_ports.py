"""Ports of instances, on an engine that has a bridge (contract.md, 4 and 9)."""

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
        row = eventually("its ports are told", lambda: (found := made.row(identifier))["ports"] and found, 10)
        told = dict(pair.split("=", 1) for pair in made.container(identifier).inspect()["Config"]["Env"])
        port = row["ports"]["8080/tcp"][0]["HostPort"]
        assert isinstance(port, str) and int(port) in PORTS and told["VAST_TCP_PORT_8080"] == port
        assert row["ports"]["9000/udp"][0]["HostPort"] == told["VAST_UDP_PORT_9000"]
        assert row["public_ipaddr"]

        def says(number):
            return bridged.inside("bash", "-c", f"cat </dev/tcp/127.0.0.1/{number}").stdout.decode()

        eventually("it answers at its port", lambda: says(port) == f"instance {identifier}\n", 10, every=0.2)
        theirs = made.row(other)["ports"]["8080/tcp"][0]["HostPort"]
        assert theirs != port
        eventually("and the other at its own", lambda: says(theirs) == f"instance {other}\n", 10, every=0.2)

        # Clients remember them for good (contract.md, 9).
        made.stop(identifier)
        made.destroy(other)
        made.start(identifier)
        again = eventually("its ports are told", lambda: (found := made.row(identifier))["ports"] and found, 10)
        assert again["ports"] == row["ports"]
        eventually("it answers as before", lambda: says(port) == f"instance {identifier}\n", 10, every=0.2)
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
