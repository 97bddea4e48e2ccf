"""A server and one agent, each its own process on its own folder."""

from harness import http
from harness.boathook import BIN, Client, Process
from harness.engine import run


class Fleet(Client):
    """Both started, and joined; each may be ended and started again on its folder."""

    def __init__(self, engine, folder, *server_flags, agent_flags=(), between=None):
        """`between` makes what the agent dials instead of the server, from the server's port; see harness/between.py."""
        self.folder = folder
        self.port = http.free_port()
        self.between = between and between(self.port)
        super().__init__(f"http://127.0.0.1:{self.port}", None, engine)
        self.agent_data = folder / "agent"
        self.data = folder / "server"
        self.server_flags, self.agent_flags = server_flags, agent_flags
        self.start_server()
        self.token = run(BIN / "boathook", "admin", "join-token", "--data-dir", self.data).stdout.decode().strip()
        # A token may begin with a dash.
        self.start_agent(f"--join={self.token}")

    @property
    def agent_pid(self):
        return self.agent.pid

    @property
    def processes(self):
        return {"server": self.server, "agent": self.agent}

    def start_server(self):
        self.server = Process(
            "server", "--data-dir", self.data, "--listen", f"127.0.0.1:{self.port}", "--public-url", self.url,
            *self.server_flags, log=self.folder / "server.log", ready="ready http://",
        )
        self.key = (self.data / "admin.key").read_text().strip()

    def start_agent(self, *more):
        self.agent = Process(
            "agent", "--server", self.between.url if self.between else self.url, "--data-dir", self.agent_data, "--engine", self.engine.url,
            *self.agent_flags, *more, log=self.folder / "agent.log", ready="ready agent",
        )

    def end(self):
        self.agent.end()
        self.server.end()
        if self.between:
            self.between.close()
