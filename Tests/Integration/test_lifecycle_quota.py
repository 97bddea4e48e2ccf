"""The disk of an instance: bounded where the engine can, measured everywhere (docs/instances.md); and an engine on XFS."""

import contextlib
import os
import shutil

import pytest

from harness import making
from harness.orders import ended, output
from harness.quotas import Unable, engine_on
from harness.reference import gnu
from harness.snapshot import snapshot, upper
from harness.waiting import eventually

DISK = 8  # GB, the least
MORE = 2 << 30

# As each of the engine's drivers bounds. Kernels may be built without quotas of XFS, and then this one is skipped.
BTRFS = pytest.param(("btrfs", "btrfs", ("rw",)), id="btrfs")
XFS = pytest.param(("xfs", "overlay2", ("pquota",)), id="xfs-with-quotas")


@contextlib.contextmanager
def instances_on(tmp_path_factory, *kind):
    """Instances made in an engine of that kind (harness/quotas.py)."""
    with contextlib.ExitStack() as stack:
        try:
            engine = stack.enter_context(engine_on(*kind))
        except Unable as error:
            pytest.skip(str(error))
        up = stack.enter_context(making.home(engine, tmp_path_factory.mktemp(kind[0])))
        yield making.Instances(up)


@pytest.fixture(scope="module")
def bounded(request, tmp_path_factory):
    """Instances in an engine that can bound them."""
    with instances_on(tmp_path_factory, *request.param) as made:
        yield made


@pytest.fixture(scope="module")
def on_xfs(tmp_path_factory):
    with instances_on(tmp_path_factory, "xfs", "overlay2", ("noquota",)) as made:
        yield made


def writer(made, **body):
    """A new instance and its container, which has a program that takes space in no time."""
    identifier = made.create(**body)
    container = made.container(identifier)
    made.engine.docker("cp", "-L", shutil.which("fallocate"), f"{container.name}:/usr/bin/fallocate")
    return identifier, container


def take(container, count, path):
    """Takes so many bytes; what was said when they were not to be had."""
    done = container.exec("fallocate", "-l", str(count), path, check=False)
    assert (done.returncode == 0) == (done.stderr == b""), done
    return done.stderr


def measured(made, identifier, least=0):
    """Its row, once the agent has counted anew: it does so when it starts. Until then, the last count stands."""
    made.client.process.kill()
    made.client.start()

    def row():
        found = made.row(identifier)
        return found if found["disk_usage"] >= least else None

    return eventually("it is measured", row, 60, every=0.1)


@pytest.mark.parametrize("bounded", [BTRFS, XFS], indirect=True)
def test_nobody_writes_more_than_the_disk(bounded):
    identifier, container = writer(bounded, disk=DISK)
    other, neighbour = writer(bounded, disk=DISK)
    assert take(container, 7_000_000_000, "/root/first") == b""
    refused = take(container, MORE, "/root/second")
    assert b"No space left on device" in refused or b"Disk quota exceeded" in refused
    # There is more: for others, and for one with another disk.
    assert shutil.disk_usage(bounded.engine.folder / "e/data").free > 2 * MORE
    assert take(neighbour, MORE, "/root/first") == b""
    larger, roomy = writer(bounded, disk=10)
    assert take(roomy, 9_000_000_000, "/root/first") == b""
    assert take(roomy, MORE, "/root/second") != b""
    row = measured(bounded, identifier, 7)
    assert row["disk_space"] == DISK and 7 <= row["disk_usage"] < 7.1 and row["disk_util"] == pytest.approx(row["disk_usage"] / DISK)
    # Made anew, it is bounded as before.
    former = row["container_id"]
    assert bounded.verb("recycle", identifier).status == 200
    eventually("it is another container", lambda: bounded.row(identifier)["container_id"] not in (former, None), 60, every=0.1)
    bounded.until(identifier, "running")
    assert bounded.container(identifier).inspect()["HostConfig"]["StorageOpt"] == {"size": str(DISK * 10**9)}
    bounded.destroy(identifier, other, larger)


@pytest.mark.parametrize("bounded", [XFS], indirect=True)
def test_rm_makes_room_at_the_bound(bounded):
    """Who has filled his disk gets out by `rm`, running and stopped."""
    identifier, container = writer(bounded, disk=DISK)
    status = os.statvfs(container.merged)
    assert status.f_blocks * status.f_frsize <= DISK * 10**9  # what `df` says inside
    piece = 256 << 20
    number = 0
    while take(container, piece, f"/root/{number}") == b"":
        number += 1
    for size in (1 << 20, 4096):
        while take(container, size, f"/root/{number}") == b"":
            number += 1
    assert output(bounded.client, identifier, "rm root/0 home/maria/notes.txt") == b""
    assert take(container, piece, "/root/again") == b""
    bounded.stop(identifier)
    assert output(bounded.client, identifier, "rm -v root/again etc/motd") == b"removed 'root/again'\nremoved 'etc/motd'\n"
    bounded.start(identifier)
    assert take(container, piece, "/root/again") == b""
    bounded.destroy(identifier)


def test_who_cannot_bound_makes_it_all_the_same_and_measures(on_xfs):
    identifier, container = writer(on_xfs, disk=DISK)
    assert not container.inspect()["HostConfig"].get("StorageOpt")
    assert take(container, 9_000_000_000, "/root/first") == b""
    # Before this, it may have been counted without that file.
    row = measured(on_xfs, identifier, 9)
    assert row["disk_space"] == DISK and 9 <= row["disk_usage"] < 9.1 and row["disk_util"] > 1
    assert "disks of instances are measured, not bounded" in on_xfs.client.process.log.read_text()
    on_xfs.destroy(identifier)


def test_the_core_commands_on_xfs(on_xfs):
    made, client = on_xfs, on_xfs.client
    identifier = made.create()
    container = made.container(identifier)
    container.shell(r"""
        set -e; mkdir -p /workspace/set/deep /workspace/keep; head -c 3000000 /dev/zero >/workspace/set/large
        ln /workspace/set/large /workspace/keep/linked; ln -s /etc /workspace/set/link; mkfifo /workspace/set/pipe
        touch /workspace/set/deep/{1..500}; rm /etc/motd; rm -r /srv; mkdir /srv; touch /srv/again
    """)
    commands = ("ls -lai --time-style=full-iso workspace", "ls -lR home srv usr/lib", "du -ab workspace", "du -d2 -h", "du -ak --inodes workspace")
    for state in ("running", "stopped"):
        if state == "stopped":
            made.stop(identifier)
        for command in commands:
            if command == "du -d2 -h" and state == "running":
                continue  # /proc changes
            assert output(client, identifier, command) == gnu(container, *command.split())[0], (state, command)
    layer = upper(container)
    before = snapshot(layer)
    assert output(client, identifier, "rm -rv workspace/set").count(b"removed") == 505
    after = snapshot(layer)
    gone = {path for path in before if path not in after}
    assert gone == {path for path in before if path.startswith(b"workspace/set")} and len(gone) == 505
    assert after[b"workspace/keep/linked"][3] == 1 and before[b"workspace/keep/linked"][3] == 2
    row = ended(client, identifier, "rm -r workspace/set")
    assert row["exit_code"] == 1
    made.start(identifier)
    assert container.exec("ls", "/workspace", "/srv").stdout == b"/srv:\nagain\n\n/workspace:\nkeep\n"
    assert output(client, identifier, "rm workspace/keep/linked home/maria/notes.txt") == b""
    assert container.exec("ls", "/workspace/keep", "/home/maria").stdout == b"/home/maria:\n\n/workspace/keep:\n"
    made.destroy(identifier)

