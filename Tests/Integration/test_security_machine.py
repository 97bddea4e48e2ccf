"""What a command leaves alone: other instances, the host, the engine's locks (docs/security.md, P1 to P5, P11, P36)."""

import hashlib
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import time
import types

import pytest

from harness import jailed
from harness.boathook import Up
from harness.busy import fill
from harness.engine import run
from harness.passage import serve_each
from harness.promptly import least_of
from harness.waiting import eventually


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
        starting.wait(1)  # it would be over in a third of that
    assert state(spoilable) == "exited" and len(mounted_overlays(upper)) == 1
    jailed.thaw(pid)
    row = up.final(writer)
    assert (row["state"], row["exit_code"], row.get("note")) == ("exited", 0, None), row
    assert starting.wait(60) == 0 and spoilable.is_running
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
            other.engine.docker("stop", "--time", "0", other.name, timeout=60)
            other.engine.docker("start", other.name, timeout=60)
        other.engine.docker("rm", "--force", other.name, timeout=60)
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


class Listener:
    """The engine behind a socket of our own, which keeps what was asked of it."""

    def __init__(self, url):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="boathook-listener.", dir="/tmp"))
        self.target, self.url = url.removeprefix("unix://"), f"unix://{self.folder}/socket"
        self.said = []  # one bytearray for each connection
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder}/socket")
        self.listener.listen(64)
        serve_each(self.listener, self._connection)

    def end(self):
        self.listener.close()
        shutil.rmtree(self.folder)

    def _connection(self, client, _):
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(self.target)
        said = bytearray()
        self.said.append(said)
        for one, other, kept in ((client, engine, said), (engine, client, bytearray())):
            threading.Thread(target=self._pump, args=(one, other, kept), daemon=True).start()

    @staticmethod
    def _pump(source, sink, kept):
        try:
            while piece := source.recv(65536):
                kept += piece
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# All that commands of the policy "vast" may ask of Docker.
ASKED = rb"GET /(version|info|networks|events\?\S*|containers/json\?\S*|containers/[0-9a-f]{64}/json) |PUT /containers/[0-9a-f]{64}/archive\?path=/ "


def test_nothing_is_executed_copied_or_uploaded_by_the_engine(engine, new_container, tmp_path):
    """No exec, no download, and of the one upload its head alone: what the engine does with an instance's files is not met."""
    container = new_container()
    container.shell("mkdir -p /home/d; touch /home/d/{1..50}")
    listener = Listener(engine.url)
    up = Up(types.SimpleNamespace(url=listener.url), tmp_path / "up")
    try:
        for state in ("running", "exited"):
            instance = up.instance_id(container, state)
            for command in ("ls -laR /", "du -a /", f"rm -r home/d/{'1' if state == 'running' else '2'}", "rm -r home/none"):
                assert up.run(instance, command)[1]["state"] == "exited"
            if state == "running":
                container.stop()
        up.process.terminate()
    finally:
        up.process.end()
        listener.end()
    heads = [line for said in listener.said for line in re.findall(rb"^([A-Z]+ /\S* )HTTP/1\.1\r$", said, re.M)]
    assert len(heads) > 5
    assert [line for line in heads if not re.fullmatch(ASKED, line)] == []
    uploads = [bytes(said) for said in listener.said if said.startswith(b"PUT ")]
    assert len(uploads) >= 2 and all(said.endswith(b"\r\n\r\n") and said.count(b"\r\n\r\n") == 1 for said in uploads), uploads


@pytest.mark.parametrize("words", [["--program", "rm"], ["--instance", "ID"], ["--machine", "1"], ["--everything"]], ids=lambda words: words[0])
def test_what_is_switched_off_is_refused_within_five_seconds(start_up, new_container, words):
    up = start_up()
    container = new_container()
    container.shell("touch /home/one")
    instance = up.instance_id(container)
    words = [str(instance) if word == "ID" else word for word in words]

    def answer():
        found = up.put_command(instance, "rm home/none")
        return found if found.status == 403 else None

    def switched_off():
        """How long until it counts."""
        if answer():
            up.admin("switch-on", *words)
            eventually("it is on", lambda: not answer())
        up.admin("switch-off", *words, "--reason", "maintenance")
        began = time.monotonic()
        eventually("it is off", answer)
        return time.monotonic() - began

    assert least_of(switched_off, 5) < 5
    refused = answer()
    assert refused.json["error"] == "switched_off" and "maintenance" in refused.json["msg"]
    assert up.put_command(instance, "rm home/one").status == 403 and (container.merged / "home/one").exists()
    assert up.put_command(instance, "ls").status == (200 if words[0] == "--program" else 403)
    up.admin("switch-on", *words)
    eventually("it is on", lambda: up.put_command(instance, "rm home/one").status == 200)
