"""The other engine: Podman's compatible service, with its own way to hold a stopped container."""

import os
import shutil
import socket
import subprocess
import tempfile

import pytest

from harness.boathook import Up
from harness.engine import run
from harness.waiting import eventually

CONTAINERS = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
netns = "none"
log_driver = "k8s-file"
default_sysctls = []
[engine]
tmp_dir = "{folder}/tmp"
static_dir = "{folder}/static"
volume_path = "{folder}/volumes"
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
"""

STORAGE = """
[storage]
driver = "overlay"
runroot = "{folder}/run"
graphroot = "{folder}/graph"
[storage.options.overlay]
mountopt = "nodev"
"""


class Podman:
    """A private Podman, all of it below one folder, and its service."""

    def __init__(self, folder):
        self.folder = folder
        self.url = f"unix://{folder}/podman.sock"
        environment = {"CONTAINERS_CONF": f"{folder}/containers.conf", "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf"}
        for path, text in zip(environment.values(), (CONTAINERS, STORAGE)):
            with open(path, "w") as file:
                file.write(text.format(folder=folder))
        self.environment = {**os.environ, **environment}
        self.service = subprocess.Popen(
            ["podman", "system", "service", "--time=0", self.url], env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        eventually("its service listens", self._listens, 60)

    def _listens(self):
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(f"{self.folder}/podman.sock") == 0

    def __call__(self, *words, check=True):
        return run("podman", *words, env=self.environment, check=check).stdout.decode().strip()

    def end(self):
        self("stop", "--all", "--time", "0", check=False)
        self("rm", "--all", "--force", check=False)
        self.service.kill()
        self.service.wait()
        run("umount", "--recursive", f"{self.folder}/graph/overlay", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def podman(engine):
    """The engine's small image, taken over by Podman."""
    podman = Podman(tempfile.mkdtemp(prefix="boathook-podman.", dir="/tmp"))
    source = engine.container()
    archive = f"{podman.folder}/root.tar"
    run("docker", "--host", engine.url, "export", "--output", archive, source.name)
    source.remove()
    podman("import", "--quiet", archive, "localhost/root:1")
    os.remove(archive)
    yield podman
    podman.end()


@pytest.fixture(scope="module")
def up_on_podman(podman, tmp_path_factory):
    class Here:
        url = podman.url

    up = Up(Here(), tmp_path_factory.mktemp("podman"))
    yield up
    up.process.end()


def instance(up, name, status):
    def identifier():
        return next((row["id"] for row in up.instances() if (row["label"], row["actual_status"]) == (name, status)), None)

    return eventually(f"{name} is listed as {status}", identifier, 60)


def test_running_and_stopped_containers_of_podman(podman, up_on_podman):
    up, name = up_on_podman, "boathook-podman"
    podman(
        "run", "--detach", "--name", name, "--label", "boathook.instance=", "--volume", "kept:/data", "localhost/root:1",
        "/usr/bin/bash", "-c", "mkdir /home/old 2>/dev/null && ln -s / /around && touch /home/old/file /home/one /home/two /data/kept; sleep 1000",
    )
    eventually("it has made its files", lambda: podman("exec", name, "ls", "/data", check=False) == "kept", 60, every=0.1)
    for state in ("running", "exited"):
        identifier = instance(up, name, state)
        gone = {"running": "one", "exited": "two"}[state]
        assert gone in up.run(identifier, "ls home")[0].decode().split()
        assert up.run(identifier, "ls /data")[0] == b"kept\n"
        assert up.run(identifier, f"rm -r home/{gone}")[1]["exit_code"] == 0
        assert gone not in up.run(identifier, "ls home")[0].decode().split()
        # What the engine's runtime mounts, or may come to mount, is not removed.
        for path in ("/etc/hosts", "/around/proc"):
            refused = up.run(identifier, f"rm -rf {path}")[1]
            assert refused["state"] == "denied" and f"refused: {path}" in refused["note"], refused
        if state == "running":
            table = podman("exec", name, "cat", "/proc/self/mountinfo")
            assert " /proc " in table and " /etc/hosts " in table
            podman("stop", "--time", "0", name)

    podman("start", name)
    assert instance(up, name, "running")
    assert set(podman("exec", name, "ls", "/home").split()) == {"maria", "old"}
