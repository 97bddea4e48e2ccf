"""Those whom the other side must not trust: a server that is none of ours, and a machine that does as it likes."""

import http.server
import json
import queue
import shlex
import threading

from harness import ed25519, signing
from harness import http as plain
from harness.engine import ROOT

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing
PROTOCOL = signing.VERSION


def head(report):
    """What stands before the frames of a body."""
    return len(report).to_bytes(4, "big") + report


class Server:
    """Speaks the agent's link (docs/link.md) to a real agent, and sends what the test wants, signed: the machine's own server, gone bad."""

    def __init__(self, answers=None, tls=None):
        """`answers` maps a path to (status, headers) that every request there gets instead; `tls` is an ssl.SSLContext."""
        self.answers = answers or {}
        self.asked = []  # (path, headers)
        self.instances = {}
        self.links = 0
        self.signer = signing.Signer()
        self.token = self.signer.join_token()  # for --join
        self._ends = {}
        self._changed = threading.Condition()
        self._lines = queue.Queue()  # of the newest link
        impostor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                impostor._serve(self)

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def end(self):
        self._lines.put(None)
        self._http.shutdown()
        self._http.server_close()

    def send(self, line):
        """One message on the link that is open, as bytes or as an object; signed as it is."""
        with self._changed:
            self._lines.put(line if isinstance(line, bytes) else json.dumps(line).encode())

    def order(self, identifier, container, argv, **fields):
        """A whole and lawful order for `container`, but for what `fields` says."""
        # All fields that there are, from the page of examples of the link's own tests.
        order = json.loads((ROOT / "Tests/AgentLinkTests/Golden/run_command.json").read_text())
        order.update({
            "command_id": identifier, "container_id": container, "argv": argv, "command": shlex.join(argv), "writes": False,
            "timeout_ms": 60_000, "start_within_ms": 60_000, "account_id": 1, "protected": [], "volumes": True, "paths": None, "removal": None,
        })
        if fields.get("writes"):
            order["removal"] = {"preview": False}
        order.update(fields)
        self.send({key: value for key, value in order.items() if value is not None})

    def end_of(self, identifier, seconds=60):
        """What the agent said of the command's end: (report, output)."""
        with self._changed:
            assert self._changed.wait_for(lambda: identifier in self._ends, seconds), f"no end of {identifier}"
            return self._ends[identifier]

    def wait_for_links(self, count, seconds=60):
        with self._changed:
            assert self._changed.wait_for(lambda: self.links >= count, seconds), f"{self.links} links"

    def _serve(self, request):
        length = request.headers.get("Content-Length")
        body = request.rfile.read(int(length)) if length else b""
        with self._changed:
            self.asked.append((request.path, dict(request.headers)))
        if request.path in self.answers:
            status, headers = self.answers[request.path]
            self._answer(request, status, headers)
        elif request.path == "/agent/v1/join":
            token = "m" * 43
            # Those who are no agents ask without a nonce.
            nonce = json.loads(body).get("nonce", signing.nonce())
            signature = self.signer.sign(signing.join_statement(nonce, 1, token))
            self._answer(request, 200, {}, {"machine_id": 1, "machine_token": token, "signature": signature})
        elif request.path == "/agent/v1/link":
            self._hold(request, json.loads(body)["nonce"])
        elif request.path == "/agent/v1/results":
            count = int.from_bytes(body[:4], "big")
            report = json.loads(body[4:4 + count])
            with self._changed:
                self._ends[report["command_id"]] = (report, frames(body[4 + count:]))
                self._changed.notify_all()
            self._answer(request, 204, {})
        else:
            for message in json.loads(body) if request.path == "/agent/v1/reports" else []:
                if message["type"] == "inventory":
                    self.instances = {one["name"]: one for one in message["instances"]}
            self._answer(request, 204, {})

    def _answer(self, request, status, headers, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if status != 204:
            request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _hold(self, request, agent_nonce):
        server_nonce = signing.nonce()
        request.send_response(200)
        request.send_header("Content-Type", "text/plain; charset=utf-8")
        request.send_header("Boathook-Attachment", server_nonce)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        line = json.dumps({"type": "welcome", "protocol_version": PROTOCOL, "machine_id": 1, "silence_seconds": 30}).encode()
        with self._changed:
            self._lines.put(None)  # ends the link before this one
            lines = self._lines = queue.Queue()
            self.links += 1
            self._changed.notify_all()
        sequence = 0
        while line is not None:
            signed = self.signer.line(sequence, line, 1, agent_nonce, server_nonce)
            sequence += 1
            try:
                request.wfile.write(b"%x\r\n%s\n\r\n" % (len(signed) + 1, signed))
            except OSError:
                return
            try:
                line = lines.get(timeout=5)
            except queue.Empty:
                line = b'{"type":"heartbeat"}'


def frames(body):
    """The output that frames of the link hold (docs/link.md)."""
    output = b""
    while body:
        count = int.from_bytes(body[1:5], "big")
        output += body[5:5 + count]
        body = body[5 + count:]
    return output


class Machine:
    """A machine of a real server's, without an agent: only what the test sends for it."""

    def __init__(self, url, join_token, name="impostor"):
        self.url = url
        self.server_key = signing.key_of(join_token)
        nonce = signing.nonce()
        answer = plain.request(url, "POST", "/agent/v1/join", key=join_token, body={"name": name, "nonce": nonce})
        assert answer.status == 200, answer
        self.identifier, self.token = answer.json["machine_id"], answer.json["machine_token"]
        statement = signing.join_statement(nonce, self.identifier, self.token)
        assert ed25519.is_signed(self.server_key, signing.data(answer.json["signature"]), statement), answer

    def post(self, path, body=b"", **headers):
        return plain.request(
            self.url, "POST", f"/agent/v1/{path}", key=self.token, body=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()})

    def tell(self, *messages):
        return self.post("reports", list(messages))

    def report(self, identifier, body=b"", **fields):
        """The end of a command, with `body` as its frames."""
        end = {"command_id": identifier, "outcome": "exited", "exit_code": 0, "stdout_bytes": 0, "stderr_bytes": 0, "sha256": EMPTY,
               "complete": True, **fields}
        return self.post("results", head(json.dumps(end).encode()) + body)

    @staticmethod
    def instance(container, **fields):
        return {"container_id": container, "created_at": 1.0, "environment": [], "image": "i", "name": "n", "owner": "", "ports": [], "status": "running",
                **fields}
