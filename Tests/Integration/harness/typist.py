"""An unchanged official client at a terminal: lines as people and agents type them."""

import ast
import json
import os
import re
import subprocess

from harness.engine import run
from harness.waiting import eventually

VERSIONS = ["1.9.1", "0.5.0"]


class Typist:
    """Types lines as a person or an agent does, in a home folder of its own, and shows what comes back.

    Clients keep the address of an instance for good, by its id: a home that saw another server would mislead them.
    """

    def __init__(self, official, version, up, folder):
        self.version, self.up = version, up
        for name in (".ssh", "config", "cache"):
            (folder / name).mkdir(mode=0o700)
        self.environment = type(official)(folder).environment(up.url, "")
        # The quick start sets the key by its first line.
        del self.environment["VAST_API_KEY"]
        programs = official.program(version, "vastai").parent
        self.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "agent", "-f", folder / ".ssh/id_ed25519")
        # ssh and sudo ask for the home of the user, not for $HOME.
        self.users = folder / "passwd"
        self.users.write_text(f"root:x:0:0::{folder}:/bin/bash\n")
        self.public_key = (folder / ".ssh/id_ed25519.pub").read_text().strip()
        self.folder = folder

    def command(self, line):
        """What runs a line where this folder is the home of the one who types."""
        script = 'mount --bind "$0" /etc/passwd && exec bash -c "$1"'
        return ["unshare", "--mount", "bash", "-c", script, str(self.users), line]

    def __call__(self, line, status=0, timeout=150):
        """What it says, on both of its streams."""
        done = subprocess.run(
            self.command(line), env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
        )
        said = done.stdout.decode()
        print(f"\n$ {line}\n{said}".rstrip())
        assert done.returncode == status, said
        return said

    def raw(self, line):
        """What it says for programs."""
        done = subprocess.run(
            self.command(f"{line} --raw"), env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=150,
        )
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def refused(self, line):
        """An error that is told, and not by a crash: both leave with 0 (contract.md, 0.3)."""
        said = self(line)
        assert re.search(r"[Ff]ailed with error \d+: ", said) and "Traceback" not in said, said
        assert "None" not in said.partition("ailed with error")[2], said
        return said

    def poll(self, identifier, wanted):
        """Asks until it is so, as the quick start says: all that it saw on the way."""
        seen = []

        def so():
            status = self.raw(f"vastai show instance {identifier}")["actual_status"]
            if status not in seen[-1:]:
                seen.append(status)
            assert status not in ("unknown", "offline"), seen
            return status == wanted

        eventually(f"instance {identifier} is {wanted}", so, 60, every=0.2)
        return seen


def started(said):
    """The reply of a create, as both print it: a dictionary in Python's spelling."""
    line = next(line for line in said.splitlines() if line.startswith("Started. "))
    return ast.literal_eval(line.removeprefix("Started. "))
