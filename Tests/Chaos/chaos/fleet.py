"""A server and one agent as two processes, each on its own disk, and the proxy between them."""

import pathlib

from chaos.disk import Disk
from chaos.node import Node
from chaos.proxy import Proxy
from harness import boathook, http
from harness.boathook import Client
from harness.engine import run

PATIENT = {"writer": 120, "reader": 600}
HASTY = {"writer": 2, "reader": 3}


class Fleet(Client):
    def __init__(self, engine, folder, server_mebibytes, on_death):
        self.port = http.free_port()
        super().__init__(f"http://127.0.0.1:{self.port}", None, engine)
        self.folder = folder
        self.disks = {"agent": Disk(folder, "agent", 96), "server": Disk(folder, "server", server_mebibytes)}
        self.data = self.disks["server"].path / "data"
        self.agent_data = self.disks["agent"].path / "data"
        self.proxy = Proxy(self.port)
        self.faults = folder / "faults"
        self.faults.mkdir()
        environment = {"BOATHOOK_FAULTS": str(self.faults)}
        self.nodes = {
            name: Node(name, folder / f"{name}.log", environment, on_death) for name in ("server", "agent")}
        self.start_within(PATIENT)
        self.agent.words = [
            "agent", "--server", self.proxy.url, "--data-dir", self.agent_data, "--engine", engine.url]

    def begin(self):
        """The first start, on empty disks: the first user's key, and the machine that joins."""
        for disk in self.disks.values():
            disk.make()
        self.proxy.listen()
        self.start_server()
        self.key = (self.data / "admin.key").read_text().strip()
        token = run(boathook.BIN / "boathook", "admin", "join-token", "--data-dir", self.data).stdout
        self.agent.start(f"--join={token.decode().strip()}")
        assert self.agent.wait_until_ready(), self.agent.tail()

    @property
    def server(self):
        return self.nodes["server"]

    @property
    def agent(self):
        return self.nodes["agent"]

    def start_within(self, times):
        """How long commands may wait for their start, from the server's next start on."""
        self.server.words = [
            "server", "--data-dir", self.data, "--listen", f"127.0.0.1:{self.port}", "--public-url", self.url,
            "--writer-start-seconds", times["writer"], "--reader-start-seconds", times["reader"],
        ]

    def start_server(self):
        self.server.start()
        assert self.server.wait_until_ready(), self.server.tail()

    def start(self, name):
        """The agent is ready only once the server hears it, so that nobody waits for it here."""
        if name == "server":
            self.start_server()
        else:
            self.agent.start()

    def ensure_up(self):
        for name in ("server", "agent"):
            if not self.nodes[name].is_alive:
                self.start(name)

    def heal(self):
        """Everything as it should be: good weather, space, both processes up and ready."""
        for file in self.faults.iterdir():
            file.unlink(missing_ok=True)
        self.proxy.clear()
        for disk in self.disks.values():
            disk.empty()
        self.ensure_up()
        assert self.agent.wait_until_ready(60), f"the agent is not ready: {self.agent.tail()}"

    def end(self):
        for name in ("agent", "server"):
            self.nodes[name].kill()
        self.proxy.close()
        for disk in self.disks.values():
            disk.remove()


def spool(fleet):
    return pathlib.Path(fleet.agent_data) / "agent" / "spool"
