"""A hostile root folder gains nothing; under a plain chroot, each trick works (the control)."""

import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

from harness.engine import run
from harness.reference import in_chroot

# Runs when anything loads it, and leaves a trace in the root folder and in whatever is on standard output.
EVIL_LIBRARY = r"""
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void owned(void) {
    int file = open("/tmp/PWNED", O_CREAT | O_WRONLY, 0666);
    if (file >= 0) { write(file, "x", 1); close(file); }
    write(2, "PWNED\n", 6);
}
int _nss_evil_getpwuid_r(void) { owned(); return 0; }
int getfilecon(void) { return -1; }
int lgetfilecon(void) { return -1; }
void freecon(void) {}
int is_selinux_enabled(void) { owned(); return 0; }
"""
EVIL_PROGRAM = r"""
#include <fcntl.h>
#include <unistd.h>
int main(void) {
    int file = open("/tmp/PWNED", O_CREAT | O_WRONLY, 0666);
    if (file >= 0) { write(file, "x", 1); close(file); }
    write(1, "PWNED\n", 6);
    return 0;
}
"""


@pytest.fixture(scope="session")
def evil(tmp_path_factory):
    """A library and a static program that leave a trace when they run."""
    folder = tmp_path_factory.mktemp("evil")
    for name, text, flags in [("evil.so", EVIL_LIBRARY, ["-shared", "-fPIC"]), ("evil", EVIL_PROGRAM, ["-static"])]:
        source = folder / (name + ".c")
        source.write_text(text)
        run("cc", "-w", "-O1", *flags, "-o", folder / name, source)
    return folder


def library_folder(root):
    return next(path.parent for path in pathlib.Path(root).glob("usr/lib/**/libc.so.6"))


# Each spoils a root folder. They are written from the host, so that nothing in the container ever runs
# them: whatever leaves a trace afterwards was run by whoever looked from outside.
def name_service(root, evil):
    shutil.copy(evil / "evil.so", library_folder(root) / "libnss_evil.so.2")
    (root / "etc/nsswitch.conf").write_text("passwd: evil\ngroup: evil\n")


def loader_preload(root, evil):
    shutil.copy(evil / "evil.so", library_folder(root) / "evil.so")
    (root / "etc/ld.so.preload").write_text("evil.so\n")


def own_tools(root, evil):
    for tool in ("ls", "du", "rm"):
        (root / "usr/bin" / tool).unlink()
        shutil.copy(evil / "evil", root / "usr/bin" / tool)


def own_libraries(root, evil):
    target = library_folder(root) / "libselinux.so.1"  # what GNU's ls links beside libc
    target.unlink()
    shutil.copy(evil / "evil.so", target)


def passwd_fifo(root, evil):
    for name in ("passwd", "group"):
        (root / "etc" / name).unlink()
        os.mkfifo(root / "etc" / name)


CODE = [name_service, loader_preload, own_tools, own_libraries]


def spoiled(new_container, state, *tricks, evil=None):
    """A container whose root folder is spoiled from outside while nothing in it starts a program."""
    container = new_container(kind="debian")
    container.shell("mkdir -p /home/d /home/writers; touch /home/d/one /home/writers/gone; chown -R 1000:1000 /home/d")
    root = container.merged
    for trick in tricks:
        trick(root, evil)
    if state == "stopped":
        container.stop()
    return container


def trace(container):
    data = container.inspect()["GraphDriver"]["Data"]
    return pathlib.Path(data["UpperDir"], "tmp/PWNED").exists()


def status_of(state):
    return "running" if state == "running" else "exited"


@pytest.mark.parametrize("state", ["running", "stopped"])
@pytest.mark.parametrize("trick", CODE)
def test_no_code_of_the_tenant_runs(up, new_container, evil, trick, state):
    container = spoiled(new_container, state, trick, evil=evil)
    instance = up.instance_id(container, status_of(state))
    assert not trace(container)

    output, row = up.run(instance, "ls -l home/d")
    assert row["exit_code"] == 0, row
    assert b"PWNED" not in output and output.splitlines()[1].endswith(b" one")
    assert output.split()[4] in (b"maria", b"1000")
    output, row = up.run(instance, "du -a home")
    assert row["exit_code"] == 0 and b"PWNED" not in output and b"home/d/one" in output
    output, row = up.run(instance, "rm -rv home/writers/gone")
    assert (row["exit_code"], output) == (0, b"removed 'home/writers/gone'\n")
    assert not trace(container)


@pytest.mark.parametrize("trick", CODE)
def test_positive_control_a_plain_chroot_is_caught(new_container, evil, trick):
    container = spoiled(new_container, "running", trick, evil=evil)
    done = in_chroot(container.merged, "/usr/bin/ls", "-l", "/home/d")
    assert trace(container) or b"PWNED" in done.stdout + done.stderr


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_fifo_as_passwd_holds_nothing_up(up, new_container, state):
    container = spoiled(new_container, state, passwd_fifo)
    instance = up.instance_id(container, status_of(state))
    for command in ("ls -l home/d", "ls -la etc", "du -s home"):
        accepted = up.put_command(instance, command).json
        row = up.final(accepted["command_id"], seconds=50)
        assert (row["state"], row["exit_code"]) == ("exited", 0), row
    assert "prw" in up.run(instance, "ls -l etc/passwd")[0].decode()
    assert up.run(instance, "rm -r home/writers")[1]["exit_code"] == 0


def test_positive_control_a_plain_chroot_hangs(new_container):
    container = spoiled(new_container, "running", passwd_fifo)
    with pytest.raises(subprocess.TimeoutExpired):
        in_chroot(container.merged, "/usr/bin/ls", "-l", "/home/d", timeout=2)


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_links_to_host_files_lead_nowhere(up, new_container, tmp_path, state):
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "secret").write_text("host only")
    container = new_container()
    root = container.merged
    (root / "home/absolute").symlink_to(canary)
    (root / "home/climbing").symlink_to("../" * 30 + str(canary).lstrip("/"))
    (root / "home/file").symlink_to(canary / "secret")
    (root / "home/proc").symlink_to("/proc/1/root")
    # The control: whoever follows such a link on the host's side is outside at once.
    assert os.listdir(root / "home/absolute") == ["secret"]
    if state == "stopped":
        container.stop()
    instance = up.instance_id(container, status_of(state))

    for command in ("ls -l home/absolute/", "ls -lL home/absolute", "ls -lR home/absolute/ home/climbing/", "ls -lL home/file",
                    "du -aL home/absolute", f"ls -l {canary}", "ls -l home/proc/", "ls -l " + "../" * 20 + str(canary).lstrip("/")):
        output, row = up.run(instance, command)
        assert b"secret" not in output.replace(str(canary / "secret").encode(), b""), command
        assert row["exit_code"] != 0, (command, output)
    for command in ("rm -rf home/absolute/", "rm -rf home/absolute/secret", "rm -rf home/climbing/secret", f"rm -rf {canary}"):
        accepted = up.put_command(instance, command)
        if accepted.status == 200:
            up.final(accepted.json["command_id"])
        assert (canary / "secret").read_text() == "host only", command


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_device_nodes_are_names_and_no_devices(up, new_container, state):
    container = new_container()
    container.shell("mkdir /home/nodes; mknod /home/nodes/kmsg c 1 11; mknod /home/nodes/zero c 1 5; mknod /home/nodes/disk b 254 0")
    # The control: from outside, such a node is the host's device.
    assert in_chroot(container.merged, "head", "-c", "4", "/home/nodes/zero").stdout == bytes(4)
    if state == "stopped":
        container.stop()
    instance = up.instance_id(container, status_of(state))
    output, row = up.run(instance, "ls -l home/nodes")
    assert row["exit_code"] == 0 and re.search(rb" 1, +11 ", output)
    assert up.run(instance, "du -a home/nodes")[1]["exit_code"] == 0
    host = os.stat("/dev/kmsg")
    assert up.run(instance, "rm -r home/nodes")[1]["exit_code"] == 0
    assert stat.S_ISCHR(os.stat("/dev/kmsg").st_mode) and os.stat("/dev/kmsg").st_ino == host.st_ino


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_all_tricks_at_once(up, new_container, evil, state):
    container = spoiled(new_container, state, name_service, loader_preload, own_tools, passwd_fifo, evil=evil)
    instance = up.instance_id(container, status_of(state))
    output, row = up.run(instance, "ls -l home/d")
    assert row["exit_code"] == 0 and output.splitlines()[1].endswith(b" one") and b"PWNED" not in output
    assert up.run(instance, "rm -r home/writers")[1]["exit_code"] == 0
    assert not trace(container)


def test_the_jailed_process_has_what_it_needs_and_no_more(up, many_files, frozen_tool):
    """Its status as the host sees it: capabilities, seccomp, no_new_privs, descriptors, namespaces."""
    from harness import jailed

    identifier, pid = frozen_tool(up, many_files, "du -a many")
    try:
        status = dict(
            line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        dac_override = 1 << 1
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[name], 16) & ~dac_override == 0, (name, status[name])
        assert int(status["CapEff"], 16) == dac_override
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        assert set(os.listdir(f"/proc/{pid}/fd")) <= {"0", "1", "2", "3", "4", "5", "6", "7"}  # du's own folders
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null" or "null" in os.readlink(f"/proc/{pid}/fd/0")
        for namespace in ("mnt", "ipc", "uts", "net"):
            assert os.readlink(f"/proc/{pid}/ns/{namespace}") != os.readlink(f"/proc/{up.process.pid}/ns/{namespace}"), namespace
            assert os.readlink(f"/proc/{pid}/ns/{namespace}") != os.readlink(f"/proc/{many_files.pid}/ns/{namespace}"), namespace
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        assert all(entry.split(b"=")[0] in (b"", b"LC_ALL", b"TZ", b"LD_PRELOAD", b"PATH", b"HOME", b"LANG") or entry.startswith(b"BOATHOOK") for entry in environment)
        mounts = pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
        for line in mounts:
            options = line.split()[5].split(",")
            assert {"nosuid", "nodev", "noexec", "ro"} <= set(options), line
        assert not any(line.split()[4].startswith(("/old", "/work")) for line in mounts)
    finally:
        jailed.thaw(pid)
    assert up.final(identifier)["state"] == "exited"
