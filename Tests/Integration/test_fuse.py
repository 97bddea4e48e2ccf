"""File systems that do not answer: a tenant's own is not entered, and a tool that waits in one holds up nobody (docs/security.md, X7)."""

import contextlib
import os
import pathlib
import subprocess

import pytest

from harness import jailed, silent, usage
from harness.boathook import TERMINAL, Up
from harness.engine import run
from harness.orders import accepted
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(silent.why_not() is not None, reason=f"no FUSE: {silent.why_not()}")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return silent.build(tmp_path_factory.mktemp("silent"))


@pytest.fixture(scope="module")
def connections(tmp_path_factory):
    with silent.connections(tmp_path_factory.mktemp("connections")) as folder:
        yield folder


@pytest.fixture
def tenants_own(new_container, program, connections):
    """A container whose tenant has mounted a silent file system in it: the container, and the file system."""
    started = []

    def make(point, *operations):
        container = new_container("--device", "/dev/fuse", "--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined")
        container.shell(f"mkdir -p {point}")
        container.engine.docker("cp", program, f"{container.name}:/usr/bin/silent_fuse")
        command = ["docker", "--host", container.engine.url, "exec", container.name, "silent_fuse", point, *operations]
        fuse = silent.SilentFuse(command, f"/proc/{container.pid}/mountinfo", point, connections)
        started.append(fuse)
        fuse.fall_silent(server_in(container))
        return container, fuse

    yield make
    for fuse in started:
        fuse.end()


def server_in(container):
    """The server's id on this host."""
    listed = container.engine.docker("top", container.name, "-eo", "pid,comm").stdout.decode().splitlines()
    return next(int(line.split()[0]) for line in listed if line.split()[1] == "silent_fuse")


@pytest.fixture
def hosts_own(program, connections):
    """Mounts a silent file system on this host: `hosts_own(point, operation…)`."""
    started = []

    def make(point, *operations):
        # It ends with us, and a mount whose server has ended answers everybody with an error.
        command = ["setpriv", "--pdeathsig", "KILL", program, point, *operations]
        started.append(silent.SilentFuse(command, "/proc/self/mountinfo", point, connections))
        return started[-1]

    yield make
    for fuse in started:
        fuse.end()
        run("umount", "--lazy", fuse.point, check=False)


@pytest.fixture
def volume(engine):
    """A volume of the engine's, and the folder on this host that its files are in; a test names it before its containers, which go first."""
    name = f"boathook-test-silent-{os.getpid()}"
    engine.docker("volume", "create", name)
    folder = pathlib.Path(engine.docker("volume", "inspect", "--format", "{{.Mountpoint}}", name).stdout.decode().strip())
    yield name, folder
    engine.docker("volume", "rm", "--force", name)


def state_of(pid):
    """The state's letter; None when it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def waiting_threads(pid):
    """Those of its threads that wait for a FUSE program (fs/fuse/dev.c of Linux)."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return [task.name for task in tasks if (task / "wchan").read_text() == "request_wait_answer"]


@contextlib.contextmanager
def somebody_who_enters(pid, path, fuse):
    """The control: a process in that process's namespaces that looks at the path."""
    with subprocess.Popen(["nsenter", "--target", str(pid), "--mount", "ls", "-lR", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()
            # It cannot go before, and is waited for.
            fuse.end()


def sent_into(fuse, up, instance, command, operation):
    """A command that waits in the file system, and has little time: the command's id."""
    for seconds in (2, 10, 25):
        identifier = accepted(up, instance, command, timeout=seconds)["command_id"]
        # On a busy machine its time may be over before it gets there.
        while True:
            line = fuse.next(0.2)
            if line == f"{operation} silent":
                return identifier
            if line is None and up.command(identifier)["state"] in TERMINAL:
                break
    raise AssertionError(f"nobody waits for {operation}: {up.command(identifier)}")


def test_a_tenants_own_is_not_entered(start_up, tenants_own):
    up = start_up("--concurrency", "1")
    container, fuse = tenants_own("/srv/trap/point", "lookup", "getattr", "statfs", "open", "opendir", "readdir")
    container.shell("mkdir -p /srv/trap/beside; echo gone >/srv/trap/beside/file; ln -s point/notes /srv/trap/link; ln -s /srv/trap/point /srv/door")
    instance, mounts = up.instance_id(container), container.mount_table()
    for command in ("ls -R /", "ls -laR /srv/trap /srv/trap/point", "du -d2 -h /", "du -a /srv/trap/point", "ls -lL /srv/trap/link /srv/door/_data",
                    "du -shD /srv/door", "rm -rf /srv/trap/point", "rm -rf /srv/trap/point/_data /srv/door/notes", "rm -rf /srv/trap"):
        row = up.final(up.put_command(instance, command).json["command_id"])
        assert row["state"] in ("exited", "denied"), row
        assert fuse.requests() == [], f"{command} asked it"
    # The last one took what it could, and stopped at the mount.
    assert row["state"] == "exited" and row["exit_code"] == 1 and "busy" in row["stderr"], row
    assert container.mount_table() == mounts
    assert container.exec("ls", "-A", "/srv/trap").stdout == b"point\n"

    # The control: whoever enters does wait, dead or alive, until the connection ends.
    with somebody_who_enters(container.pid, "/srv/trap/point", fuse) as process:
        fuse.until_silent("getattr")
        eventually("it waits: the control of the control", lambda: waiting_threads(process.pid) == [str(process.pid)])
        process.kill()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        eventually("nobody can end it", lambda: state_of(process.pid) == "D")
        # And while it does, the machine serves on.
        output, row = up.run(instance, "ls -d /srv/trap/point")
        assert (output, row["exit_code"]) == (b"/srv/trap/point\n", 0), row
        fuse.end()
        process.wait(60)


# What waits, and what it waits for: the jail while it puts the view together, or the tool.
WAITS = {
    "for the names of a folder": ("ls -R /data", "readdir"),
    "for a file's attributes": ("ls -l /data/notes", "getattr"),
    "for a folder that is to be removed": ("rm -rf /data/none", "lookup"),
    "for the file system's flags": ("du -s /data", "statfs"),
}


@pytest.mark.parametrize("name", WAITS)
def test_a_tool_that_waits_in_one_is_set_aside(start_up, volume, new_container, hosts_own, name):
    """A volume whose folder lies in a file system that the machine's owner mounted, and that stops answering."""
    command, operation = WAITS[name]
    up = start_up("--concurrency", "1")
    volume_name, folder = volume
    fuse = hosts_own(folder.parent, operation)
    container = new_container("--volume", f"{volume_name}:/data:nocopy")
    other = new_container()
    instance, another = up.instance_id(container), up.instance_id(other)
    output, row = up.run(instance, "ls -l /data")
    assert row["exit_code"] == 0 and b" notes\n" in output, "the control: it is in the view"
    # Others may mount things on this host meanwhile.
    engines_own = str(folder.parents[2])
    mounts = [line for line in usage.mounts() if engines_own in line]

    fuse.fall_silent(fuse.process.pid)
    identifier = sent_into(fuse, up, instance, command, operation)
    assert not waiting_threads(up.agent_pid), "the agent itself waits, which nobody can end"
    row = up.final(identifier)
    assert (row["state"], row["complete"]) == ("timed_out", False), row
    assert "it is stuck in the kernel" in row["note"], row
    # Of an rm, what counts before it too.
    stuck = [pid for pid in jailed.descendants(up.agent_pid) if state_of(pid) == "D"]
    assert stuck and fuse.waiting() >= len(stuck), "they died after all, so nothing was shown"

    # The only slot is free, on this machine and on the same instance.
    output, row = up.run(another, "ls -d home")
    assert (output, row["state"], row["exit_code"]) == (b"home\n", "exited", 0), row
    if operation == "readdir":
        output, row = up.run(instance, "ls -l /data/notes")
        assert row["exit_code"] == 0 and output.endswith(b"/data/notes\n"), row

    # Its server dies, and with it all that waited for an answer.
    fuse.process.kill()
    eventually("they go", lambda: up.run(another, "ls -d home") and not [pid for pid in stuck if state_of(pid)])
    assert not [pid for pid in jailed.descendants(up.agent_pid) if state_of(pid) == "D"]
    assert [line for line in usage.mounts() if engines_own in line] == mounts
    assert up.run(instance, "ls -d /home")[1]["state"] in ("exited", "denied")
    container.remove()
    run("umount", folder.parent)
    assert not (folder.parent / "notes").exists(), "and the mount is gone"


def test_a_volume_that_is_one_itself_is_no_part_of_the_view(up, volume, new_container, hosts_own):
    volume_name, folder = volume
    fuse = hosts_own(folder, "lookup", "getattr", "statfs", "open", "opendir", "readdir")
    container = new_container("--volume", f"{volume_name}:/data:nocopy")
    assert container.exec("ls", "/data").stdout == b"_data\nnotes\n"
    instance = up.instance_id(container)
    fuse.fall_silent(fuse.process.pid)
    for command in ("ls -laR /data", "du -a /", "rm -rf /data/notes"):
        row = up.final(up.put_command(instance, command).json["command_id"])
        assert row["state"] == "exited", row
    assert fuse.requests() == []


def test_an_instances_own_program_in_one_ends_at_its_time(engine, tmp_path, new_container, tenants_own):
    """What the engine runs inside an instance does enter. Then that command ends, and other instances and new ones are served."""
    up = Up(engine, tmp_path / "up", "--policy", "diagnose", "--concurrency", "1")
    try:
        other = new_container()
        container, fuse = tenants_own("/srv/trap", "lookup")
        container.shell("ln -s /srv/trap/ps /usr/bin/ps")
        instance, another = up.instance_id(container), up.instance_id(other)
        identifier = sent_into(fuse, up, instance, "ps aux", "lookup")
        row = up.final(identifier)
        assert (row["state"], row["complete"]) == ("timed_out", False), row["note"]
        assert fuse.waiting() >= 1, "it died after all, so nothing was shown"
        assert up.final(up.put_command(another, "free").json["command_id"])["state"] == "exited"
        row = up.final(up.put_command(up.instance_id(new_container()), "free").json["command_id"])
        assert row["state"] == "exited", row
        fuse.end()
        assert up.process.terminate()[0] == 0
    finally:
        up.process.end()
