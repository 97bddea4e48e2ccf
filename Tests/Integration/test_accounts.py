"""What belongs to an account, at rest (docs/accounts.md): its secrets, and the file without which nobody reads them."""

import stat

import pytest

from harness.boathook import BIN
from harness.engine import run

VALUE = "hf_0123456789abcdefghij"


def set_variable(up, name="TOKEN", value=VALUE):
    answer = up.request("POST", "/api/v0/secrets/", body={"key": name, "value": value})
    assert answer.status == 200 and answer.json["success"], answer


def names(up):
    return up.request("GET", "/api/v0/secrets/").json["secrets"]


def test_no_value_lies_in_the_data_folder(start_up):
    up = start_up()
    set_variable(up)
    assert up.request("PUT", "/api/v0/secrets/", body={"key": "token", "value": VALUE + ".2"}).status == 200
    assert names(up) == {"TOKEN": "********"}
    audit = run(BIN / "boathook", "admin", "audit", "show", "--json", "--data-dir", up.data).stdout.decode()
    assert "POST /api/v0/secrets" in audit and '"key":"TOKEN"' in audit
    up.process.terminate()
    files = [path for path in up.folder.rglob("*") if stat.S_ISREG(path.lstat().st_mode)]
    assert up.data / "boathook.db" in files and up.data / "secrets.key" in files and up.folder / "up.log" in files
    for path in files:
        assert VALUE.encode() not in path.read_bytes(), path
    assert stat.S_IMODE((up.data / "secrets.key").stat().st_mode) == 0o600


def test_a_backup_is_not_read_without_its_key(start_up, tmp_path):
    up = start_up()
    set_variable(up)
    run(BIN / "boathook", "admin", "backup", tmp_path / "copy", "--data-dir", up.data)
    assert not (tmp_path / "copy/secrets.key").exists()
    up.process.terminate()
    run(BIN / "boathook", "admin", "restore", tmp_path / "copy", "--data-dir", tmp_path / "restored")
    again = start_up(data=tmp_path / "restored", key=up.key)
    assert (tmp_path / "restored/secrets.key").read_bytes() != (up.data / "secrets.key").read_bytes()
    # The name is there, and may be set again.
    assert names(again) == {"TOKEN": "********"}
    assert again.request("PUT", "/api/v0/secrets/", body={"key": "TOKEN", "value": "new"}).status == 200


@pytest.mark.parametrize("spoil, reason", [
    (lambda path: path.chmod(0o640), "others may read it"), (lambda path: path.write_text("short\n"), "no key that secrets are sealed with"),
    (lambda path: path.write_text(""), "no key that secrets are sealed with"),
])
def test_a_key_that_is_none_stops_the_start(start_up, spoil, reason):
    up = start_up()
    up.process.terminate()
    spoil(up.data / "secrets.key")
    with pytest.raises(AssertionError, match=reason):
        up.start()


def test_a_restart_changes_nothing(start_up):
    up = start_up()
    set_variable(up)
    key = (up.data / "secrets.key").read_bytes()
    made = up.request("POST", "/api/v0/ssh/", body={"ssh_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILFzvDqyC/voTlZ4BA1f6o737NDM0kfeuOnriqEuFvgN"})
    assert made.status == 200
    up.process.terminate()
    up.start()
    assert (up.data / "secrets.key").read_bytes() == key
    assert names(up) == {"TOKEN": "********"}
    assert up.request("GET", "/api/v0/ssh/").json == [made.json["key"]]
    assert [row["ip"] for row in up.request("GET", "/api/v0/users/me/ipaddrs").json["results"]] == ["127.0.0.1"]
