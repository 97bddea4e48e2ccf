"""Unchanged official clients make an instance anew from something else (contract.md, 3.5)."""

import ast
import contextlib
import json

import pytest

from harness.images import other_image
from harness.sdk import SDK_1
from harness.typist import VERSIONS, Typist
from harness.waiting import eventually


@pytest.fixture(params=VERSIONS)
def vastai(request, official, home, tmp_path):
    typist = Typist(official, request.param, home, tmp_path)
    typist(f"vastai set api-key {home.key}")
    return typist


@pytest.fixture(scope="module")
def other(home):
    return other_image(home.engine, home.engine.image("small"))


@pytest.fixture(autouse=True)
def no_template_left(home):
    yield
    for row in home.request("GET", "/api/v0/template/").json["templates"]:
        assert home.request("DELETE", "/api/v0/template/", body={"template_id": row["id"]}).status == 200


def variables(made, identifier):
    return dict(pair.split("=", 1) for pair in made.container(identifier).inspect()["Config"]["Env"])


def has(made, identifier, **wanted):
    """Until the instance runs in a container that has these."""
    def so():
        row = made.row(identifier)
        if row["actual_status"] != "running" or not row["container_id"]:
            return False
        # The one before may be gone by now.
        with contextlib.suppress(AssertionError):
            return wanted.items() <= variables(made, identifier).items()
        return False

    eventually(f"it runs with {wanted}", so, 60, every=0.1)


def test_update_instance(vastai, home, made, other):
    reply = made.make(env={"A": "1", "B": "2"})
    identifier, key = reply["new_contract"], reply["instance_api_key"]
    port = made.until(identifier, "running")["ports"]["22/tcp"][0]["HostPort"]
    line = f"vastai update instance {identifier}"

    said = vastai(f"""{line} --image {other} --env '{{"A": "3", "C": "two words"}}' --onstart 'echo new >/said'""")
    assert f"Instance {identifier} updated successfully." in said and "Updated instance details:" in said
    details = ast.literal_eval(said.splitlines()[-1])
    assert (details["id"], details["image_uuid"]) == (identifier, other)
    has(made, identifier, MADE_OF=other, A="3", C="two words", CONTAINER_API_KEY=key)
    assert "B" not in variables(made, identifier)
    assert variables(made, identifier)["VAST_TCP_PORT_22"] == port
    container = made.container(identifier)
    eventually("its script has run", lambda: container.exec("cat", "/said", check=False).stdout == b"new\n", every=0.1)

    # From a template, by its hash; and then, as the client's own SKILL.md has it, from what that has become.
    fields = {"name": "t", "image": made.image, "runtype": "ssh"}
    first = home.request("POST", "/api/v0/template/", body={**fields, "env": "-e FROM=first"}).json["template"]
    assert "updated successfully" in vastai(f"{line} --template_hash_id {first['hash_id']}")
    has(made, identifier, FROM="first", CONTAINER_API_KEY=key)
    assert "MADE_OF" not in variables(made, identifier)
    changed = home.request("PUT", "/api/v0/template/", body={**fields, "hash_id": first["hash_id"], "env": "-e FROM=second"})
    assert changed.status == 200, changed
    assert "updated successfully" in vastai(line)
    has(made, identifier, FROM="second", CONTAINER_API_KEY=key)
    shown = vastai.raw(f"vastai show instance {identifier}")
    assert (shown["template_id"], shown["image_uuid"]) == (first["id"], made.image)

    # What is refused is told, and not by a crash.
    before = made.row(identifier)["container_id"]
    for options, words in [("--args 'sleep 5'", "runtype args"), (f"--template_hash_id {'0' * 32}", "no such template")]:
        said = vastai(f"{line} {options}")
        assert "400" in said and words in said and "Traceback" not in said, said
    said = vastai(f"vastai update instance 99999 --image {other}")
    assert "404" in said and "Instance not found." in said and "Traceback" not in said, said
    assert made.row(identifier)["container_id"] == before


def test_the_sdk(official, home, made, other):
    waiting = "trap 'exit 0' TERM; sleep infinity & wait"
    identifier = made.create(env={"A": "1"}, runtype="args", args=["bash", "-c", waiting])
    script = SDK_1 + "print(json.dumps(client.update_instance(id=int(sys.argv[1]), **json.loads(sys.argv[2]))))"
    answer = official.python("1.9.1", home, script, identifier, json.dumps({"image": other, "args": f'bash -c "{waiting}" again'}))
    assert answer["success"] is True and answer["updated_instance"]["id"] == identifier
    has(made, identifier, MADE_OF=other, A="1")
    assert made.container(identifier).inspect()["Config"]["Cmd"] == ["bash", "-c", waiting, "again"]
