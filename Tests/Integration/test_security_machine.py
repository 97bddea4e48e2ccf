"""What a command leaves alone: other instances, the host, the engine's locks (docs/security.md, P1, P2, P5, P11)."""

import hashlib
import os
import pathlib
import stat
import subprocess

import pytest

from harness import jailed
from harness.busy import fill
from harness.engine import run


def mounted_overlays(upper):
    """The file systems on the host, in any mount namespace, that have this upper folder: their device numbers."""
    found = set()
    for table in pathlib.Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            lines = table.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            options = line.rsplit(" ", 1)[1].split(",")
            if f"upperdir={upper}" in options:
                found.add(line.split()[2])
    return found


def layer(container, name="UpperDir"):
    return container.inspect()["GraphDriver"]["Data"][name]


@pytest.fixture
def spoilable(new_container):
    return fill(new_container())


def state(container):
    """The engine's word in a list, which waits for no lock of the container's."""
    return container.engine.docker("ps", "--all", "--filter", f"name=^/{container.name}$", "--format", "{{.State}}").stdout.decode().strip()


def test_a_stopped_instances_files_are_mounted_for_writing_by_the_engine_alone(up, spoilable, frozen_tool):
    upper = layer(spoilable)
    assert len(mounted_overlays(upper)) == 1, "the control: a running container's"
    spoilable.stop()
    assert mounted_overlays(upper) == set()
    identifier = up.instance_id(spoilable, "exited")

    reader, pid = frozen_tool(up, spoilable, "du -a home")
    assert mounted_overlays(upper) == set(), "a reader has layers, and no upper folder"
    spoilable.start()
    assert len(mounted_overlays(upper)) == 1
    jailed.thaw(pid)
    assert up.final(reader)["state"] == "exited"
    spoilable.stop()
    up.instance_id(spoilable, "exited")

    writer, pid = frozen_tool(up, spoilable, "rm -r home/many")
    assert len(mounted_overlays(upper)) == 1
    # Who starts, commits or removes it waits until the command has ended.
    environment = {**os.environ, "DOCKER_HOST": spoilable.engine.url}
    starting = subprocess.Popen(["docker", "start", spoilable.name], env=environment, stdout=subprocess.DEVNULL)
    with pytest.raises(subprocess.TimeoutExpired):
        starting.wait(1)
    assert state(spoilable) == "exited" and len(mounted_overlays(upper)) == 1
    jailed.thaw(pid)
    row = up.final(writer)
    assert (row["state"], row["exit_code"], row.get("note")) == ("exited", 0, None), row
    assert starting.wait(30) == 0 and spoilable.is_running
    assert spoilable.exec("ls", "/home").stdout == b"maria\n"
    assert identifier == up.instance_id(spoilable, "running")


def snapshot(*roots):
    """One digest over everything below: kinds, modes, owners, sizes, times, contents of small files and attributes."""
    digest, count = hashlib.sha256(), 0
    for root in roots:
        for path, folders, names in os.walk(os.fsencode(root)):
            folders.sort()
            for name in sorted(folders + names):
                full = os.path.join(path, name)
                status = os.lstat(full)
                about = (full, status.st_mode, status.st_uid, status.st_gid, status.st_size if not stat.S_ISDIR(status.st_mode) else 0, status.st_mtime_ns,
                         status.st_ctime_ns, status.st_nlink, [(key, os.getxattr(full, key, follow_symlinks=False)) for key in os.listxattr(full, follow_symlinks=False)])
                digest.update(repr(about).encode())
                if stat.S_ISREG(status.st_mode) and status.st_size < 4096:
                    digest.update(pathlib.Path(os.fsdecode(full)).read_bytes())
                count += 1
    return digest.hexdigest(), count


def test_a_command_touches_nothing_but_its_instance(up, new_container, tmp_path):
    """Another instance of the same image, the image, another volume and the host are as they were; the control is its own layer."""
    bound = tmp_path / "bound"
    (bound / "sub").mkdir(parents=True)
    (bound / "sub/file").write_text("the host's")
    mine = new_container("--volume", f"{bound}:/bound", "--volume", "/own")
    other = new_container("--volume", "/own")
    mine.shell("mkdir /home/links; ln -s /bound /home/links/a; ln -s ../../../../../../etc /home/links/b; ln -s /proc/1/root /home/links/c; touch /own/x")
    other.shell("touch /own/x /home/kept")
    volume = other.inspect()["Mounts"][0]["Source"]
    outside = [other.merged, *layer(mine, "LowerDir").split(":"), bound, volume, "/etc"]
    own = layer(mine)
    before, owned = snapshot(*outside), snapshot(own)
    for state in ("running", "exited"):
        instance = up.instance_id(mine, state)
        for command in ("ls -laR /", "ls -lLR /home", "du -a /", "du -aL /home", "rm -rf /bound /home/links/a/ /home/links/b/passwd /home/links/c/etc",
                        "rm -rf /own/x /home/links /srv /opt /media"):
            row = up.final(up.put_command(instance, command).json["command_id"])
            assert row["state"] in ("exited", "denied"), row
            assert snapshot(*outside) == before, command
        if state == "running":
            assert snapshot(own) != owned
            mine.stop()
    print(f"{before[1]} inodes outside, 24 times")


def test_the_host_is_not_held_up_by_a_command(up, spoilable, new_container, frozen_tool, tmp_path):
    """While a tool runs: other containers start, stop and go; a file system of the host's is given back, device and all."""
    image, point = tmp_path / "disk.img", tmp_path / "disk"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    run("mkfs.ext4", "-q", "-F", image)

    def devices():
        return run("losetup", "--associated", image, "--noheadings", "--output", "NAME").stdout.decode().split()

    def given_back():
        run("umount", point)
        return devices() == []

    # The control: another mount namespace that has it keeps the device.
    run("mount", "-o", "loop", image, point)
    holder = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", "echo held; exec sleep 100"], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        assert not given_back()
    finally:
        holder.kill()
        holder.wait()

    run("mount", "-o", "loop", image, point)
    other = new_container()
    command, pid = frozen_tool(up, spoilable, "du -a home")
    try:
        assert given_back(), devices()
        for _ in range(2):
            other.engine.docker("stop", "--time", "0", other.name, timeout=20)
            other.engine.docker("start", other.name, timeout=20)
        other.engine.docker("rm", "--force", other.name, timeout=20)
        new_container()
    finally:
        jailed.thaw(pid)
    assert up.final(command)["state"] == "exited"


def test_a_tenant_does_not_see_who_looks(up, spoilable, frozen_tool):
    """The tool is in no namespace of the instance's: neither its process nor its mounts are seen there."""
    inside = "for p in /proc/[0-9]*; do read -r name <$p/comm && echo $name; done; wc -l </proc/self/mountinfo"
    before = sorted(spoilable.shell(inside).stdout.split())
    assert b"bash" in before, "the control: it sees its own"
    command, pid = frozen_tool(up, spoilable, "du -a home")
    try:
        assert sorted(spoilable.shell(inside).stdout.split()) == before
        for kind in ("pid", "mnt", "net", "ipc", "uts", "cgroup"):
            assert os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/{spoilable.pid}/ns/{kind}"), kind
        assert os.readlink(f"/proc/{pid}/exe") == os.path.realpath("/usr/bin/du")
    finally:
        jailed.thaw(pid)
    assert up.final(command)["state"] == "exited"
