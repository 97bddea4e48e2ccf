"""Unchanged official clients on what belongs to an account (contract.md, 6, 7.3, 10; docs/accounts.md)."""

import ast
import json
import types

import pytest

from harness.sdk import SDK_06, SDK_1

VERSIONS = ["0.5.0", "1.9.1"]
ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILFzvDqyC/voTlZ4BA1f6o737NDM0kfeuOnriqEuFvgN maria@laptop"
TWO = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBErl5aRXqwj6vmXfuZokV1UMb78ZHfV6GWllnck8fwcw1NAEMndXdTjYVL8M4ch9HfQp5WXp8bH51IxDNUCJgo0="


@pytest.fixture
def user(up, request):
    """A user of the test's own."""
    return up.other_user(f"account-{abs(hash(request.node.nodeid)):x}")


def said(done, status=0):
    assert done.returncode == status, done
    return (done.stdout + done.stderr).decode()


def raw(official, version, client, *words):
    done = official.cli(version, client, *words, "--raw")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def rows(official, version, client):
    return {row["id"]: row["public_key"] for row in raw(official, version, client, "show", "ssh-keys")}


# SSH keys

@pytest.mark.parametrize("version", VERSIONS)
def test_ssh_keys_come_and_go(official, user, tmp_path, version):
    text = said(official.cli(version, user, "create", "ssh-key", ONE))
    made = ast.literal_eval(text[text.index("{"):text.rindex("}") + 1])
    assert made["success"] is True and made["key"]["public_key"] == ONE
    identifier = made["key"]["id"]
    assert rows(official, version, user) == {identifier: ONE}
    assert raw(official, version, user, "show", "user")["ssh_key"] == ONE
    # These two read files: the text has a line feed behind it.
    path = tmp_path / "id.pub"
    path.write_text(ONE.replace("maria@laptop", "somewhere else") + "\n")
    assert "'success': True" in said(official.cli(version, user, "update", "ssh-key", identifier, path))
    assert rows(official, version, user) == {identifier: ONE.replace("maria@laptop", "somewhere else")}
    assert "already exists on this account" in said(official.cli(version, user, "create", "ssh-key", ONE))
    assert "'success': True" in said(official.cli(version, user, "delete", "ssh-key", identifier))
    assert rows(official, version, user) == {}
    assert "does not exist on this account" in said(official.cli(version, user, "delete", "ssh-key", identifier))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_path_in_the_place_of_a_key(official, user, tmp_path, version):
    # The quick start's own words: the client sends the path, whether there is such a file or not.
    path = tmp_path / "id_ed25519.pub"
    path.write_text(ONE + "\n")
    for words in (path, "~/.ssh/id_ed25519.pub"):
        text = said(official.cli(version, user, "create", "ssh-key", words))
        assert "ailed with error 400: That looks like a path; pass the key's text" in text and "ssh-key created" not in text
    secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
    text = said(official.cli(version, user, "create", "ssh-key", f" {secret}"))
    assert "private key" in text and "c2VjcmV0" not in text
    assert rows(official, version, user) == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_key_for_one_instance(official, up, running, tmp_path, version):
    identifier = up.instance_id(running)

    def attached():
        answer = up.request("GET", f"/api/v0/instances/{identifier}/ssh/")
        return {row["id"]: row["public_key"] for row in json.loads(answer.json["ssh_keys"])}

    assert attached() == {}
    path = tmp_path / "id.pub"
    path.write_text(ONE + "\n")
    text = said(official.cli(version, up, "attach", "ssh", identifier, path))
    assert "SSH key added to instance." in text
    (key, line), = attached().items()
    assert line == ONE
    assert "already associated" in said(official.cli(version, up, "attach", "ssh", identifier, path))
    assert rows(official, version, up) == {}
    assert "SSH key removed" in said(official.cli(version, up, "detach", "ssh", identifier, key))
    assert attached() == {}
    assert "ailed with error 404: SSH key not found." in said(official.cli(version, up, "detach", "ssh", identifier, key))
    assert "ailed with error 404: Instance not found." in said(official.cli(version, up, "attach", "ssh", 987654321, path))


def test_ssh_keys_with_the_sdk(official, user):
    script = SDK_1 + """
made = client.create_ssh_key(sys.argv[1])
listed = client.show_ssh_keys()
updated = client.update_ssh_key(made["key"]["id"], sys.argv[2])
deleted = client.delete_ssh_key(made["key"]["id"])
print(json.dumps([made, listed, updated, deleted, client.show_ssh_keys()]))
"""
    made, listed, updated, deleted, rest = official.python("1.9.1", user, script, ONE, TWO)
    assert made["success"] is True and listed == [made["key"]] and listed[0]["deleted_at"] is None
    assert updated["key"]["id"] == made["key"]["id"] and updated["key"]["public_key"] == TWO
    assert deleted == {"success": True} and rest == []


# Environment variables

@pytest.mark.parametrize("version", VERSIONS)
def test_environment_variables(official, user, version):
    assert "No environment variables found." in said(official.cli(version, user, "show", "env-vars"))
    assert said(official.cli(version, user, "create", "env-var", "hf_token", "abc.DEF-1_2")) == "Environment variable added successfully\n"
    assert said(official.cli(version, user, "update", "env-var", "HF_TOKEN", "xyz")) == "Environment variable updated successfully\n"
    shown = official.cli(version, user, "show", "env-vars", "--raw", "--show-values")
    assert json.loads(shown.stdout) == {"HF_TOKEN": "********"} and b"xyz" not in shown.stdout
    assert "Name: HF_TOKEN\nValue: *****\n" in said(official.cli(version, user, "show", "env-vars"))
    assert "letters, digits" in said(official.cli(version, user, "create", "env-var", "A", "two words"))
    assert "Environment variable not found" in said(official.cli(version, user, "update", "env-var", "OTHER", "x"))
    assert said(official.cli(version, user, "delete", "env-var", "HF_TOKEN")) == "Environment variable deleted successfully\n"
    assert "Environment variable not found" in said(official.cli(version, user, "delete", "env-var", "HF_TOKEN"))


def test_environment_variables_with_the_sdk(official, user):
    script = SDK_1 + """
client.create_env_var("A", "1")
print(json.dumps([client.show_env_vars(show_values=True), client.delete_env_var("A"), client.show_env_vars()]))
"""
    shown, deleted, rest = official.python("1.9.1", user, script)
    assert shown == {"A": "********"} and deleted["success"] is True and rest == {}


# The account

@pytest.mark.parametrize("version", VERSIONS)
def test_the_user_has_every_column(official, user, version):
    shown = raw(official, version, user, "show", "user")
    assert "api_key" not in shown and shown["email"].endswith("@boathook.invalid") and shown["credit"] == 0
    table = said(official.cli(version, user, "show", "user"))
    assert shown["username"] in table and user.key not in table


def test_a_key_is_reset(official, user):
    text = said(official.cli("1.9.1", user, "reset", "api-key"))
    key = text.removeprefix("New api-key: ").strip()
    assert len(key) == 43 and key != user.key
    assert "Invalid user key" in said(official.cli("1.9.1", user, "show", "user"))
    again = types.SimpleNamespace(url=user.url, key=key)
    assert raw(official, "1.9.1", again, "show", "user")["username"]
    # This one resets, and throws the new key away.
    assert "api-key reset" in said(official.cli("0.5.0", again, "reset", "api-key"))
    assert "Invalid user key" in said(official.cli("0.5.0", again, "show", "user"))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_done_and_from_where(official, user, version):
    said(official.cli(version, user, "create", "env-var", "TOKEN", "topsecret"))
    said(official.cli(version, user, "create", "ssh-key", ONE))
    logs = raw(official, version, user, "show", "audit-logs")
    assert [row["api_route"] for row in logs[:2]] == ["POST /api/v0/ssh", "POST /api/v0/secrets"]
    assert logs[1]["args"] == {"key": "TOKEN"} and logs[1]["ip_address"] == "127.0.0.1"
    assert logs[0]["args"]["fingerprint"].startswith("SHA256:") and logs[0]["api_key_id"] == logs[1]["api_key_id"]
    table = said(official.cli(version, user, "show", "audit-logs"))
    assert "POST_/api/v0/secrets" in table and "topsecret" not in table
    addresses = raw(official, version, user, "show", "ipaddrs")
    assert [row["ip"] for row in addresses] == ["127.0.0.1"] and addresses[0]["first_seen"].endswith("Z")
    assert "127.0.0.1" in said(official.cli(version, user, "show", "ipaddrs"))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_done_to_an_instance(official, up, new_container, version):
    identifier = up.instance_id(new_container())
    said(official.cli(version, up, "label", "instance", identifier, "audited"))
    said(official.cli(version, up, "stop", "instance", identifier))
    stop, label = raw(official, version, up, "show", "audit-logs")[:2]
    assert stop["args"] == {"instance_id": identifier, "state": "stopped"}
    assert label["args"] == {"instance_id": identifier, "label": "audited"}
    for row in (stop, label):
        assert row["api_route"] == "PUT /api/v0/instances/{id}" and row["ip_address"] == "127.0.0.1" and row["api_key_id"]
    assert "PUT_/api/v0/instances/{id}" in said(official.cli(version, up, "show", "audit-logs"))


# The operator's

@pytest.mark.parametrize("version", VERSIONS)
def test_machines_are_the_operators(official, up, user, version):
    assert len(raw(official, version, up, "show", "machines")["machines"]) == 1
    assert raw(official, version, user, "show", "machines")["machines"] == []
    assert "Traceback" not in said(official.cli(version, user, "show", "machines"))


# What there is none of

SHOWN = ["show subaccounts", "show endpoints", "show volumes", "show maints -i 1"]
TABLES = [
    "show subaccounts", "show invoices", "show earnings", "show connections", "show volumes", "show maints -i 1", "show network-disks",
    "search templates", "search volumes", "search network-volumes",
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("words", SHOWN)
def test_an_empty_list_is_one(official, user, version, words):
    assert raw(official, version, user, *words.split()) == []


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_no_verb_stumbles_over_nothing(official, user, version):
    more = {"0.5.0": ["show clusters", "show overlays"], "1.9.1": [
        "show invoices-v1 --charges", "show invoices-v1 --invoices", "tfa status", "show deployments", "show instance-backups",
        "show pending-price-increases", "search benchmarks"]}
    for words in TABLES + more[version]:
        done = official.cli(version, user, *words.split())
        text = done.stdout + done.stderr
        assert done.returncode == 0 and b"Traceback" not in text and b"ailed with error" not in text, (words, done)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_boathook_does_not_do_is_said(official, user, version):
    wanted = ["show deposit 5", "change bid 5 --price 1", {"0.5.0": "remove member 5", "1.9.1": "tfa totp-setup"}[version]]
    for words in wanted:
        text = said(official.cli(version, user, *words.split()))
        assert "ailed with error 501: Boathook does not do this: it has no " in text, (words, text)


def test_the_old_sdk_reads_the_same(official, user):
    script = SDK_06 + """
print(json.dumps([client.show_ssh_keys(), client.show_env_vars(), client.show_ipaddrs(), client.show_subaccounts(), client.show_volumes()]))
"""
    keys, variables, addresses, accounts, volumes = official.python("sdk-0.6.0", user, script)
    assert keys == [] and variables == {} and accounts == [] and volumes == []
    assert addresses[0]["ip"] == "127.0.0.1"
