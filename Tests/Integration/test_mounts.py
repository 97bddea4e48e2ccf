"""A command never changes the mount table of a running container."""

import pytest

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
    from harness.engine import run

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
