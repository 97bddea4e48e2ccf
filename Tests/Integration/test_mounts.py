"""A command never changes the mount table of a running container."""

import os
import pathlib

import pytest

from harness.engine import run
from harness.waiting import eventually

CASES = [
    "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup", "/proc/sys",
    "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/data", "/bind", "/bind/file", "/scratch", "/deep/in/side",
]


@pytest.fixture
def mounted(new_container, engine, tmp_path):
    """A running container with one mount of each kind."""
    host = tmp_path / "bound"
    host.mkdir()
    (host / "host-file").write_text("the host's")
    (host / "file").write_text("under the file's mount")
    single = tmp_path / "single"
    single.write_text("one file")
    container = new_container(
        "--volume", "boathook-test-mounts:/data", "--volume", f"{host}:/bind", "--volume", f"{single}:/bind/file",
        "--tmpfs", "/scratch", "--volume", "/deep/in/side",
    )
    container.shell("echo precious >/data/file; echo quick >/scratch/file; echo x >/deep/in/side/file")
    container.host = host
    yield container
    container.remove()
    engine.docker("volume", "rm", "boathook-test-mounts", check=False)


@pytest.mark.parametrize("point", CASES)
def test_rm_of_a_mount_point_leaves_it_mounted(up, mounted, point):
    before = mounted.mount_table()
    instance = up.instance_id(mounted)
    for command in (f"rm -rf {point}", f"rm -rf {point}/", f"rm -r -f {point.lstrip('/')}"):
        accepted = up.put_command(instance, command)
        assert accepted.status in (200, 400), accepted
        if accepted.status == 200:
            row = up.final(accepted.json["command_id"])
            assert row["state"] in ("exited", "denied"), row
    assert mounted.mount_table() == before
    # The host's bound folder is no part of the instance: nothing in it may go.
    assert (mounted.host / "host-file").read_text() == "the host's"
    assert mounted.shell("ls /proc/self/mountinfo; ls -d /dev/null; cat /etc/hosts").returncode == 0


def test_rm_of_everything_that_has_mounts_below(up, mounted):
    before = mounted.mount_table()
    instance = up.instance_id(mounted)
    names = mounted.exec("ls", "-A", "/").stdout.decode().split()
    for command in ("rm -rf deep", "rm -rf etc", "rm -rf " + " ".join(names)):
        accepted = up.put_command(instance, command)
        if accepted.status == 200:
            assert up.final(accepted.json["command_id"])["state"] in ("exited", "denied")
    assert mounted.mount_table() == before
    assert (mounted.host / "host-file").exists()


def test_a_busy_mount_point_is_said(up, mounted):
    accepted = up.put_command(up.instance_id(mounted), "rm -rf scratch")
    if accepted.status == 200:
        row = up.final(accepted.json["command_id"])
        assert row["exit_code"] != 0 or row["state"] == "denied"
        assert row["state"] == "denied" or "busy" in row["stderr"] or "Read-only" in row["stderr"]
    assert mounted.exec("ls", "/scratch").stdout == b"file\n"


def test_positive_control_a_plain_chroot_detaches_live_mounts(mounted):
    # Why all this (security.md, X1): rm of a mount point from a second mount namespace succeeds, and
    # the kernel silently detaches the mount in the running container.
    before = mounted.mount_table()
    run("unshare", "--mount", "sh", "-c",
        'mkdir -p "$0" && mount --bind "$1" "$0" && chroot "$0" /usr/bin/rm -rf /scratch',
        mounted.host.parent / "view", mounted.merged, check=False)
    assert mounted.mount_table() != before


def test_rm_reaches_no_other_spelling_of_the_root(up, new_container):
    container = new_container()
    container.shell("ln -s / /home/root-link; ln -s .. /home/up; mkdir -p /a/b")
    instance = up.instance_id(container)
    for command in ("rm -rf home/root-link/", "rm -rf home/up/", "rm -rf home/root-link/.", "rm -rf a/../", "rm -rf a/b/../..", "rm -rf ../../.."):
        accepted = up.put_command(instance, command)
        if accepted.status == 200:
            up.final(accepted.json["command_id"])
    assert set(container.exec("ls", "/").stdout.split()) >= {b"home", b"usr", b"etc", b"a", b"tmp"}
    assert container.exec("ls", "/home").stdout.split() >= [b"maria"]


def test_a_first_process_in_a_chroot_hides_no_mount(up, new_container, tmp_path):
    # Its table of mounts shows only what lies below its own root.
    host = tmp_path / "bound"
    host.mkdir()
    (host / "host-file").write_text("the host's")
    container = new_container(
        "--volume", f"{host}:/mnt/h", "--volume", "/vol", kind="debian",
        command=("bash", "-c", "mkdir /sub; cp -a /bin /lib /lib64 /usr /sub/; exec chroot /sub /bin/sleep 100000"),
    )
    eventually("it changes its root", lambda: os.readlink(f"/proc/{container.pid}/root") != "/", 120, every=0.1)
    before = pathlib.Path(f"/proc/{container.pid}/task/{container.pid}/mountinfo").read_text()
    namespace = container.mount_table()
    instance = up.instance_id(container)
    container.shell("ln -s / /around")
    row = up.run(instance, "rm -rf /mnt")[1]
    assert row["exit_code"] == 1 and "Device or resource busy" in row["stderr"], row
    # A mount point itself, and a folder of the system, are refused before the tool starts, by whatever name.
    for path in ("/vol", "/etc/hosts", "/etc/resolv.conf", "/around/proc", "/around/sys", "/around/dev"):
        row = up.run(instance, f"rm -rf {path}")[1]
        assert row["state"] == "denied" and "refused: " + path in row["note"], (path, row)
    for path in ("/proc", "/sys", "/dev"):
        denied = up.put_command(instance, f"rm -rf {path}")
        assert denied.json["denial"]["code"] == "protected_operand", denied
    assert container.mount_table() == namespace
    assert pathlib.Path(f"/proc/{container.pid}/mountinfo").read_text() == before
    assert (host / "host-file").exists()


def test_a_volume_that_stands_for_a_host_folder_is_no_part_of_the_view(up, new_container, engine, tmp_path):
    host = tmp_path / "bound"
    host.mkdir()
    (host / "canary").write_text("the host's")
    name = "boathook-test-o-bind"
    engine.docker("volume", "create", "--opt", "type=none", "--opt", "o=bind", "--opt", f"device={host}", name)
    container = new_container("--volume", f"{name}:/data")
    try:
        assert container.exec("ls", "/data").stdout == b"canary\n"
        for state in ("running", "exited"):
            instance = up.instance_id(container, state)
            assert up.run(instance, "ls /data")[0] == b""
            up.run(instance, "rm -rf /data/canary /data")
            assert (host / "canary").exists()
            if state == "running":
                container.stop()
    finally:
        container.remove()
        engine.docker("volume", "rm", name, check=False)


def test_a_read_only_root_is_not_written(up, new_container):
    container = new_container("--read-only", command=("bash", "-c", "trap 'exit 0' TERM; sleep 100000 & wait"))
    for state in ("running", "exited"):
        instance = up.instance_id(container, state)
        accepted = up.put_command(instance, "rm -rf /home/maria")
        row = up.final(accepted.json["command_id"])
        assert row["state"] == "denied" and "read-only" in row["note"], row
        assert b"maria" in up.run(instance, "ls /home")[0]
        if state == "running":
            container.stop()


def test_a_mount_whose_parent_is_renamed_meanwhile_is_not_detached(up, new_container, tmp_path):
    host = tmp_path / "bound"
    host.mkdir()
    container = new_container(
        "--volume", f"{host}:/a/b/c", command=("bash", "-c", "while :; do mv /a/b /a/x; mv /a/x /a/b; done"),
    )
    instance = up.instance_id(container)
    for _ in range(40):
        row = up.final(up.put_command(instance, "rm -rf /a/b/c /a/x/c").json["command_id"])
        assert row["state"] in ("exited", "denied"), row
        assert " /a/" in str(container.mount_table()), row
