"""Removals with eyes open: dry runs that list, plans that hold, receipts that count, folders that stay."""

import os
import pathlib
import shutil
import tempfile

import pytest

from harness import jailed
from harness.boathook import TERMINAL, Up
from harness.disk import SmallDisk
from harness.engine import ROOT, Engine, run
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


def test_bytes_are_those_that_the_disk_gets_back(tmp_path):
    """On a disk of its own, where nobody else takes or frees anything."""
    # The kernel takes few bytes of a socket's path.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bh", dir="/tmp"))
    disk = SmallDisk(folder, mebibytes=512)
    place = disk.path / "e"

    def free():
        os.sync()
        return disk.free

    try:
        run(ROOT / "bin/engine", "start", "--private", place)
        engine = Engine(f"unix://{place}/engine.sock")
        container = engine.container("--volume", "data:/data")
        up = Up(engine, tmp_path / "up")
        try:
            instance = up.instance_id(container)
            for root in (container.merged, pathlib.Path(engine.docker("volume", "inspect", "-f", "{{.Mountpoint}}", "data").stdout.decode().strip())):
                top = root / "job"
                for number in range(100):
                    write(top, f"{number % 7}/{number}", os.urandom(number * 4000 + 1))
                os.link(top / "1/1", top / "again")
                with (top / "sparse").open("wb") as file:
                    file.truncate(1 << 32)
                    file.seek(1 << 31)
                    file.write(os.urandom(1 << 20))
            before = free()
            row = ended(up, instance, "rm -r job data/job")
            assert row["exit_code"] == 0, row
            assert row["removal"]["bytes"] > 40_000_000
            # The engine itself writes a little in the meantime.
            assert abs(free() - before - row["removal"]["bytes"]) < 300_000, (free() - before, row["removal"])
        finally:
            up.process.end()
    finally:
        run(ROOT / "bin/engine", "stop", place, check=False)
        disk.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize("operand, real", [
    ("lib/mine", "usr/lib/mine"), ("bin/mine", "usr/bin/mine"), ("home/link/mine", "srv/mine"), ("home/link/../srv/mine", "srv/mine"),
])
def test_bytes_count_whatever_the_way_to_them(up, made, operand, real):
    """Through links of the image, which are not in the writable layer, and through links of the instance."""

    def furnish(root):
        write(root / real, "large", os.urandom(300_000))
        (root / "home/link").symlink_to("/srv")

    container, instance = made(furnish)
    used = used_bytes(upper(container))
    _, row = preview(up, instance, f"rm -r {operand}")
    done = ended(up, instance, f"rm -r {operand}", plan=row["id"])
    assert done["exit_code"] == 0 and done["removal"]["entries"] == 2
    assert done["removal"]["bytes"] == row["removal"]["bytes"] == used - used_bytes(upper(container)) > 300_000


def test_a_link_with_a_slash_hides_nothing(up, made):
    """rm takes what is in the folder behind it: so that is what goes, or nothing does."""

    def furnish(root):
        for name in "abc":
            write(root / "srv/folder", name, os.urandom(9000))
        (root / "workspace/link").symlink_to("/srv/folder")

    container, instance = made(furnish)
    there, used = tree(container, b"srv/folder"), used_bytes(upper(container))
    listed, row = preview(up, instance, "rm -r workspace/link/")
    done = ended(up, instance, "rm -r workspace/link/")
    gone = len(there) - len(tree(container, b"srv/folder"))
    assert row["state"] == done["state"]
    if done["state"] == "denied":
        assert gone == 0 and listed == [] and "workspace/link" in done["note"] and "link" in row["note"]
    else:
        assert gone == len(listed) == row["removal"]["entries"] == done["removal"]["entries"], (gone, listed, done["removal"])
        assert done["removal"]["bytes"] == used - used_bytes(upper(container))


# What stays

def test_what_stays_is_told_with_its_reason(up, made):
    def furnish(root):
        write(root, "workspace/job/file")
        (root / "workspace/void").mkdir()

    container, instance = made(furnish)
    before = snapshot(upper(container))
    listed, row = preview(up, instance, "rm workspace/job workspace/job/file workspace/void workspace/none")
    assert listed == ["workspace/job/file"] and (row["exit_code"], row["removal"]["entries"]) == (1, 1)
    assert sorted(row["stderr"].splitlines()) == [
        "workspace/job: stays, since it is a folder, and -r was not given", "workspace/none: there is no such file or folder",
        "workspace/void: stays, since it is a folder, and -r was not given",
    ]
    assert preview(up, instance, "rm -d workspace/job workspace/void")[0] == ["workspace/void"]
    listed, row = preview(up, instance, "rm -rf workspace/none")
    assert listed == [] and (row["exit_code"], row["removal"]["entries"], row["removal"]["bytes"]) == (0, 0, 0)
    assert snapshot(upper(container)) == before

    done = ended(up, instance, "rm workspace/job workspace/job/file workspace/void workspace/none")
    assert done["exit_code"] == 1 and done["removal"]["paths"] == ["workspace/job/file"] and done["removal"]["entries"] == 1
    assert done["removal"]["paths_complete"] is True


@pytest.mark.parametrize("operand", ["./workspace/job", "workspace//job", "/workspace/job", "workspace/job/", "workspace/../workspace/job", "./-rf", "-- -rf"])
def test_an_operand_is_listed_as_rm_names_it(up, made, operand):
    """The control is rm itself, which says what it removes."""
    container, instance = made(lambda root: [write(root, "workspace/job/file"), write(root, "-rf/file")])
    listed, row = preview(up, instance, f"rm -rv {operand}")
    said = output(up, instance, f"rm -rv {operand}").decode().splitlines()
    assert row["exit_code"] == 0 and len(listed) == 2
    removed = [line.removeprefix("removed directory '").removeprefix("removed '").removesuffix("'") for line in said]
    assert [path.rstrip("/") for path in listed] == [path.rstrip("/") for path in removed]


OVERLAPS = [
    "rm -rf workspace/job/sub workspace/job workspace/job/sub/file", "rm -rf workspace/job workspace/job/", "rm -rf workspace/job ./workspace//job /workspace/job",
    # What is below a folder that stays may be named by itself.
    "rm -f workspace/job/sub workspace/job/sub/file", "rm workspace/job workspace/job/one workspace/job/sub workspace/job/sub/file", "rm -df workspace/job workspace/job/sub/file",
    # Two ways to one place, and the two names of one file.
    "rm -rf workspace/job workspace/link/job", "rm -rf workspace/job/sub workspace/link/job/sub/file", "rm -f workspace/job/one workspace/link/job/two",
    "rm -f lib/mine/one usr/lib/mine/two", "rm -rf lib/mine usr/lib/mine",
]


@pytest.mark.parametrize("command", OVERLAPS)
def test_overlapping_operands_are_counted_once(up, made, command):
    def furnish(root):
        write(root, "workspace/job/sub/file", os.urandom(9000))
        for top in (root / "workspace/job", root / "usr/lib/mine"):
            os.link(write(top, "one", os.urandom(20_000)), top / "two")
        (root / "workspace/link").symlink_to("../workspace")

    container, instance = made(furnish)
    places = b"workspace/job", b"usr/lib/mine"
    there, used = set().union(*(tree(container, place) for place in places)), used_bytes(upper(container))
    listed, row = preview(up, instance, command)
    done = ended(up, instance, command)
    gone = there - set().union(*(tree(container, place) for place in places))
    assert gone and len(listed) == row["removal"]["entries"] == done["removal"]["entries"] == len(gone), (listed, done["removal"], gone)
    assert row["removal"]["bytes"] == done["removal"]["bytes"] == used - used_bytes(upper(container))


def test_a_mount_below_stays_and_what_is_beside_it_goes(up, new_container):
    container = new_container("--tmpfs", "/workspace/job/mounted")
    container.shell("touch /workspace/job/mounted/kept /workspace/job/beside")
    instance = up.instance_id(container)
    listed, row = preview(up, instance, "rm -r workspace/job")
    assert listed == ["workspace/job/beside"] and row["exit_code"] == 1
    assert "workspace/job/mounted: stays, since it is a mount point" in row["stderr"]
    assert "workspace/job: stays, since it is something in it stays" in row["stderr"]
    done = ended(up, instance, "rm -r workspace/job")
    assert done["exit_code"] == 1 and (done["removal"]["entries"], done["removal"]["paths"]) == (1, ["workspace/job/beside"])
    assert container.exec("ls", "/workspace/job/mounted").stdout == b"kept\n"


def test_a_receipt_of_what_went_before_it_failed(up, made):
    """A file that the kernel does not let go: everything else is counted, and nothing more."""
    held = []

    def furnish(root):
        for number in range(30):
            write(root / "workspace/job", f"{number % 3}/{number}", os.urandom(8000))

    container, instance = made(furnish)
    path = pathlib.Path(upper(container), "workspace/job/1/13")
    run("chattr", "+i", path)
    held.append(path)
    try:
        used, there = used_bytes(upper(container)), tree(container, b"workspace/job")
        row = ended(up, instance, "rm -rf workspace/job")
        left = tree(container, b"workspace/job")
        assert row["exit_code"] == 1 and left == {b"workspace/job", b"workspace/job/1", b"workspace/job/1/13"}
        removal = row["removal"]
        assert removal["removed"] and removal["entries"] == len(there - left)
        assert set(removal["paths"]) == {path.decode() for path in there - left} and removal["paths_complete"]
        assert removal["bytes"] == used - used_bytes(upper(container))
    finally:
        run("chattr", "-i", *held)


def test_a_receipt_of_what_went_before_it_was_cancelled(up, new_container, frozen_tool):
    container = new_container()
    for _ in range(3):
        container.shell("mkdir -p /workspace/job; cd /workspace/job; for i in {1..20}; do mkdir $i; touch $i/{1..500}; done")
        there = tree(container, b"workspace/job")
        identifier, pid = frozen_tool(up, container, "rm -r workspace/job")
        while tree(container, b"workspace/job") == there:
            jailed.step(pid)
        up.request("DELETE", f"/api/v0/commands/{identifier}/")
        jailed.thaw(pid)
        row = up.final(identifier)
        # Who is to stop it may have been held up until it was over.
        if row["state"] != "exited":
            break
    left = tree(container, b"workspace/job")
    assert row["state"] == "cancelled" and 0 < len(left) < len(there)
    assert row["removal"]["removed"] and row["removal"]["entries"] == len(there - left)
    # As many as were removed in the moment before; all of them may be among those that are told.
    told = {path.encode() for path in row["removal"]["paths"]}
    assert told <= there - left, told - (there - left)
    assert row["removal"]["paths_complete"] is (len(told) == row["removal"]["entries"])


# Plans

CHANGES = {
    "a byte": lambda top: (top / "file").write_bytes(b"y"),
    "a byte, with its time put back": None,
    "a time": lambda top: os.utime(top / "file", (1, 1)),
    "a folder's time": lambda top: os.utime(top / "sub", (1, 1)),
    "a mode": lambda top: (top / "file").chmod(0o600),
    "a new file": lambda top: (top / "sub/new").touch(),
    "a new file, with its folder's time put back": None,
    "a file less": lambda top: (top / "sub/inner").unlink(),
    "another name": lambda top: (top / "file").rename(top / "other"),
    "a link in a file's place": lambda top: ((top / "file").unlink(), (top / "file").symlink_to("x")),
    "nothing at all there": lambda top: top.rename(top.parent / "elsewhere"),
}


def byte_with_time(top):
    found = os.stat(top / "file")
    (top / "file").write_bytes(b"y")
    os.utime(top / "file", ns=(found.st_atime_ns, found.st_mtime_ns))


def file_with_time(top):
    found = os.stat(top / "sub")
    (top / "sub/new").touch()
    os.utime(top / "sub", ns=(found.st_atime_ns, found.st_mtime_ns))


CHANGES["a byte, with its time put back"] = byte_with_time
CHANGES["a new file, with its folder's time put back"] = file_with_time


@pytest.fixture
def planned(up, new_container):
    """A container with a folder `/workspace/job`, and the dry run of its removal."""
    container = new_container()
    top = container.merged / "workspace/job"
    write(top, "file", b"x")
    write(top, "sub/inner", b"inner")
    instance = up.instance_id(container)
    _, row = preview(up, instance, "rm -r workspace/job")
    return container, instance, row["id"], top


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_holds_only_for_what_it_listed(up, planned, change):
    container, instance, plan, top = planned
    CHANGES[change](top)
    before = snapshot(upper(container))
    row = ended(up, instance, "rm -r workspace/job", plan=plan)
    assert (row["state"], row["exit_code"], row["removal"]) == ("denied", None, None), row
    assert "the files are not those of the plan any more" in row["note"] and "nothing was removed" in row["note"]
    assert snapshot(upper(container)) == before


UNTOUCHED = {
    "nothing": lambda container, top: None,
    "a look": lambda container, top: container.shell("cat /workspace/job/* >/dev/null; ls -lR /workspace"),
    "something beside it": lambda container, top: (top.parent / "beside").write_text("x"),
    "a restart": lambda container, top: (container.stop(), container.start()),
    "a stop": lambda container, top: container.stop(),
}


@pytest.mark.parametrize("change", UNTOUCHED)
def test_a_plan_holds_as_long_as_nothing_of_it_changes(up, planned, change):
    container, instance, plan, top = planned
    UNTOUCHED[change](container, top)
    up.instance_id(container, "running" if container.is_running else "exited")
    row = ended(up, instance, "rm -r workspace/job", plan=plan)
    assert (row["state"], row["exit_code"]) == ("exited", 0), row
    assert row["removal"]["entries"] == 4 and tree(container, b"workspace/job") == set()


def test_a_plan_of_a_stopped_instance_holds_when_it_runs(up, new_container):
    container = new_container()
    ordinary(container.merged)
    container.stop()
    _, row = preview(up, up.instance_id(container, "exited"), "rm -r workspace/job")
    container.start()
    done = ended(up, up.instance_id(container, "running"), "rm -r workspace/job", plan=row["id"])
    assert (done["state"], done["exit_code"], done["removal"]["entries"]) == ("exited", 0, row["removal"]["entries"]), done


def test_a_plan_is_for_one_command_one_instance_and_one_account(up, planned, new_container):
    container, instance, plan, top = planned
    other = new_container()
    write(other.merged / "workspace/job", "file", b"x")
    before = snapshot(upper(container)), snapshot(upper(other))
    mine = "plan must be the id of a dry run of this same command on this instance."
    for command in ("rm -r workspace", "rm -rf workspace/job", "rm -r workspace/job/", "rm -r workspace/job workspace/job", "rm workspace/job"):
        answer = order(up, instance, command, plan=plan)
        assert (answer.status, answer.json["error"], answer.json["msg"]) == (400, "invalid_args", mine), command
    assert order(up, up.instance_id(other), "rm -r workspace/job", plan=plan).json["msg"] == mine
    for number in (plan + 1000, ended(up, instance, "ls")["id"]):
        assert order(up, instance, "rm -r workspace/job", plan=number).json["msg"] == mine
    stranger = up.other_user(f"stranger-{os.getpid()}")
    assert order(stranger, instance, "rm -r workspace/job", plan=plan).status == 404
    answer = order(up, instance, "ls workspace", plan=plan)
    assert answer.status == 400 and answer.json["msg"] == "A plan belongs to a command that removes something."
    assert (snapshot(upper(container)), snapshot(upper(other))) == before
    # The same words in another spelling are the same command.
    assert ended(up, instance, ["rm", "-r", "workspace/job"], plan=plan)["exit_code"] == 0


def test_another_account_has_no_use_for_a_plan(up, new_container):
    """On an instance of its own, with the same command: the number of a plan alone opens nothing."""
    name = f"neighbour-{os.getpid()}"
    neighbour = up.other_user(name)
    container = new_container(owner=name)
    write(container.merged / "workspace/job", "file")
    instance = neighbour.instance_id(container)
    _, row = preview(up, up.instance_id(new_container()), "rm -rf workspace/job")
    assert order(neighbour, instance, "rm -rf workspace/job", plan=row["id"]).status == 400
    _, own = preview(neighbour, instance, "rm -rf workspace/job")
    assert ended(neighbour, instance, "rm -rf workspace/job", plan=own["id"])["exit_code"] == 0


def test_a_plan_is_good_once(up, planned):
    container, instance, plan, top = planned
    assert ended(up, instance, "rm -r workspace/job", plan=plan)["exit_code"] == 0
    again = ended(up, instance, "rm -r workspace/job", plan=plan)
    assert again["state"] == "denied" and "plan" in again["note"]


def test_a_dry_run_that_did_not_come_to_its_end_is_no_plan(up, new_container):
    container = new_container()
    container.shell("for i in {1..20}; do mkdir -p /many/$i; touch /many/$i/{1..500}; done")
    instance = up.instance_id(container)
    pid = None
    while pid is None:
        answer = accepted(up, instance, "rm -r many", dry_run=True, timeout=300)
        # The listing is find's.
        pid = jailed.freeze(up.agent_pid, "find", 60, lambda: up.command(answer["plan"])["state"] in TERMINAL)
        if pid is None:
            assert up.final(answer["plan"])["state"] == "exited"
    try:
        refused = order(up, instance, "rm -r many", plan=answer["plan"])
        assert refused.status == 400 and "has not come to an end" in refused.json["msg"], refused
        assert up.request("DELETE", f"/api/v0/commands/{answer['plan']}/").status == 200
    finally:
        jailed.thaw(pid)
    row = up.final(answer["plan"])
    assert row["state"] == "cancelled" and row["removal"] is None
    refused = order(up, instance, "rm -r many", plan=answer["plan"])
    assert refused.status == 400 and "cancelled" in refused.json["msg"]
    assert container.exec("ls", "/many").stdout.count(b"\n") == 20


def test_a_callers_own_name_keeps_a_dry_run_and_its_command_apart(up, planned):
    container, instance, plan, top = planned

    def send(name, **body):
        return up.request(
            "PUT", f"/api/v0/instances/command/{instance}/", body={"command": "rm -r workspace/job", **body}, headers={"Idempotency-Key": name})

    first = send("once", dry_run=True)
    assert send("once", dry_run=True).json["plan"] == first.json["plan"]
    up.final(first.json["plan"])
    for body in ({}, {"plan": plan}):
        answer = send("once", **body)
        assert (answer.status, answer.json["error"]) == (422, "idempotency_mismatch"), answer
    assert top.exists()
    applied = send("twice", plan=plan)
    assert up.final(applied.json["command_id"])["exit_code"] == 0
    assert send("twice", plan=plan).json["command_id"] == applied.json["command_id"]
    assert send("twice").status == 422


# Folders that stay

def test_protected_folders_are_refused_by_any_name(up, made):
    def furnish(root):
        home = root / "home"
        (home / "etc-link").symlink_to("/etc")
        (home / "up").symlink_to("../usr/lib")
        (home / "root-link").symlink_to("/")
        (home / "chain").symlink_to("etc-link")
        (home / "deep").symlink_to("/usr/bin")

    container, instance = made(furnish)
    before = snapshot(upper(container))
    refused = {
        "/home/etc-link/": "protected", "home/up/": "protected", "home/chain/": "protected", "home/root-link/": "root", "home/root-link/etc": "protected",
        "home/deep/../bin": "protected", "home/deep/../lib/": "protected", "home/root-link/home": "protected",
    }
    for operand, why in refused.items():
        for options in ({}, {"dry_run": True}):
            row = ended(up, instance, f"rm -rf home/maria {operand}", **options)
            assert row["state"] == "denied" and row["removal"] is None, (operand, row)
            assert row["note"].startswith(f"refused: {operand} is ") and why in row["note"], row["note"]
    assert snapshot(upper(container)) == before
    # The links themselves are nobody's system.
    done = ended(up, instance, "rm -r home/etc-link home/up home/root-link home/chain home/deep")
    assert (done["exit_code"], done["removal"]["entries"]) == (0, 5), done


def test_mount_points_are_refused_by_name(up, new_container, tmp_path):
    (tmp_path / "bound").mkdir()
    container = new_container("--volume", "/volume", "--tmpfs", "/scratch", "--volume", f"{tmp_path}/bound:/bound")
    container.shell("touch /volume/kept; ln -s /volume /home/link; ln -s /scratch /home/scratch")
    instance = up.instance_id(container)
    for operand in ("volume", "/scratch", "bound/", "home/link/", "home/scratch/", "etc/hosts"):
        for options in ({}, {"dry_run": True}):
            row = ended(up, instance, f"rm -rf {operand}", **options)
            assert row["state"] == "denied" and row["note"].startswith(f"refused: {operand} is a mount point"), (operand, row)
    assert container.exec("ls", "/volume").stdout == b"kept\n"


def test_a_teams_own_protected_folders(start_up, new_container, tmp_path):
    path = document(tmp_path, "rules:\n  - use: vast/rm\n    operands: {within: [/workspace], protected: [/workspace/keep]}\n")
    up = start_up("--policy", path)
    container = new_container()
    container.shell("mkdir -p /workspace/keep /workspace/x; touch /workspace/keep/a /workspace/keep/b /srv/out; ln -s keep /workspace/link; ln -s /srv /workspace/out")
    instance = up.instance_id(container)
    assert denial(up, instance, "rm -r workspace/keep")["code"] == "protected_operand"
    assert denial(up, instance, "rm -r srv/out")["code"] == "path_not_allowed"
    row = ended(up, instance, "rm -r workspace/link/")
    assert row["state"] == "denied" and "workspace/link/ is a protected folder" in row["note"], row
    # A link that leads out of the folder leads nowhere.
    assert ended(up, instance, "rm -f workspace/out/out")["exit_code"] == 0
    assert ended(up, instance, "rm -f workspace/keep/a")["removal"]["entries"] == 1
    assert container.exec("ls", "/workspace/keep", "/srv").stdout == b"/srv:\nout\n\n/workspace/keep:\nb\n"


# Bounds

def test_a_link_with_a_slash_is_no_way_around_a_bound(start_up, new_container, tmp_path):
    path = document(tmp_path, "rules:\n  - use: vast/rm\n    limits: {entries: 2}\n")
    up = start_up("--policy", path)
    container = new_container()
    container.shell("mkdir /srv/folder; touch /srv/folder/{1..50}; ln -s /srv/folder /workspace/link; ln -s folder/. /srv/dot")
    instance = up.instance_id(container)
    for operand in ("workspace/link/", "workspace/link//", "srv/dot/"):
        row = ended(up, instance, f"rm -rf {operand}")
        assert container.exec("ls", "/srv/folder").stdout.count(b"\n") == 50, row


def test_a_rule_bounds_how_much_goes(start_up, new_container, tmp_path):
    path = document(tmp_path, "rules:\n  - use: vast/rm\n    limits: {entries: 5}\n")
    up = start_up("--policy", path)
    container = new_container()
    container.shell("mkdir -p /workspace/five /workspace/six; touch /workspace/five/{1..4} /workspace/six/{1..5}")
    instance = up.instance_id(container)
    assert order(up, instance, "rm -r x", dry_run=True).json["decision"]["limits"]["entries"] == 5
    before = snapshot(upper(container))
    row = ended(up, instance, "rm -r workspace/six")
    assert (row["state"], row["removal"]) == ("denied", None)
    assert row["note"] == "6 files and folders would go, and at most 5 may; nothing was removed"
    listed, row = preview(up, instance, "rm -r workspace/six")
    assert len(listed) == 6 == row["removal"]["entries"]
    assert ended(up, instance, "rm -r workspace/six", plan=row["id"])["state"] == "denied"
    assert snapshot(upper(container)) == before
    assert ended(up, instance, "rm -r workspace/five")["removal"]["entries"] == 5


def test_a_machine_bounds_it_too(start_up, new_container, tmp_path):
    path = document(tmp_path, "rules:\n  - use: vast/rm\n    limits: {entries: 2}\n")
    up = start_up("--machine-policy", path)
    container = new_container()
    container.shell("touch /workspace/{1..3}")
    instance = up.instance_id(container)
    row = ended(up, instance, "rm workspace/1 workspace/2 workspace/3")
    assert row["state"] == "denied" and row["note"].startswith("3 files and folders would go, and at most 2 may")
    assert ended(up, instance, "rm workspace/1 workspace/2")["exit_code"] == 0


def test_a_listing_is_cut_and_its_counts_are_not(start_up, new_container):
    up = start_up("--output-mib", "1")
    container = new_container()
    top = container.merged / "workspace/job"
    for number in range(6000):
        write(top, f"{number:0200}", b"")
    instance = up.instance_id(container)
    listed, row = preview(up, instance, "rm -r workspace/job")
    assert row["removal"]["entries"] == 6001 and len(listed) < 6001 and row["output_bytes"] <= 1 << 20
    assert row["note"] == f"the listing was cut at {1 << 20} bytes; the counts are of everything"
    done = ended(up, instance, "rm -r workspace/job", plan=row["id"])
    assert done["exit_code"] == 0 and done["removal"]["entries"] == 6001


def test_a_race_ends_in_one_of_two_ways(up, new_container):
    """Somebody writes into the folder while a plan is applied: either nothing went, or what was counted."""
    container = new_container()
    container.shell("mkdir -p /workspace/job; (while :; do echo x >/workspace/job/racing; rm -f /workspace/job/racing; done) >/dev/null 2>&1 & disown")
    instance = up.instance_id(container)
    ends = set()
    for number in range(12):
        write(container.merged / "workspace/job", f"sub{number}/file", b"x")
        _, row = preview(up, instance, "rm -r workspace/job")
        if row["removal"] is None:
            continue
        done = ended(up, instance, "rm -r workspace/job", plan=row["id"])
        ends.add(done["state"])
        there = (container.merged / f"workspace/job/sub{number}/file").exists()
        assert done["state"] in ("denied", "exited"), done
        assert there is (done["state"] == "denied"), done
        container.shell("mkdir -p /workspace/job")
    assert ends
