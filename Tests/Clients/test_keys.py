"""Unchanged official clients make keys, and what those keys open (contract.md, 7.1; docs/keys.md)."""

import ast
import json
import types

import pytest

VERSIONS = ["0.5.0", "1.9.1"]


@pytest.fixture
def permission_file(tmp_path):
    def write(permissions):
        path = tmp_path / "permissions.json"
        path.write_text(json.dumps(permissions))
        return path

    return write


def make(official, version, client, path, *more):
    """The reply, as both print it: a dictionary in Python's spelling."""
    done = official.cli(version, client, "create", "api-key", "--name", "made", "--permission_file", path, *more)
    said = done.stdout.decode()
    assert done.returncode == 0 and said.startswith("api-key created {"), done
    return ast.literal_eval(said.removeprefix("api-key created "))


def holder(up, key):
    return types.SimpleNamespace(url=up.url, key=key)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reading_key_looks_and_changes_nothing(official, up, running, permission_file, version):
    identifier = up.instance_id(running)
    made = make(official, version, up, permission_file({"api": {"instance_read": {}}, "writes": False}))
    assert made["permissions"] == {"api": {"instance_read": {}}, "writes": False}
    reader = holder(up, made["key"])
    listed = official.cli(version, reader, "show", "instances", "--raw")
    assert identifier in {row["id"] for row in json.loads(listed.stdout)}
    for words, why in [
        (["execute", identifier, "rm -r home"], b"This key may not change anything, and rm does."),
        (["show", "user"], b"Your key lacks the user_read permission group"),
        (["show", "api-keys"], b"Your key lacks the user_read permission group"),
    ]:
        done = official.cli(version, reader, *words)
        assert why in done.stdout + done.stderr, done
    if version == "0.5.0":  # 1.9.1 gets its output and crashes by itself: test_on_the_wire.py
        done = official.cli(version, reader, "execute", identifier, "ls home")
        assert done.stdout == running.exec("ls", "home").stdout + b"\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_key_params_bind_a_key_to_an_instance(official, up, running, stopped, permission_file, version):
    ours, theirs = up.instance_id(running), up.instance_id(stopped)
    constraint = {"constraints": {"id": {"eq": "$box"}}}
    file = permission_file({"api": {"instance_write": {"api.instance.execute": constraint}}})
    made = make(official, version, up, file, "--key_params", json.dumps({"box": ours}))
    bound = holder(up, made["key"])
    done = official.cli(version, bound, "execute", theirs, "ls home")
    assert b"failed with error 404: Instance not found." in (done.stdout + done.stderr).replace(b"F", b"f"), done
    if version == "0.5.0":
        done = official.cli(version, bound, "execute", ours, "ls home")
        assert done.stdout == running.exec("ls", "home").stdout + b"\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_keys_are_listed_and_deleted(official, up, permission_file, version):
    made = make(official, version, up, permission_file({"api": {"user_read": {}}}))
    rows = official.cli(version, up, "show", "api-keys").stdout.decode()
    assert f"'id': {made['id']}," in rows and made["key"] not in rows and up.key not in rows
    owner = holder(up, made["key"])
    assert json.loads(official.cli(version, owner, "show", "user", "--raw").stdout)["id"]
    done = official.cli(version, up, "delete", "api-key", made["id"])
    assert b"Successfully Deleted API Key" in done.stdout + done.stderr, done
    done = official.cli(version, owner, "show", "user", "--raw")
    assert b"Invalid user key" in done.stdout + done.stderr, done


def test_what_is_not_known_is_refused_with_what_is(official, up, permission_file):
    path = permission_file({"api": {"instance_raed": {}}})
    done = official.cli("1.9.1", up, "create", "api-key", "--name", "x", "--permission_file", path)
    assert "There is no permission category “instance_raed”; known: billing_read" in (done.stdout + done.stderr).decode()
