"""What an instance may take of its machine: processes, memory, processors, capabilities (docs/instances.md, "Limits")."""

import pytest

from harness import making
from harness.making import Instances

PROCESSES = 64
MIB = 1 << 20

# Forks until it cannot, says how often it could and how often not, and ends all that it made.
FORKS = """
for (1..500) {
    $child = fork;
    if (!defined $child) { $refused++; next }
    if (!$child) { sleep 60; exit }
    push @children, $child;
}
kill 9, @children;
waitpid $_, 0 for @children;
print scalar(@children), " ", $refused + 0;
"""


@pytest.fixture(scope="module")
def made(roomy, tmp_path_factory):
    """With so many slots that each instance gets the least memory that there is."""
    with making.home(roomy, tmp_path_factory.mktemp("home"), "--instance-processes", str(PROCESSES), slots=1000) as up:
        yield Instances(up, image=roomy.image("debian"))
    roomy.clear()


@pytest.fixture(scope="module")
def two(made):
    """One that will take all that it gets, and its neighbour."""
    return made.create(), made.create()


def test_what_the_engine_is_asked_for_is_what_was_offered(made, two):
    row, offer = made.row(two[0]), made.offers()[0]
    host = made.container(two[0]).inspect()["HostConfig"]
    assert host["PidsLimit"] == PROCESSES
    assert host["Memory"] == host["MemorySwap"] == round(row["mem_limit"] * 1e9) == round(row["cpu_ram"] * 1e6) >= 128 * MIB
    assert host["CpuShares"] == max(2, int(row["cpu_cores_effective"] * 1024))
    assert host["NanoCpus"] == 0 and host["CpuQuota"] == 0
    assert (offer["cpu_ram"], offer["cpu_cores_effective"]) == (row["cpu_ram"], row["cpu_cores_effective"])


def test_it_sends_no_raw_packets_and_may_do_the_rest(made, two):
    status = made.container(two[0]).exec("cat", "/proc/self/status").stdout.decode()
    for name in ("CapEff", "CapBnd"):
        capabilities = int(status.partition(f"{name}:")[2].split()[0], 16)
        # linux/capability.h: CAP_NET_RAW; CAP_CHOWN and CAP_NET_BIND_SERVICE.
        assert not capabilities >> 13 & 1 and capabilities & 1 and capabilities >> 10 & 1


def test_forks_end_at_its_bound_and_its_neighbour_does_not_notice(made, two):
    first, second = (made.container(identifier) for identifier in two)
    forked, refused = map(int, first.exec("perl", "-e", FORKS).stdout.split())
    # Beside the program itself and what waits in the container.
    assert PROCESSES - 10 <= forked < PROCESSES and refused == 500 - forked
    assert second.exec("perl", "-e", FORKS.replace("500", "40")).stdout == b"40 0"
    assert first.exec("echo", "well").stdout == b"well\n"


def test_one_that_takes_too_much_memory_ends_and_nobody_else(made, two):
    first, second = (made.container(identifier) for identifier in two)
    limit = first.inspect()["HostConfig"]["Memory"]
    taken = "head -c {0} /dev/zero | tail -c {0} | wc -c; echo ${{PIPESTATUS[1]}}"
    # tail(1) holds what it is to show.
    assert first.shell(taken.format(limit // 2)).stdout.split() == [b"%d" % (limit // 2), b"0"]
    assert first.shell(taken.format(limit * 3)).stdout.split() == [b"0", b"137"]
    assert first.is_running and second.is_running
    assert made.row(two[0])["actual_status"] == "running"
    assert second.shell(taken.format(limit // 2)).stdout.split()[1] == b"0"
