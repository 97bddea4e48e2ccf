"""Boathook's processes, and one command's way through its API."""

import os
import pathlib
import select
import signal
import subprocess
import time

from harness import http, jailed
from harness.engine import ROOT, run
from harness.waiting import eventually

BIN = pathlib.Path(os.environ.get("BOATHOOK_BIN", ROOT / ".build/debug"))
TERMINAL = {"exited", "signalled", "timed_out", "cancelled", "denied", "lost", "expired"}


class Process:
    """One long-running verb of boathook: started, ready, and ended in one of two ways."""

    def __init__(self, *words, log, ready, timeout=60):
        self.log = pathlib.Path(log)
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(
                [str(BIN / "boathook"), *map(str, words)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            )
        self.pid = self.process.pid
        self.ready = self._first_line(ready, timeout)

    def _first_line(self, prefix, timeout):
        line = b""
        deadline = time.monotonic() + timeout
        while not line.endswith(b"\n"):
            wait = deadline - time.monotonic()
            readable, _, _ = select.select([self.process.stdout], [], [], max(wait, 0))
            piece = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not piece:
                self.process.kill()
                raise AssertionError(f"no ready line, but {line!r}; the log: {self.tail()}")
            line += piece
        text = line.decode()
        assert text.startswith(prefix) and text.count("\n") == 1, f"not one ready line: {text!r}"
        return text.strip()

    def tail(self):
        return self.log.read_text(errors="replace")[-4000:]

    @property
    def is_alive(self):
        return self.process.poll() is None

    def terminate(self, seconds=20.0):
        """SIGTERM; returns the exit status and how long it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {seconds} s of SIGTERM: {self.tail()}")
        rest = self.process.stdout.read()
        assert rest == b"", f"more than one line on standard output: {rest!r}"
        return status, time.monotonic() - started

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.is_alive:
            self.kill()
        self.process.stdout.close()


class Client:
    """The API at `url` with a key, and the CLI with the same."""

    def __init__(self, url, key, engine=None):
        self.url = url
        self.key = key
        self.engine = engine

    # The API.
    def request(self, method, path, **options):
        options.setdefault("key", self.key)
        return http.request(self.url, method, path, **options)

    def put_command(self, instance, command, **options):
        return self.request(
            "PUT", f"/api/v0/instances/command/{instance}/", body={"command": command}, **options
        )

    def command(self, identifier):
        answer = self.request("GET", f"/api/v0/commands/{identifier}/")
        assert answer.status == 200, answer
        return answer.json

    def final(self, identifier, seconds=60):
        """The command's row once it is in a state that never changes."""

        def row():
            found = self.command(identifier)
            return found if found["state"] in TERMINAL else None

        return eventually(f"command {identifier} ends", row, seconds, every=0.05)

    def result(self, url, seconds=120):
        """The body behind a result URL, as a stock client gets it: ask until 200."""

        def body():
            answer = http.get(url)
            assert answer.status in (200, 404), answer
            return answer if answer.status == 200 else None

        return eventually(f"result of {url}", body, seconds, every=0)

    def run(self, instance, command):
        """Executes and waits: the output as delivered, and the command's row."""
        accepted = self.put_command(instance, command)
        assert accepted.status == 200, accepted
        output = self.result(accepted.json["result_url"]).body
        return output, self.final(accepted.json["command_id"])

    def frozen(self, instance, command, **body):
        """Starts a command whose tool stops before it has done anything: the command's id, the tool's."""
        body = {"command": command, **body}
        program = command.split()[0]
        for _ in range(1 if program == "rm" else 10):
            accepted = self.request("PUT", f"/api/v0/instances/command/{instance}/", body=body)
            assert accepted.status == 200, accepted
            identifier = accepted.json["command_id"]

            def is_over(identifier=identifier):
                return self.command(identifier)["state"] in TERMINAL

            if pid := jailed.freeze(self.agent_pid, program, 60, is_over):
                return identifier, pid
            # Else the next one's tool is taken for this one's.
            self.final(identifier)
        raise AssertionError("the command was over before it could be stopped")

    def instances(self):
        answer = self.request("GET", "/api/v0/instances/")
        assert answer.status == 200, answer
        return answer.json["instances"]

    def instance_id(self, container, status=None, seconds=30):
        """The instance that this container became, once it is listed (in that state)."""

        def identifier():
            for row in self.instances():
                if row["label"] == container.name and status in (None, row["actual_status"]):
                    return row["id"]
            return None

        return eventually(f"{container.name} is listed as {status}", identifier, seconds)

    # The CLI.
    def environment(self, **more):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TERM") if name in os.environ}
        return {**kept, "BOATHOOK_URL": self.url, "BOATHOOK_API_KEY": self.key, **more}

    def cli(self, *words, check=False, timeout=120, **more):
        return run(
            BIN / "boathook", *words, check=check, timeout=timeout, env=self.environment(**more)
        )


class Up(Client):
    """`boathook up` on a folder, which may be ended and started again on it."""

    def __init__(self, engine, folder, *flags, public_url=None, data=None, key=None):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = data or folder / "data"
        self.known_key = key
        self.port = http.free_port()
        self.flags = [*flags, *(["--public-url", public_url] if public_url else [])]
        super().__init__(f"http://127.0.0.1:{self.port}", None, engine)
        self.start()

    @property
    def agent_pid(self):
        return self.process.pid

    @property
    def processes(self):
        return {"up": self.process}

    def start(self):
        self.process = Process(
            "up", "--data-dir", self.data, "--listen", f"127.0.0.1:{self.port}",
            "--engine", self.engine.url, *self.flags,
            log=self.folder / "up.log", ready="ready http://",
        )
        self.key = self.known_key or (self.data / "admin.key").read_text().strip()

    def admin(self, *words):
        verb = words[:1]
        return run(BIN / "boathook", "admin", *verb, "--data-dir", self.data, *words[1:])

    def other_user(self, name):
        """A second account's client."""
        key = self.admin("create-key", "--user", name).stdout.decode().strip()
        return Client(self.url, key, self.engine)
