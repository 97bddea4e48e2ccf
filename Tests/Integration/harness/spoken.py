"""What an official client may ask of the API: every method and path that its sources spell out."""

import ast
import functools
import re

from harness.engine import ROOT

# What sends, and what it sends; `request` and `_make_request` are told by a keyword.
SENDERS = {
    "get": "GET", "put": "PUT", "post": "POST", "delete": "DELETE", "patch": "PATCH",
    "http_get": "GET", "http_put": "PUT", "http_post": "POST", "http_del": "DELETE", "Request": "GET",
    "_make_request": "GET", "request": None,
}
# Programs of theirs that run in a container or on a machine, and the tests of one: they serve these paths, or ask others.
OTHERS = ("serverless/server", "cli/self_test")


def calls(folder, *files):
    """Pairs of method and path, as the API document has paths: `{}` for what is filled in, and a slash at the end.

    `folder` is a virtual environment; `files` are packages and modules in it.
    """
    packages = next((ROOT / folder).glob("lib/python*/site-packages"))
    found = set()
    for name in files:
        top = packages / name
        for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
            if not any(other in str(path) for other in OTHERS):
                found |= set(_of_module(ast.parse(path.read_text())))
    return found


def _of_module(tree):
    scopes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for scope in scopes:
        assigned = [
            (node.lineno, node.targets[0].id, node.value) for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ]
        assigned.sort(key=lambda one: one[0])
        for node in ast.walk(scope):
            if isinstance(node, ast.Call):
                # A name means what it was last given above.
                yield from _of_call(node, {name: value for line, name, value in assigned if line < node.lineno})


def _of_call(call, values):
    name = getattr(call.func, "attr", getattr(call.func, "id", None))
    if name not in SENDERS:
        return
    words = {word.arg: word.value for word in call.keywords}
    method = getattr(words.get("method"), "value", SENDERS[name])
    places = [words[word] for word in ("route", "url") if word in words] or call.args[:2]
    for place in places:
        for text in _texts(place, values):
            # The short form is their clients' own; autoscalers, workers and package indexes have such paths, too.
            match = re.fullmatch(r"(/[a-z].*)" if _is_short(call) else r"(?:\{\})?(/api/v[01]/.*)", text)
            if match and method:
                yield method, _plain(match[1])


def _is_short(call):
    """Whether `/instances/` would mean `/api/v0/instances/`."""
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in ("client", "self.client")


def _texts(node, values, depth=0):
    """All texts that an expression may have, with `{}` for what is not known."""
    known = functools.partial(_texts, values=values, depth=depth + 1)
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            texts = [""]
            for part in parts:
                ends = known(part.value) if isinstance(part, ast.FormattedValue) else known(part)
                texts = [text + end for text in texts for end in ends]
            return texts
        case ast.IfExp(body=one, orelse=other):
            return known(one) + known(other)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [one + other for one in known(left) for other in known(right)]
        case ast.Name(id=name) if name in values and depth < 8:
            return known(values[name])
        case ast.Call(func=ast.Name(id="apiurl"), args=[_, path, *_]):
            return [text if text.startswith("/api/") else f"/api/v0{text}" for text in known(path)]
        case ast.Call(func=ast.Attribute(attr="_url"), args=[path]):
            return known(path)
        case ast.Call(func=ast.Attribute(attr="format", value=text)):
            return [re.sub(r"\{[^}]*\}", "{}", one) for one in known(text)]
        case _:
            return ["{}"]


def _plain(path):
    path = re.sub(r"\{\}", "{}", path.partition("?")[0])
    if not path.startswith("/api/"):
        path = "/api/v0" + path
    return path.rstrip("/") + "/"
