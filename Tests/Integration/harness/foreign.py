"""A server that is none of Boathook's, or that fails as ours cannot be made to."""

import http.server
import json
import threading


class Foreign:
    """Answers each request with what `answer(method, path)` returns: `(status, type, body)`, or None for silence.

    A body that is no bytes is sent as JSON. Of one that is an iterator, each piece is sent when it is there, and the
    connection stays.
    """

    def __init__(self, answer):
        self.requests, self.changed = [], threading.Condition()
        self.ended = threading.Event()
        foreign = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with foreign.changed:
                    foreign.requests.append((self.command, self.path))
                    foreign.changed.notify_all()
                answered = answer(self.command, self.path)
                if answered is None:
                    foreign.ended.wait()
                    return
                status, kind, body = answered
                if isinstance(body, (dict, list)):
                    body = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if isinstance(body, bytes):
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if isinstance(body, bytes):
                    self.wfile.write(body)
                    return
                for piece in body:
                    self.wfile.write(piece)
                foreign.ended.wait()

            do_GET = do_PUT = do_POST = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Who leaves does so in the middle of an answer."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def until(self, *request):
        """Waits for a request: its method and path."""
        with self.changed:
            assert self.changed.wait_for(lambda: request in self.requests, 60), (request, self.requests)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
