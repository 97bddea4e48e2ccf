"""OpenSSH's client, as a user of an instance has it: with a key of his own and nothing of this machine's."""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time

from harness.engine import run
from harness.waiting import eventually


def new_key(folder, name, kind="ed25519"):
    """The path of a private key; its public one lies beside it."""
    path = pathlib.Path(folder) / name
    run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{name}@test", "-f", path)
    return path


def public(key):
    return key.with_suffix(".pub").read_text().strip()


def lend(container, *names):
    """Puts programs of this machine into a container, with what they are loaded with."""
    for name in names:
        program = run("which", name).stdout.decode().strip()
        for library in re.findall(r"=> (/\S+)", run("ldd", program).stdout.decode()):
            place = f"{os.path.realpath(os.path.dirname(library))}/{os.path.basename(library)}"
            if container.exec("ls", place, check=False).returncode != 0:
                container.engine.docker("cp", "-L", library, f"{container.name}:{place}")
        container.engine.docker("cp", "-L", program, f"{container.name}:/usr/bin/{name}")


class Login:
    """The way into one instance with one key."""

    def __init__(self, row, key, folder):
        mapping, = row["ports"]["22/tcp"]
        self.port = int(mapping["HostPort"])
        self.key, self.known = key, pathlib.Path(folder) / "known_hosts"

    def wait(self, seconds=60):
        eventually(f"an SSH server at {self.port}", self.answers, seconds)
        return self

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            return connection.recv(8) == b"SSH-2.0-"
        return False

    @property
    def options(self):
        settings = {
            "IdentitiesOnly": "yes", "IdentityAgent": "none", "BatchMode": "yes", "LogLevel": "ERROR",
            "StrictHostKeyChecking": "accept-new", "UserKnownHostsFile": self.known,
        }
        return ["-F", "none", "-i", str(self.key), *(word for pair in settings.items() for word in ("-o", "%s=%s" % pair))]

    def command(self, *words, user="root"):
        """Options first, then what is to be run."""
        *options, line = words
        return ["ssh", "-p", str(self.port), *self.options, *options, f"{user}@127.0.0.1", line]

    def run(self, *words, user="root", check=True, **options):
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        return run(*self.command(*words, user=user), check=check, **options)

    def says(self, script):
        return self.run(script).stdout.decode()

    def is_let_in(self):
        return self.run("true", check=False).returncode == 0

    def start(self, *words, **options):
        return subprocess.Popen(self.command(*words), **{
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})

    def copy(self, *words, program="scp", check=True):
        """Of files: `remote(path)` names those of the instance."""
        if program == "rsync":
            shell = " ".join(["ssh", "-p", str(self.port), *self.options])
            return run("rsync", "-e", shell, *words, check=check)
        return run(program, "-q", "-P", str(self.port), *self.options, *words, check=check)

    @staticmethod
    def remote(path):
        return f"root@127.0.0.1:{path}"


class Screen:
    """A login with a terminal of that size, at which one types."""

    def __init__(self, login, rows, columns, *words, term="xterm-256color"):
        self.master, slave = pty.openpty()
        self.seen = b""
        self._set(rows, columns)
        # -tt: this terminal is not the client's own.
        words = ["-tt", *words] if words else ["-tt", ""]
        command = [word for word in login.command(*words) if word]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": term})
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def _set(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self._set(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def type(self, text):
        os.write(self.master, text.encode())

    def until(self, text, seconds=60):
        """All that was seen up to this text, which is taken away."""
        wanted = text.encode()
        deadline = time.monotonic() + seconds
        while wanted not in self.seen:
            readable, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert readable, f"no {text!r} within {seconds} s, but {self.seen!r}"
            try:
                piece = os.read(self.master, 65_536)
            except OSError:  # the client has ended
                piece = b""
            assert piece, f"no {text!r}, but {self.seen!r}"
            self.seen += piece
        before, _, self.seen = self.seen.partition(wanted)
        return before.decode(errors="replace")

    def end(self, seconds=60):
        """The client's exit status."""
        return self.process.wait(seconds)
