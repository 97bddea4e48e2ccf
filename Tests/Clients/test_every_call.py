"""Whatever the official clients may ask is either there, as the OpenAPI file has it, or 501 in words (contract.md, 7.3)."""

import re

import pytest
import yaml

from harness import http, spoken
from harness.engine import ROOT

# How many calls a reading of the sources has found: fewer, and it is the reading that is wrong.
CLIENTS = {
    "1.9.1": (".venv-vastai-1.9.1", ["vastai"], 150),
    "0.5.0": (".venv-vastai-0.5.0", ["vast.py"], 105),
    "sdk-0.6.0": (".venv-vastai-sdk-0.6.0", ["vastai", "vastai_sdk"], 125),
}
METHODS = {"get", "put", "post", "delete", "head"}


@pytest.fixture(scope="module")
def documented():
    document = yaml.safe_load((ROOT / "Sources/APIServer/Documents/openapi.yaml").read_text())
    return {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path).rstrip("/") + "/")
        for path, item in document["paths"].items() for method in item if method in METHODS
    }


@pytest.mark.parametrize("version", CLIENTS)
def test_nothing_is_forgotten(up, documented, version):
    folder, files, least = CLIENTS[version]
    calls = spoken.calls(folder, *files)
    assert len(calls) >= least
    # These are in each of them, in three spellings: a path, an f-string, and one that a variable holds.
    assert {("PUT", "/api/v0/instances/command/{}/"), ("GET", "/api/v0/instances/{}/"), ("POST", "/api/v0/commands/schedule_job/")} <= calls
    missing = calls - documented
    assert len(missing) < len(calls) - 40, "what is there is found in the document"
    for method, path in sorted(missing):
        answer = http.request(up.url, method, path.replace("{}", "12345"), key=up.key, body={})
        assert answer.status == 501, (method, path, answer)
        assert answer.json["error"] == "not_implemented" and answer.json["msg"].startswith("Boathook does not do this: it has no "), answer
