"""A machine with room for instances, and what is asked of it through the API."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor

from harness import jailed, ports
from harness.boathook import Up
from harness.engine import ROOT, Container, Engine, run
from harness.waiting import eventually

# What is listened on here is the agent's.
PORTS = ports.INSTANCES


def flags(slots=64):
    return ("--slots", str(slots), "--ports", f"{PORTS.start}-{PORTS.stop - 1}")


class RoomyEngine(Engine):
    def clear(self):
        """Removes every container: another agent would adopt it."""
        names = self.docker("ps", "--all", "--quiet").stdout.decode().split()
        if names:
            self.docker("rm", "--force", "--volumes", *names)


@contextlib.contextmanager
def roomy_engine():
    """A private engine on a tmpfs that promises 2 TB: every instance claims at least 8 GB."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="boathook-roomy.", dir="/tmp"))
    run("mount", "-t", "tmpfs", "-o", "size=2t,mode=755", "tmpfs", folder)
    try:
        run(ROOT / "bin/engine", "start", "--private", folder / "e")
        try:
            url = run(ROOT / "bin/engine", "url", "--private", folder / "e").stdout.decode().strip()
            yield RoomyEngine(url, folder)
        finally:
            run(ROOT / "bin/engine", "stop", folder / "e")
    finally:
        run("umount", folder)
        folder.rmdir()


@contextlib.contextmanager
def home(engine, folder, *more, slots=64):
    """`boathook up` that makes instances in `engine`; ends well, or the test fails."""
    up = Up(engine, folder, *flags(slots), *more)
    try:
        yield up
        alive = up.process.is_alive
        assert alive, f"boathook up ended during the tests: {up.process.tail()}"
    finally:
        up.process.end()


def together(count, action):
    """`action(0)` to `action(count - 1)`, all at once: what they return, in that order."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(action, range(count)))


class Instances:
    """Instances as one client of the API sees, makes and changes them; its engine tells the truth about them."""

    def __init__(self, client, image=None):
        self.client, self.engine = client, client.engine
        self.image = image or self.engine.image("small")

    # Offers.
    def offers(self, **query):
        answer = self.client.request("POST", "/api/v0/bundles/", body=query)
        assert answer.status == 200, answer
        return answer.json["offers"]

    @property
    def offer(self):
        """The machine's only one, once it has described itself."""
        return eventually("the machine has an offer", self.offers, 60)[0]["id"]

    # Making.
    def ask(self, offer=None, method="PUT", **body):
        body = {"client_id": "me", "image": self.image, **body}
        return self.client.request(method, f"/api/v0/asks/{offer or self.offer}/", body=body)

    def make(self, offer=None, **body):
        """The whole reply, of a create that must be granted."""
        answer = self.ask(offer, **body)
        assert answer.status == 200 and set(answer.json) == {"success", "new_contract", "instance_api_key"}, answer
        return answer.json

    def create(self, status="running", seconds=60, **body):
        """The id of a new instance that has come so far."""
        identifier = self.make(**body)["new_contract"]
        self.until(identifier, status, seconds)
        return identifier

    # Looking.
    def row(self, identifier):
        """None when there is no such instance."""
        answer = self.client.request("GET", f"/api/v0/instances/{identifier}/?owner=me")
        assert answer.status == 200, answer
        return answer.json["instances"]

    def until(self, identifier, status, seconds=60):
        """Its row, once it is in that state, or in one of those."""
        wanted = {status} if isinstance(status, str) else set(status)
        seen = []

        def row():
            found = self.row(identifier)
            assert found is not None, f"instance {identifier} is gone; before: {seen}"
            state = (found["actual_status"], found["status_msg"])
            if state not in seen[-1:]:
                seen.append(state)
            return found if state[0] in wanted else None

        try:
            return eventually(f"instance {identifier} is {status}", row, seconds, every=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}; seen: {seen}") from None

    def container(self, identifier):
        """The container that it has now."""
        return Container(self.engine, self.row(identifier)["container_id"])

    def containers(self):
        """Names of all containers that Boathook made, by the id of their instance."""
        listed = self.engine.docker(
            "ps", "--all", "--filter", "label=boathook.instance.id",
            "--format", '{{.Label "boathook.instance.id"}} {{.Names}}').stdout.decode()
        found = {}
        for line in listed.splitlines():
            identifier, name = line.split()
            found.setdefault(int(identifier), []).append(name)
        return found

    # Changing.
    def change(self, identifier, **body):
        return self.client.request("PUT", f"/api/v0/instances/{identifier}/", body=body)

    def wish(self, identifier, state, status, seconds=60):
        """Its row, once what was wished is so."""
        answer = self.change(identifier, state=state)
        assert (answer.status, answer.json) == (200, {"success": True}), answer
        return self.until(identifier, status, seconds)

    def start(self, identifier):
        return self.wish(identifier, "running", "running")

    def stop(self, identifier):
        return self.wish(identifier, "stopped", "exited")

    def verb(self, word, identifier):
        """`reboot` or `recycle`."""
        return self.client.request("PUT", f"/api/v0/instances/{word}/{identifier}/", body={})

    def order_destroy(self, identifier):
        return self.client.request("DELETE", f"/api/v0/instances/{identifier}/", body={})

    def destroy(self, *identifiers):
        """Returns when nothing of them is left in the engine."""
        for identifier in identifiers:
            answer = self.order_destroy(identifier)
            assert (answer.status, answer.json["success"]) == (200, True), answer
            assert self.row(identifier) is None
        eventually(
            f"the containers of {identifiers} are gone", lambda: not set(identifiers) & set(self.containers()), 60, every=0.1)


class Residue:
    """What there is of containers, volumes, folders, mounts, processes, ports and files of an agent and its engine."""

    def __init__(self, client):
        self.client, self.engine = client, client.engine

    def now(self):
        data = self.engine.folder / "e/data"
        return {
            "containers": self._docker("ps", "--all", "--no-trunc"),
            "volumes": self._docker("volume", "ls"),
            "layers": set(os.listdir(data / "overlay2")),
            "folders": set(os.listdir(data / "containers")) | set(os.listdir(data / "volumes")),
            "mounts": self._mounts(),
            "shims": self._shims(),
            "processes": self._processes(),
            "ports": listening(PORTS),
            "files": self._files(),
        }

    def check(self, before, seconds=30):
        """That all is as it was."""
        found = {}

        def same():
            now = self.now()
            found.clear()
            found.update({name: (before[name], now[name]) for name in now if now[name] != before[name]})
            return not found

        try:
            eventually("nothing is left", same, seconds, every=0.2)
        except AssertionError:
            raise AssertionError(f"before and after differ: {found}") from None

    def _docker(self, *words):
        return set(self.engine.docker(*words, "--quiet").stdout.decode().split())

    def _mounts(self):
        """Where file systems are mounted below the engine's folder, or the agent's."""
        ours = (f"{self.engine.folder}/", f"{self.client.data.parent}/")
        points = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        return sorted(point for point in points if point.startswith(ours))

    def _shims(self):
        """How many containers the engine's runtime looks after; they are no children of its own."""
        found = 0
        for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = line.read_bytes()
                found += b"containerd-shim" in words and os.fsencode(f"{self.engine.folder}/") in words
        return found

    def _processes(self):
        """Programs that run below the agent, each with how often it does."""
        found = {}
        for pid in jailed.descendants(self.client.agent_pid):
            with contextlib.suppress(OSError):
                name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
                found[name] = found.get(name, 0) + 1
        return found

    def _files(self):
        """All that the agent keeps, but for what it keeps of commands."""
        folder = self.client.data / "agent" if isinstance(self.client, Up) else self.client.agent_data
        return {
            str(path.relative_to(folder)) for path in folder.rglob("*")
            if not path.name.startswith("journal") and "spool" not in path.parts
        }


def listening(ports):
    """Which of these ports somebody listens on, on any address of this host."""
    found = set()
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        with contextlib.suppress(FileNotFoundError):
            for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                port = int(fields[1].rpartition(":")[2], 16)
                if fields[3] == state and port in ports:
                    found.add((table[:3], port))
    return found


def image_of_tree(engine, name, tree, *changes):
    """Imports a folder as an image."""
    with tempfile.TemporaryDirectory(prefix="boathook-image.") as folder:
        archive = shutil.make_archive(os.path.join(folder, "root"), "tar", tree)
        options = [word for change in changes for word in ("--change", change)]
        engine.docker("import", *options, archive, name)
    return name
