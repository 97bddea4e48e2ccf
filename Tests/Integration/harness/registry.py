"""An image registry on loopback: Debian's docker-registry, all of it below one folder."""

import os
import pathlib
import secrets
import subprocess
import urllib.error
import urllib.request

from harness import ports
from harness.waiting import eventually

CONFIGURATION = """
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
http: {{addr: "{host}", secret: {secret}}}
"""

PROTECTION = """
auth:
  htpasswd: {{realm: boathook, path: {folder}/users}}
"""


class Registry:
    """The registry at `host`, whose images are named `host/REPOSITORY:TAG`; with a user and a password if one is given."""

    def __init__(self, folder, user=None, password=None):
        self.folder = pathlib.Path(folder)
        self.user, self.password = user, password
        self.host = f"127.0.0.1:{ports.free()}"
        text = CONFIGURATION.format(folder=folder, host=self.host, secret=secrets.token_hex())
        if user:
            text += PROTECTION.format(folder=folder)
            (self.folder / "users").write_text(f"{user}:{bcrypt(password)}\n")
        (self.folder / "registry.yaml").write_text(text)
        self.log = open(self.folder / "log", "wb")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["docker-registry", "serve", self.folder / "registry.yaml"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )
        eventually(f"the registry at {self.host} answers", self.answers)

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5).close()
        except urllib.error.HTTPError as refusal:
            return refusal.code == 401 and self.user is not None
        except OSError:
            return False
        return True

    def push(self, engine, image, name):
        """Puts an image of the engine's into the registry, and out of the engine's sight; its name there."""
        full = f"{self.host}/{name}"
        engine.docker("tag", image, full)
        # A folder of its own, so that nobody's login is touched.
        environment = {**os.environ, "DOCKER_CONFIG": str(self.folder / "docker")}
        if self.user:
            subprocess.run(
                ["docker", "--host", engine.url, "login", "--username", self.user, "--password-stdin", self.host],
                input=self.password.encode(), env=environment, check=True, capture_output=True, timeout=60,
            )
        subprocess.run(
            ["docker", "--host", engine.url, "push", "--quiet", full],
            env=environment, check=True, capture_output=True, timeout=120,
        )
        engine.docker("rmi", full)
        return full

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def bcrypt(password):
    """As htpasswd -B writes it: the only kind that the registry reads (crypt(5))."""
    script = "print crypt($ARGV[0], $ARGV[1])"
    salt = "$2b$05$" + secrets.token_hex(11)
    return subprocess.run(["perl", "-e", script, password, salt], check=True, capture_output=True).stdout.decode()
