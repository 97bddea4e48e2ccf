"""The writable view: what an instance has written itself, on running and stopped ones."""

import json
import os
import pathlib
import stat

import pytest

from harness import jailed
from harness.boathook import BIN, Client, Up
from harness.engine import run
from harness.orders import denial, ended, order, output
from harness.policies import document
from harness.snapshot import snapshot, upper

STATES = ["running", "exited"]


@pytest.fixture(scope="module")
def inspecting(engine, tmp_path_factory):
    up = Up(engine, tmp_path_factory.mktemp("inspecting"), "--policy", "inspect")
    yield up
    up.process.terminate()
    up.process.end()


@pytest.fixture(scope="module", params=STATES)
def written(request, engine, inspecting):
    """A container that has added, changed and removed files, with a volume, a tmpfs and a bound folder; and its instance."""
    container = engine.container("--volume", "/workspace/volume", "--tmpfs", "/scratch")
    container.shell(r"""
        set -e; mkdir -p /workspace/own/deep; head -c 100000 /dev/zero >/workspace/own/deep/large; echo text >/workspace/own/note
        echo more >>/etc/motd; rm /home/maria/notes.txt; touch /home/maria/mine; echo v >/workspace/volume/v; echo s >/scratch/s
        ln -s /etc/passwd /workspace/own/to-image; ln -s /workspace/own/note /workspace/own/to-own; ln -s /workspace/volume/v /workspace/own/to-volume
        rm -r /srv; mkdir /srv; touch /srv/again
    """)
    if request.param == "exited":
        container.stop()
    yield container, inspecting.instance_id(container, request.param)
    container.remove()


def test_ls_shows_what_was_written(inspecting, written):
    container, instance = written
    view = {"view": "writable"}
    assert output(inspecting, instance, "ls workspace/own", **view) == b"deep\nnote\nto-image\nto-own\nto-volume\n"
    listed = output(inspecting, instance, "find . -type f", **view).decode().split()
    assert sorted(listed) == ["./etc/motd", "./home/maria/mine", "./srv/again", "./workspace/own/deep/large", "./workspace/own/note"]
    # The control: there is more of everything in the merged view.
    assert "./etc/passwd" in output(inspecting, instance, "find . -type f").decode().split()


def test_du_adds_up_to_what_the_layer_takes(inspecting, written):
    container, instance = written
    said = output(inspecting, instance, "du -s -B1", view="writable").split()[0]
    assert int(said) == int(run("du", "-s", "-B1", "-x", upper(container)).stdout.split()[0])
    listed = output(inspecting, instance, "du -a -B1 workspace/own", view="writable").decode()
    assert listed == run("du", "-a", "-B1", "workspace/own", cwd=upper(container)).stdout.decode()
    assert int(output(inspecting, instance, "du -s -B1").split()[0]) > int(said)


def test_volumes_and_mounts_are_no_part_of_it(inspecting, written):
    container, instance = written
    assert output(inspecting, instance, "ls -A workspace/volume", view="writable") == b""
    row = ended(inspecting, instance, "ls scratch proc/self", view="writable")
    assert row["stdout"].strip() in ("", "scratch:") and row["exit_code"] == 2
    assert output(inspecting, instance, "ls workspace/volume") == b"v\n"


def test_links_lead_only_to_what_was_written(inspecting, written):
    container, instance = written
    assert output(inspecting, instance, "cat workspace/own/to-own", view="writable") == b"text\n"
    for name in ("to-image", "to-volume"):
        row = ended(inspecting, instance, f"cat workspace/own/{name}", view="writable")
        assert row["exit_code"] == 1 and "No such file" in row["stderr"] and row["stdout"] == ""
    assert output(inspecting, instance, "cat etc/motd", view="writable").endswith(b"more\n")


def test_what_was_removed_is_not_there(inspecting, written):
    """In the layer itself, an overlay keeps a removed name as a device 0/0."""
    container, instance = written
    kept = os.lstat(os.path.join(upper(container), "home/maria/notes.txt"))
    assert stat.S_ISCHR(kept.st_mode) and kept.st_rdev == 0
    assert output(inspecting, instance, "ls home/maria", view="writable") == b"mine\n"
    for view in ("writable", "merged"):
        assert ended(inspecting, instance, "ls home/maria/notes.txt", view=view)["exit_code"] == 2


def test_rm_does_not_run_on_it(inspecting, written):
    container, instance = written
    before = snapshot(upper(container))
    for command in ("rm -r workspace/own", "rm -f workspace/none"):
        for options in ({}, {"dry_run": False}):
            reason = denial(inspecting, instance, command, view="writable", **options)
            assert (reason["code"], reason["token"]) == ("view_not_allowed", "rm") and "merged" in reason["message"]
        decision = order(inspecting, instance, command, view="writable", dry_run=True).json
        assert decision["decision"]["denial"]["code"] == "view_not_allowed" and "plan" not in decision
    assert snapshot(upper(container)) == before


def test_it_is_read_only_and_without_devices(inspecting, new_container, engine):
    container = new_container()
    container.shell("mkdir /many; cd /many; for i in {1..20}; do mkdir $i; touch $i/{1..500}; done")
    instance = inspecting.instance_id(container)
    identifier, pid = inspecting.frozen(instance, "du -a many", view="writable")
    try:
        mounts = [line.split() for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
        assert mounts
        for fields in mounts:
            assert {"ro", "nosuid", "nodev", "noexec", "noatime"} <= set(fields[5].split(",")), fields
        assert os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink(f"/proc/{container.pid}/ns/mnt")
    finally:
        jailed.thaw(pid)
    assert inspecting.final(identifier)["exit_code"] == 0


def test_an_instance_that_wrote_nothing(inspecting, new_container):
    container = new_container()
    container.stop()
    instance = inspecting.instance_id(container, "exited")
    assert output(inspecting, instance, "ls -A", view="writable") == b""
    assert output(inspecting, instance, "find . -mindepth 1", view="writable") == b""


def test_nothing_of_the_engine_is_in_it(inspecting, new_container):
    """Names that lead out of the layer on the host lead nowhere in the view."""
    container = new_container()
    folder = upper(container)
    container.shell(rf"""
        set -e; cd /home; ln -s ../work up; ln -s {os.path.dirname(folder)} absolute; ln -s {folder}/../lower lower
        ln -s /proc/self/root process; mkdir {os.path.basename(folder)}-x
    """)
    for state in STATES:
        if state == "exited":
            container.stop()
        instance = inspecting.instance_id(container, state)
        for command in ("ls home/up/", "ls home/absolute/", "cat home/lower", "ls home/process/", "ls -L home/up"):
            row = ended(inspecting, instance, command, view="writable")
            assert row["exit_code"] != 0 and row["stdout"] == "", row
        assert output(inspecting, instance, "ls ..", view="writable") == output(inspecting, instance, "ls", view="writable")


def test_a_rule_of_one_view_alone(start_up, running, tmp_path):
    path = document(tmp_path, "rules:\n  - program: du\n    views: [writable]\n    options: [{letters: s}]\n  - use: vast/ls\n")
    up = start_up("--policy", path)
    instance = up.instance_id(running)
    reason = denial(up, instance, "du -s home")
    assert reason["code"] == "view_not_allowed" and "writable" in reason["message"]
    assert ended(up, instance, "du -s home", view="writable")["decision"]["rule"] == "team/du"
    assert ended(up, instance, "ls home", view="merged")["exit_code"] == 0


def test_a_bound_key_sees_its_part_of_it(inspecting, written):
    container, instance = written
    made = run(BIN / "boathook", "admin", "create-key", "--data-dir", inspecting.data, "--user", "admin", "--agent", "--path", "/workspace/own", "--json")
    bound = Client(inspecting.url, json.loads(made.stdout)["key"], inspecting.engine)
    listed = output(bound, instance, "find -type f", view="writable").decode().split()
    assert sorted(listed) == ["./workspace/own/deep/large", "./workspace/own/note"]
    assert denial(bound, instance, "ls etc", view="writable")["code"] == "path_not_allowed"


@pytest.mark.parametrize("view", ["merged", "writable"])
def test_looking_changes_nothing(inspecting, written, view):
    container, instance = written
    # Access times too, which a snapshot leaves out.
    def times():
        return {path: os.lstat(os.path.join(upper(container), os.fsdecode(path))).st_atime_ns for path in snapshot(upper(container))}

    if container.is_running:
        container.exec("ls", "-R", "/workspace")
    before, read = snapshot(upper(container)), times()
    for command in ("ls -laR", "du -a", "cat workspace/own/note etc/motd", "find . -size +0", "grep -r x workspace", "sha256sum workspace/own/deep/large", "tree"):
        ended(inspecting, instance, command, view=view)
    assert snapshot(upper(container)) == before and times() == read
