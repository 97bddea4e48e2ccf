"""A container engine, and the containers that the tests make in it."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
LABEL = "boathook.instance"


def run(*command, check=True, timeout=120, **options):
    """Runs a command; a failure shows what it wrote."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, timeout=timeout, **options
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"{command} ended with {done.returncode}\n"
            f"{done.stdout.decode(errors='replace')}\n{done.stderr.decode(errors='replace')}"
        )
    return done


class Engine:
    """The engine at `url`; a private one when this object started it."""

    def __init__(self, url, folder=None):
        self.url = url
        self.folder = folder
        self.names = itertools.count(1)

    @classmethod
    def obtain(cls):
        if url := os.environ.get("BOATHOOK_ENGINE"):
            return cls(url)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="boathook-engine.", dir="/tmp"))
        run(ROOT / "bin/engine", "start", "--private", folder / "e")
        url = run(ROOT / "bin/engine", "url", "--private", folder / "e").stdout.decode().strip()
        return cls(url, folder)

    def release(self):
        if self.folder:
            run(ROOT / "bin/engine", "stop", self.folder / "e")
            shutil.rmtree(self.folder)

    def docker(self, *words, **options):
        environment = {**os.environ, "DOCKER_HOST": self.url}
        return run("docker", *words, env=environment, **options)

    def image(self, kind):
        """The name of an image of that kind (see bin/image), made when it is not there."""
        name = f"boathook-test-{kind}:1"
        if self.docker("image", "inspect", name, check=False).returncode != 0:
            run(ROOT / "bin/image", self.url, name, kind, timeout=400)
        return name

    def container(self, *options, image=None, kind="small", owner="", command=(), adopted=True):
        """A running container that Boathook adopts."""
        name = f"t{os.getpid()}-{next(self.names)}"
        label = ["--label", f"{LABEL}={owner}"] if adopted else []
        self.docker(
            "run", "--detach", "--name", name, "--network", "none", *label, *options,
            image or self.image(kind), *command,
        )
        return Container(self, name)


class Container:
    """One container, by its name."""

    def __init__(self, engine, name):
        self.engine = engine
        self.name = name

    def inspect(self):
        return json.loads(self.engine.docker("container", "inspect", self.name).stdout)[0]

    @property
    def pid(self):
        return self.inspect()["State"]["Pid"]

    @property
    def is_running(self):
        return self.inspect()["State"]["Running"]

    @property
    def merged(self):
        """The root folder as the host sees it, without the container's own mounts; while it runs."""
        return pathlib.Path(self.inspect()["GraphDriver"]["Data"]["MergedDir"])

    def exec(self, *words, **options):
        """A command inside the container, by its own programs: what GNU says."""
        return self.engine.docker(
            "exec", "--env", "LC_ALL=C", "--env", "TZ=UTC0", "--workdir", "/", self.name, *words,
            **options,
        )

    def shell(self, script):
        return self.exec("bash", "-c", script)

    def start(self):
        self.engine.docker("start", self.name)

    def stop(self):
        self.engine.docker("stop", self.name)

    def kill(self):
        self.engine.docker("kill", self.name)

    def remove(self):
        self.engine.docker("rm", "--force", "--volumes", self.name, check=False)

    def mount_points(self):
        """Where the container has mounts of its own, beside its root."""
        return [line.split()[4] for line in self.mount_table() if line.split()[4] != "/"]

    def mount_table(self):
        return pathlib.Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()
