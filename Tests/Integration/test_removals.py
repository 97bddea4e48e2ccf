"""Removals with eyes open: dry runs that list, plans that hold, receipts that count, folders that stay."""

import os
import pathlib
import random

import pytest

from harness import jailed
from harness.engine import Engine, run
from harness.disk import SmallDisk
from harness.orders import accepted, denial, ended, order, output, preview
from harness.policies import document
from harness.reference import layers_mounted
from harness.snapshot import printable, snapshot, upper, used_bytes

STATES = ["running", "exited"]


@pytest.fixture(params=STATES)
def state(request):
    return request.param


@pytest.fixture
def made(up, new_container, state):
    """A container made by `furnish(root)`, which gets its root folder while it runs; and its instance."""

    def make(furnish, *options):
        container = new_container(*options)
        furnish(container.merged)
        if state == "exited":
            container.stop()
        return container, up.instance_id(container, state)

    return make


def tree(container, path):
    """All that is below a path of the container, with it, as rm and find would name it."""

    def below(root):
        top = os.fsencode(root) + b"/" + path
        if not os.path.lexists(top):
            return set()
        found = {path}
        for folder, folders, files in os.walk(top):
            relative = path + folder[len(top):]
            found |= {relative + b"/" + name for name in folders + files}
        return found

    if container.is_running:
        return below(container.merged)
    with layers_mounted(container) as root:
        return below(root)


def write(root, path, data=b"x"):
    path = pathlib.Path(root, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# What a dry run lists

def ordinary(root):
    top = root / "workspace/job"
    for name in ("a", "b/c/d", "b/e", "blank name", "quote'\"", "back\\slash", "caf\u00e9", "-rf", "*", ";x", "$x"):
        write(top, name, os.urandom(5000))
    for name in (b"line\nfeed", b"tab\tesc\x1b[2J", b"no\xffutf8\xfe", b"half\xc3", b"\x7f"):
        with open(os.fsencode(top) + b"/b/" + name, "wb") as file:
            file.write(b"data")
    (top / "link").symlink_to("/etc")
    (top / "dangling").symlink_to("/nowhere")
    os.mkfifo(top / "pipe")
    os.mknod(top / "device", 0o600 | 0o020000, os.makedev(1, 3))
    (top / "empty").mkdir()


def hard_links(root):
    top = root / "workspace/job"
    write(top, "one", os.urandom(100_000))
    os.link(top / "one", top / "two")
    write(top, "kept", os.urandom(200_000))
    os.link(top / "kept", write(root / "srv", "x").with_name("other"))


def sparse(root):
    path = write(root / "workspace/job", "sparse")
    with path.open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 39)
        file.write(b"x" * 10_000)


def of_the_image(root):
    """Folders of the image, one of them with a file that the instance added."""
    write(root, "home/maria/added", os.urandom(50_000))


def many(root):
    top = root / "workspace/job"
    for folder in range(4):
        (top / str(folder)).mkdir(parents=True)
        for number in range(2500):
            (top / str(folder) / f"{number:04}").touch()


TREES = {
    "ordinary": (ordinary, "workspace/job"), "hard links": (hard_links, "workspace/job"), "sparse": (sparse, "workspace/job"),
    "of the image": (of_the_image, "home/maria"), "many": (many, "workspace/job"),
}


@pytest.mark.parametrize("kind", TREES)
def test_a_dry_run_lists_what_goes_and_the_receipt_counts_it(up, made, kind):
    furnish, operand = TREES[kind]
    container, instance = made(furnish)
    there = tree(container, operand.encode())
    before, used = snapshot(upper(container)), used_bytes(upper(container))

    listed, row = preview(up, instance, f"rm -r {operand}")
    assert (row["state"], row["exit_code"], row["stderr_bytes"], row["complete"]) == ("exited", 0, 0, True), row
    assert sorted(listed) == sorted(printable(path) for path in there) and len(listed) == len(there)
    # Whatever is in a folder goes before it.
    position = {path: place for place, path in enumerate(listed)}
    assert all(position[path] < position[path.rpartition("/")[0]] for path in listed if path != operand)
    plan = row["removal"]
    assert (plan["removed"], plan["entries"]) == (False, len(there)) and len(plan["digest"]) == 64
    assert plan["paths"] == listed[:len(plan["paths"])]
    assert plan["paths_complete"] is (len(plan["paths"]) == len(there)) and len(plan["paths"]) == min(64, len(there))
    assert snapshot(upper(container)) == before, "a dry run changed something"

    done = ended(up, instance, f"rm -r {operand}", plan=row["id"])
    assert (done["state"], done["exit_code"], done["note"]) == ("exited", 0, None), done
    assert {**done["removal"], "removed": False, "digest": plan["digest"]} == plan and done["removal"]["removed"] is True
    assert done["removal"].get("digest") is None
    assert tree(container, operand.encode()) == set()
    assert used - used_bytes(upper(container)) == plan["bytes"]


def test_an_order_without_a_dry_run_has_a_receipt_too(up, made):
    container, instance = made(ordinary)
    there, used = tree(container, b"workspace/job"), used_bytes(upper(container))
    row = ended(up, instance, "rm -rf workspace/job")
    assert row["exit_code"] == 0 and row["removal"]["entries"] == len(there)
    assert set(row["removal"]["paths"]) == {printable(path) for path in there} and row["removal"]["paths_complete"]
    assert row["removal"]["bytes"] == used - used_bytes(upper(container)) > 0


def test_long_names_end_the_list_of_paths_and_not_the_count(up, made):
    container, instance = made(lambda root: [write(root / "workspace/job", f"{number:0250}") for number in range(50)])
    row = ended(up, instance, "rm -r workspace/job")
    removal = row["removal"]
    assert removal["entries"] == 51 and removal["paths_complete"] is False
    assert 0 < len(removal["paths"]) < 51 and sum(map(len, removal["paths"])) <= 8192


def test_volumes_count(up, engine, new_container, state):
    container = new_container("--volume", "boathook-test-removals:/data")
    try:
        container.shell("mkdir -p /data/set/deep; head -c 300000 /dev/zero >/data/set/deep/large; echo 1 >/data/set/one")
        volume = engine.docker("volume", "inspect", "-f", "{{.Mountpoint}}", "boathook-test-removals").stdout.decode().strip()
        if state == "exited":
            container.stop()
        instance, used = up.instance_id(container, state), used_bytes(volume)
        before = snapshot(volume)
        listed, row = preview(up, instance, "rm -r data/set")
        assert sorted(listed) == ["data/set", "data/set/deep", "data/set/deep/large", "data/set/one"]
        assert snapshot(volume) == before
        done = ended(up, instance, "rm -r data/set", plan=row["id"])
        assert done["exit_code"] == 0 and os.listdir(volume) == []
        assert done["removal"]["bytes"] == row["removal"]["bytes"] == used - used_bytes(volume) > 300_000
    finally:
        container.remove()
        engine.docker("volume", "rm", "boathook-test-removals", check=False)


def test_bytes_are_those_that_the_disk_gets_back(tmp_path, start_up):
    """On a disk of its own, where nobody else takes or frees anything."""
    disk = SmallDisk(tmp_path, mebibytes=256)
    # The kernel takes few bytes of a socket's path.
    folder = pathlib.Path(disk.path)
    engine = None
    try:
        short = pathlib.Path(f"/tmp/bh{os.getpid()}")
        short.symlink_to(folder)
        run(pathlib.Path(__file__).parents[2] / "bin/engine", "start", "--private", folder / "e")
        engine = Engine(run(pathlib.Path(__file__).parents[2] / "bin/engine", "url", "--private", folder / "e").stdout.decode().strip())
    finally:
        short.unlink()
    try:
        container = engine.container()
        other = start_up(key=None)
    finally:
        disk.close()
