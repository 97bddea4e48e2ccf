"""What `vastai copy` logs in to: an rsync daemon in the container, and nothing else (docs/ssh.md)."""

import os
import signal
import subprocess

import pytest

from harness.engine import run
from harness.login import Login, lend, new_key, public
from harness.making import Instances
from harness.waiting import eventually

USER = "vastai_kaalia"
ASKED = "rsync --server --daemon ."


@pytest.fixture(scope="module")
def key(home, tmp_path_factory):
    """The account's."""
    key = new_key(tmp_path_factory.mktemp("key"), "account")
    answer = home.request("POST", "/api/v0/ssh/", body={"ssh_key": public(key)})
    assert answer.status == 200 and answer.json["success"] is True, answer
    return key


@pytest.fixture(scope="module")
def shared(home, key):
    """An instance whose image has no rsync."""
    return Instances(home).create(runtype="ssh", onstart="true")


@pytest.fixture(scope="module")
def container(home, shared):
    return Instances(home).container(shared)


@pytest.fixture(scope="module")
def login(home, key, shared, tmp_path_factory):
    return Login(Instances(home).row(shared), key, tmp_path_factory.mktemp("known")).wait()


def there(module, path=""):
    return f"{USER}@127.0.0.1::{module}{path}"


def rsync(login, *words):
    """Its words, with the login as its way."""
    return ["rsync", "-a", "-v", "-e", " ".join(["ssh", "-p", str(login.port), *login.options]), *map(str, words)]


def lent(container):
    """What is left in the container of what was lent to it."""
    return [name for name in container.exec("ls", "-A", "/tmp").stdout.decode().split() if name.startswith(".boathook")]


def test_the_whole_tree_under_either_spelling_of_the_id(container, shared, login, tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "large").write_bytes(data)
    for number, module in enumerate([shared, f"C.{shared}"]):
        # With two slashes, as the clients write it.
        run(*rsync(login, tmp_path / "large", there(module, f"//root/large{number}")))
        run(*rsync(login, there(module, f"/root/large{number}"), tmp_path / "back"))
        assert (tmp_path / "back").read_bytes() == data
        # What is above the tree is the tree.
        run(*rsync(login, there(module, "/../../../etc/hostname"), tmp_path / "hostname"))
        hostname = container.inspect()["Config"]["Hostname"]
        assert (tmp_path / "hostname").read_text().strip() == hostname != os.uname().nodename
    eventually("what was lent is gone", lambda: not lent(container), every=0.1)


def test_what_is_lent_is_no_part_of_the_tree(shared, login, tmp_path):
    run(*rsync(login, there(shared, "//tmp/"), tmp_path / "tmp"))
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("module", ["1000000", "C."])
def test_there_is_no_other_module(login, tmp_path, module):
    done = run(*rsync(login, there(module, "/"), tmp_path), check=False)
    assert done.returncode == 5 and b"Unknown module" in done.stderr, done


def test_no_module_is_listed(login):
    assert run(*rsync(login, there(""))).stdout == b""


@pytest.mark.parametrize("words", [
    "", "id", f"{ASKED}; id", f"{ASKED} ", f" {ASKED}", f"$(id) {ASKED}", "rsync --daemon", "rsync --server --daemon --config=/root/x .",
    "rsync --server -vlogDtprze.iLsfxC . /root", "rsync --server --sender -vlogDtpre.iLsfxC . /etc", "scp -t /root", "boathook-sftp",
])
def test_that_user_gets_nothing_but_the_daemon(login, words):
    done = login.run(words, user=USER, check=False)
    assert done.returncode == 1 and done.stdout == b"" and b"is for 'vastai copy' alone" in done.stderr, done


def test_that_user_gets_no_terminal_and_no_sftp(login, tmp_path):
    done = login.run("-tt", ASKED, user=USER, check=False)
    assert done.returncode == 1 and b"RSYNCD" not in done.stdout, done
    batch = tmp_path / "batch"
    batch.write_text("ls /\n")
    done = run("sftp", "-q", "-b", batch, "-P", login.port, *login.options, f"{USER}@127.0.0.1", check=False)
    assert done.returncode != 0 and b"etc" not in done.stdout, done


@pytest.mark.parametrize("options", [
    ("-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:22"),
    ("-o", "ExitOnForwardFailure=yes", "-N", "-R", "/tmp/boathook-test.sock:127.0.0.1:22"),
    ("-W", "127.0.0.1:22"),
])
def test_that_user_forwards_nothing(login, options):
    done = run(*login.command(*options, "", user=USER), check=False, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 255 and done.stdout == b"", done


def test_that_user_has_the_same_keys_and_no_others(login, tmp_path):
    other = Login.__new__(Login)
    other.port, other.key, other.known = login.port, new_key(tmp_path, "other"), login.known
    done = other.run(ASKED, user=USER, check=False)
    assert done.returncode == 255 and b"Permission denied (publickey)." in done.stderr
    for option in ("PubkeyAuthentication=no", "PreferredAuthentications=password,keyboard-interactive"):
        assert login.run("-o", option, ASKED, user=USER, check=False).returncode == 255


def test_a_copy_that_is_killed_leaves_nothing(container, shared, login, tmp_path):
    (tmp_path / "large").write_bytes(os.urandom(20_000_000))
    before = container.exec("ls", "-A", "/workspace").stdout
    with subprocess.Popen(
        rsync(login, "--bwlimit=200", tmp_path / "large", there(shared, "/workspace/")), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as client:
        # rsync writes into a file beside the one that it is to be.
        eventually("it is under way", lambda: b".large." in container.exec("ls", "-A", "/workspace").stdout, 60, every=0.1)
        assert lent(container)
        os.killpg(client.pid, signal.SIGKILL)
    eventually("what was lent is gone", lambda: not lent(container), every=0.1)
    top = ("top", container.name, "-eo", "pid,args")
    eventually("no rsync runs on", lambda: b"rsync" not in container.engine.docker(*top).stdout, every=0.1)
    eventually("nothing is left of the file", lambda: container.exec("ls", "-A", "/workspace").stdout == before, every=0.1)


def test_a_stopped_instance_says_so(home, key, tmp_path):
    made = Instances(home)
    identifier = made.create(runtype="ssh", onstart="true")
    login = Login(made.row(identifier), key, tmp_path).wait()
    made.stop(identifier)
    done = run(*rsync(login, there(identifier, "/etc/hostname"), tmp_path), check=False)
    assert done.returncode != 0 and f"instance {identifier} is not running".encode() in done.stderr, done
    made.destroy(identifier)


def test_an_image_that_has_rsync_lends_nothing(home, key, tmp_path):
    made = Instances(home)
    identifier = made.create(runtype="ssh", onstart="true")
    container = made.container(identifier)
    lend(container, "rsync")
    # It notes how it is run, and whether anything was lent.
    container.shell(
        "set -e; cat /usr/bin/rsync >/usr/bin/rsync.real; chmod 755 /usr/bin/rsync.real; "
        "printf '#!/bin/sh\\necho \"$@\" >/root/asked; ls -A /tmp >/root/lent; exec /usr/bin/rsync.real \"$@\"\\n' >/usr/bin/rsync; "
        "chmod 755 /usr/bin/rsync")
    login = Login(made.row(identifier), key, tmp_path).wait()
    (tmp_path / "file").write_text("hello\n")
    run(*rsync(login, tmp_path / "file", there(identifier, "/root/")))
    run(*rsync(login, there(identifier, "/root/file"), tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "hello\n"
    assert container.exec("cat", "/root/asked", "/root/lent").stdout == b"--server --daemon --config=/proc/self/fd/3 .\n"
    made.destroy(identifier)
