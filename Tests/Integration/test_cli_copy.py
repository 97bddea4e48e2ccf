"""`boathook copy`: this machine's rsync, over an instance's SSH (docs/cli.md, "Copies")."""

import json
import subprocess

import pytest

from harness.boathook import BIN
from harness.login import Login, new_key, public
from harness.making import Instances


@pytest.fixture(scope="module")
def key(home, tmp_path_factory):
    key = new_key(tmp_path_factory.mktemp("my key"), "it's mine")
    answer = home.request("POST", "/api/v0/ssh/", body={"ssh_key": public(key)})
    assert answer.status == 200 and answer.json["success"] is True, answer
    return key


@pytest.fixture(scope="module")
def one(home, key, tmp_path_factory):
    made = Instances(home)
    identifier = made.create(runtype="ssh", onstart="true")
    Login(made.row(identifier), key, tmp_path_factory.mktemp("known")).wait()
    return identifier


@pytest.fixture
def copy(home, key, tmp_path):
    """Types a copy where a folder of the test is the home of the one who types: ssh asks for that of the user."""
    (tmp_path / "passwd").write_text(f"root:x:0:0::{tmp_path}:/bin/bash\n")

    def copy(*words, status=0, **more):
        script = 'mount --bind "$0" /etc/passwd && exec "$@"'
        done = subprocess.run(
            ["unshare", "--mount", "bash", "-c", script, tmp_path / "passwd", BIN / "boathook", "copy", "-i", key, *map(str, words)],
            env=home.environment(**more), cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        assert done.returncode == status, done
        return (done.stderr if status else done.stdout).decode()

    return copy


def test_both_ways(home, one, copy, tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("plain", "two words", "-dash", "a:b", "$(reboot)", "größe"):
        (tmp_path / "data" / name).write_text(name)
    said = copy("local:data/", f"{one}:/workspace/data").splitlines()
    assert "plain" in said and "two words" in said
    # What is there is not sent again.
    assert "plain" not in copy("data/", f"C.{one}:workspace/data").splitlines()
    assert "plain" in copy(f"{one}:/workspace/data/", "local:back/there:x").splitlines()
    assert {path.name: path.read_text() for path in (tmp_path / "back/there:x").iterdir()} == {
        path.name: path.read_text() for path in (tmp_path / "data").iterdir()}
    reply = json.loads(copy("data/plain", f"{one}:/workspace/", "--json"))
    assert reply["success"] is True and reply["dst_port"] > 0
    assert home.cli("execute", str(one), "ls workspace", check=True).stdout == b"data\nplain\n"


def test_what_comes_from_an_instance_gets_no_rights_here(home, one, copy, tmp_path):
    container = Instances(home).container(one)
    container.shell("mkdir /odd && cd /odd && mknod null c 1 3 && mkfifo fifo && cat /bin/true >suid && chmod 6755 suid")
    copy(f"{one}:/odd/", "here")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["suid"]
    assert (tmp_path / "here/suid").stat().st_mode & 0o7777 == 0o755


def test_its_status_is_that_of_rsync_or_125(home, one, copy, tmp_path):
    (tmp_path / "data").mkdir()
    assert "nothing" in copy(f"{one}:/nothing", "here", status=23)
    for words, said in [
        ((f"{one}:/x", f"{one}:/y"), "between instances"), ((f"{one}:/x", "s3.101:/y"), "cloud storage"), (("data", "local:x"), "One side"),
        (("data", "99999999:/x"), "Instance not found"), ((f"{one}:/x", "passwd"), "cannot be made"),
    ]:
        assert said in copy(*words, status=125), words
    copy("local:", f"{one}:/x", status=64)
