"""Raw HTTP/1.1, so that a test sees exactly what crosses the wire."""

import http.client
import json
import urllib.parse

from harness import ports


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


def request(url, method, path, *, headers=None, body=None, key=None, timeout=60):
    """One request on a connection of its own. `path` goes out exactly as it is."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    headers = dict(headers or {})
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    try:
        connection.request(method, path, body=body, headers=headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def get(url, *, headers=None, timeout=60):
    """A GET of an absolute address, with no key."""
    parts = urllib.parse.urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return request(f"{parts.scheme}://{parts.netloc}", "GET", path, headers=headers, timeout=timeout)


def free_port():
    return ports.free()
