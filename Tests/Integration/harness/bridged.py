"""An engine with a network, apart from this host's."""

import pathlib
import signal
import subprocess
import tempfile

from harness.engine import Engine, run
from harness.waiting import eventually


class BridgedEngine(Engine):
    """A private engine with Docker's own bridge, which leaves this host's network as it is."""

    def __init__(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="boathook-bridged.", dir="/tmp"))
        run("mount", "-t", "tmpfs", "-o", "size=2t,mode=755", "tmpfs", self.place)
        super().__init__(f"unix://{self.place}/engine.sock", self.place)
        (self.place / "daemon.json").write_text("{}")
        with (self.place / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec dockerd "$@"', "dockerd",
                 "--config-file", self.place / "daemon.json", "--host", self.url, "--pidfile", self.place / "pid",
                 "--data-root", self.place / "data", "--exec-root", self.place / "exec", "--storage-driver", "overlay2",
                 "--exec-opt", "native.cgroupdriver=cgroupfs", "--default-ulimit", "nofile=20000:20000"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually("the engine answers", self._answers, 60)

    def _answers(self):
        assert self.process.poll() is None, (self.place / "log").read_text()[-3000:]
        return self.docker("version", check=False).returncode == 0

    def inside(self, *words):
        """Runs a program in the engine's network: what callers from outside see."""
        return run("nsenter", f"--net=/proc/{self.process.pid}/ns/net", *words, check=False, timeout=20)

    def end(self):
        self.docker("rm", "--force", "--volumes", *self.docker("ps", "--all", "--quiet").stdout.decode().split(), check=False)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        run("umount", "--recursive", self.place)
        self.place.rmdir()
