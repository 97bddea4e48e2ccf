"""Logins into instances: OpenSSH's own client, and images that have neither an SSH server nor a network (docs/ssh.md)."""

import contextlib
import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

from harness import making
from harness.engine import run
from harness.login import Login, Screen, lend, new_key, public
from harness.making import Instances
from harness.promptly import least_of
from harness.waiting import eventually

SSH = "ssh_direc ssh_proxy"
MEGABYTES = 100


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with making.roomy_engine() as engine, making.home(
        engine, tmp_path_factory.mktemp("home"), "--instance-network", "none"
    ) as up:
        yield up


@pytest.fixture(scope="module")
def made(home):
    made = Instances(home)
    yield made
    made.destroy(*(row["id"] for row in home.instances()))


@pytest.fixture(scope="module")
def key(home, tmp_path_factory):
    """The account's."""
    key = new_key(tmp_path_factory.mktemp("key"), "account")
    answer = home.request("POST", "/api/v0/ssh/", body={"ssh_key": public(key)})
    assert answer.status == 200 and answer.json["success"] is True, answer
    return key


@pytest.fixture(scope="module")
def shared(made, key):
    """An instance that tests leave as it is."""
    return made.create(runtype=SSH, onstart="true")


@pytest.fixture(scope="module")
def login(made, key, shared, tmp_path_factory):
    return Login(made.row(shared), key, tmp_path_factory.mktemp("known")).wait()


@pytest.fixture
def new_login(made, key, tmp_path):
    """Makes an instance of the test's own: its id, and the way in."""
    identifiers = []

    def make():
        identifiers.append(made.create(runtype=SSH, onstart="true"))
        return identifiers[-1], Login(made.row(identifiers[-1]), key, tmp_path).wait()

    yield make
    made.destroy(*(one for one in identifiers if made.row(one)))


def programs(container):
    """The command lines that run in it."""
    return container.engine.docker("top", container.name, "-eo", "pid,args").stdout.decode().splitlines()[1:]


def runs(container, line):
    return any(line in program for program in programs(container))


def processes(*parts):
    """Processes of this machine with these on their command lines."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if all(part in words for part in parts):
                found[int(path.parent.name)] = words
    return found


def servers(home, identifier=""):
    """The SSH servers of instances of this agent."""
    return processes("sshd", f"{home.data}/agent/ssh/{identifier}")


# Commands

def test_output_errors_and_status_are_the_programs_own(made, shared, login):
    done = login.run("echo out; echo err >&2; exit 7", check=False)
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 7)
    assert login.run("kill -9 $$", check=False).returncode == 137
    assert login.run("no-such-program", check=False).returncode == 127
    assert login.says("id -u; echo $HOME $PWD $USER") == "0\n/root /root root\n"
    # In the container, which has no network but its own loopback.
    hostname = made.container(shared).inspect()["Config"]["Hostname"]
    assert login.says("cat /etc/hostname").strip() == hostname != os.uname().nodename
    assert made.container(shared).inspect()["HostConfig"]["NetworkMode"] == "none"


def test_what_is_written_last_arrives(login):
    for _ in range(20):
        assert login.run("echo {1..2000}; exit 3", check=False).stdout.endswith(b" 2000\n")


def test_input_ends_when_the_clients_does(login):
    data = bytes(range(256)) * 1000
    assert login.run("cat; echo end", input=data).stdout == data + b"end\n"
    # One who reads none of it does not hold anybody up.
    assert login.run("exec <&-; echo done", input=b"x" * 3_000_000).stdout == b"done\n"


def test_a_hundred_megabytes_each_way(login):
    data = os.urandom(1 << 20) * MEGABYTES
    done = login.run("cat", input=data)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("text", [
    "'; touch {mark}; '", '"; touch {mark}; "', "$(touch {mark})", "`touch {mark}`", "\n touch {mark}\n", "; touch {mark} #",
    "boathook-sftp; touch {mark}", "-c 'touch {mark}'", "ssh-session {mark}",
])
def test_a_hostile_command_is_the_containers_affair(made, shared, login, tmp_path, text):
    mark = tmp_path / "mark"
    login.run(text.format(mark=mark), check=False)
    assert not mark.exists()
    assert login.says("cat /etc/hostname").strip() == made.container(shared).inspect()["Config"]["Hostname"]


def test_bytes_that_are_no_text_arrive(login):
    name = b"caf\xe9 %d \\n"
    done = login.run(os.fsdecode(b"echo '" + name + b"'"))
    assert done.stdout == name + b"\n"


def test_only_the_locale_comes_from_the_client(login):
    done = login.run("-o", "SetEnv=LD_PRELOAD=/x FOO=1 BASH_ENV=/x LC_EVIL=1 LC_ALL=C LANG=C.UTF-8", "env").stdout.decode()
    told = dict(line.split("=", 1) for line in done.splitlines())
    assert told["LC_ALL"] == "C" and told["LANG"] == "C.UTF-8"
    assert not {"LD_PRELOAD", "FOO", "BASH_ENV", "LC_EVIL", "TERM", "SSH_ORIGINAL_COMMAND"} & set(told)
    assert not [name for name in told if name.startswith("BOATHOOK")]
    assert told["SSH_CONNECTION"].startswith("127.0.0.1 ")


# A terminal

def test_a_terminal_with_its_size_from_the_first_moment(login):
    with Screen(login, 40, 100) as screen:
        screen.type("(:); echo size=$LINES:$COLUMNS term=$TERM; shopt login_shell; [ -t 0 ] && echo tty-$((40+2))\n")
        screen.until("size=40:100 term=xterm-256color")
        screen.until("login_shell")
        screen.until("tty-42")
        screen.resize(33, 77)

        def is_told():
            screen.type("(:); echo now=$LINES:$COLUMNS.\n")
            screen.until("\nnow=")
            return screen.until(".") == "33:77"

        eventually("the new size is told", is_told, every=0.05)
        screen.type("(echo begun-$((1+1)); exec sleep 1000)\n")
        screen.until("begun-2")
        screen.type("\x03echo status=$?.\n")
        screen.until("status=130.")
        screen.type("exit 9\n")
        assert screen.end() == 9


def test_the_key_by_which_engines_let_go_is_a_key_like_others(login):
    with Screen(login, 24, 80) as screen:
        screen.type("PS1=; echo re''ady; IFS= read -rsn1 key; printf 'got=%q.\\n' \"$key\"\n")
        screen.until("ready\r\n")
        # The first of Docker's two (--detach-keys): kept back until the next one, if it meant anything.
        screen.type("\x10")
        screen.until("got=$'\\020'.")
        screen.type("exit\n")
        assert screen.end() == 0


# Who gets in, and what else is refused

def test_no_other_key_no_password_no_other_user(login, tmp_path):
    other = Login.__new__(Login)
    other.port, other.key, other.known = login.port, new_key(tmp_path, "other"), login.known
    done = other.run("true", check=False)
    assert done.returncode == 255 and b"Permission denied (publickey)." in done.stderr
    for options in (["-o", "PubkeyAuthentication=no"], ["-o", "PreferredAuthentications=password,keyboard-interactive"]):
        done = login.run(*options, "true", check=False)
        assert done.returncode == 255 and b"Permission denied (publickey)." in done.stderr
    for user in ("nobody", "daemon", "sshd"):
        assert login.run("true", user=user, check=False).returncode == 255


@pytest.mark.parametrize("options", [
    ("-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:22"),
    ("-o", "ExitOnForwardFailure=yes", "-N", "-R", "/tmp/boathook-test.sock:127.0.0.1:22"),
    ("-W", "127.0.0.1:22"),
])
def test_nothing_is_forwarded(login, options):
    done = run(*login.command(*options, ""), check=False, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 255 and done.stdout == b""


def test_no_socket_of_this_machine_is_reached(home, login, tmp_path):
    engine = home.engine.url.removeprefix("unix://")
    local = tmp_path / "local"
    with login.start("-N", "-L", f"{local}:{engine}", "") as client:
        eventually("the client listens", local.exists)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(local))
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                assert connection.recv(100) == b""
        client.kill()


def test_no_agent_and_no_display(login):
    done = login.run("-A", "-X", "echo [$SSH_AUTH_SOCK] [$DISPLAY]", env={**os.environ, "DISPLAY": ":0"})
    assert done.stdout == b"[] []\n"


def test_this_machine_has_no_trace_of_a_login(login):
    files = [pathlib.Path(path) for path in ("/run/utmp", "/var/log/wtmp", "/var/log/lastlog", "/var/log/btmp")]
    before = {path: path.read_bytes() for path in files if path.exists()}
    with Screen(login, 24, 80) as screen:
        screen.type("exit\n")
        assert screen.end() == 0
    assert {path: path.read_bytes() for path in files if path.exists()} == before


# Keys

def test_keys_of_one_instance_open_that_one_alone(home, made, new_login, tmp_path):
    (one, first), (two, second) = new_login(), new_login()
    assert first.port != second.port
    guest = new_key(tmp_path, "guest")
    answer = home.request("POST", f"/api/v0/instances/{one}/ssh/", body={"ssh_key": public(guest)})
    assert answer.status == 200 and answer.json["success"] is True, answer
    first.key = second.key = guest
    eventually("the guest is let in", first.is_let_in)
    assert not second.is_let_in()


def test_a_key_counts_within_a_second_and_open_logins_stay(home, new_login, tmp_path):
    _, login = new_login()
    owner, added = login.key, []

    def let_in():
        """How long a new key is not let in, but for what logins take themselves."""
        login.key = guest = new_key(tmp_path, f"guest{len(added)}")
        assert not login.is_let_in()
        added.append(home.request("POST", "/api/v0/ssh/", body={"ssh_key": public(guest)}))
        assert added[-1].status == 200, added
        since = time.monotonic()
        eventually("the key is let in", login.is_let_in)
        took, since = time.monotonic() - since, time.monotonic()
        assert login.is_let_in()
        # One that was refused may have begun just before, and the one that was let in.
        return took - 2 * (time.monotonic() - since)

    assert least_of(let_in, 1) < 1
    open_login = login.start("echo in; read line; echo $line", stdin=subprocess.PIPE)
    assert open_login.stdout.readline() == b"in\n"
    assert home.request("DELETE", f"/api/v0/ssh/{added[-1].json['key']['id']}/", body={}).status == 200
    eventually("the key is kept out", lambda: not login.is_let_in())
    output, _ = open_login.communicate(b"still here\n", timeout=60)
    assert output == b"still here\n"
    login.key = owner
    assert login.is_let_in()
    for one in added[:-1]:
        assert home.request("DELETE", f"/api/v0/ssh/{one.json['key']['id']}/", body={}).status == 200


# The server's life, and its instance's

def test_stopped_started_made_anew_and_destroyed(home, made, new_login):
    identifier, login = new_login()
    login.run("true")
    made.stop(identifier)
    done = login.run("true", check=False)
    assert done.returncode == 255 and b"is not running" in done.stderr
    row = made.start(identifier)
    assert int(row["ports"]["22/tcp"][0]["HostPort"]) == login.port
    login.run("true")

    before = made.container(identifier).name
    assert made.verb("recycle", identifier).status == 200
    eventually("there is another container", lambda: made.row(identifier)["container_id"] not in (None, before), 60)
    row = made.until(identifier, "running")
    # Clients keep what they were told for ever (contract.md, section 9).
    assert int(row["ports"]["22/tcp"][0]["HostPort"]) == login.port
    hostname = made.container(identifier).inspect()["Config"]["Hostname"]
    eventually("the new one is logged into", lambda: login.run(
        "cat /etc/hostname", check=False).stdout.decode().strip() == hostname)

    made.destroy(identifier)
    eventually("nobody answers any more", lambda: not login.answers())
    eventually("no server is left", lambda: not servers(home, f"{identifier}/"))
    eventually("no file is left", lambda: not (home.data / f"agent/ssh/{identifier}").exists())


def test_a_server_that_ended_is_begun_again(home, new_login):
    identifier, login = new_login()
    # One that a login of before has to itself may be about to end.
    server, = eventually("it has one server", lambda: len(found := servers(home, f"{identifier}/")) == 1 and found)
    os.kill(server, signal.SIGKILL)
    eventually("another one", lambda: set(servers(home, f"{identifier}/")) - {server} and login.is_let_in())


def test_a_killed_agent_leaves_nothing(home, made, new_login):
    identifier, login = new_login()
    container = made.container(identifier)
    at_work = login.start("sleep 4321; echo over")
    eventually("its program runs", lambda: runs(container, "sleep 4321"))
    home.process.kill()
    at_work.wait(60)
    assert at_work.returncode == 255
    eventually("its program has ended", lambda: not runs(container, "sleep 4321"))
    eventually("its servers have ended", lambda: not servers(home))
    assert not login.answers()

    home.start()
    # The same host key: the client would refuse another one. The same port.
    eventually("it is logged into again", login.is_let_in)
    eventually("it has one server", lambda: len(servers(home, f"{identifier}/")) == 1)


def test_a_machines_host_key_is_one(made, login, new_login):
    def host_key(port):
        return run("ssh-keyscan", "-t", "ed25519", "-p", port, "127.0.0.1").stdout.split()[-1]

    _, other = new_login()
    assert host_key(other.port) == host_key(login.port)


# When the client is gone

@pytest.mark.parametrize("terminal", [False, True])
def test_a_program_ends_with_its_client(made, shared, login, terminal):
    container = made.container(shared)
    line = f"sleep 10{terminal:d}77"
    words = f"{line}; echo over"
    client = Screen(login, 24, 80, words) if terminal else login.start(words)
    eventually("it runs", lambda: runs(container, line))
    (client.process if terminal else client).kill()
    eventually("it has ended", lambda: not runs(container, line))
    eventually("its login has ended", lambda: not processes("ssh-session", f"/ssh/{shared}/"))
    if terminal:
        client.__exit__()
    else:
        client.wait()


@pytest.mark.parametrize("body", ["echo yes", "sleep 1"])
def test_a_shell_that_never_ends_keeps_no_login(made, new_login, body):
    """Before what was asked for, the container's own shell looks for the program: it is the tenant's."""
    identifier, login = new_login()
    container = made.container(identifier)
    container.shell(f"rm /usr/bin/sh; echo -e '#!/usr/bin/bash\nwhile :; do {body}; done' >/usr/bin/sh; chmod 755 /usr/bin/sh")
    client = login.start("-s", "sftp")
    eventually("it is asked", lambda: runs(container, "/sftp-server"))
    client.kill()
    client.wait()
    eventually("its login has ended", lambda: not processes("ssh-session", f"/ssh/{identifier}/"))
    eventually("the shell has ended", lambda: not runs(container, "/sftp-server"))
    client.stdout.close()
    client.stderr.close()


def test_a_program_ends_when_nobody_takes_its_output(made, shared, login):
    with login.start("while :; do echo y; done") as client:
        assert client.stdout.read(2) == b"y\n"
        client.stdout.close()
        client.wait(60)
    eventually("it has ended", lambda: not runs(made.container(shared), "echo y"))


def test_what_ignores_a_hang_up_stays(made, shared, login):
    container = made.container(shared)
    client = login.start("trap '' HUP; exec sleep 7654")
    eventually("it runs", lambda: runs(container, "sleep 7654"))
    client.kill()
    client.wait()
    eventually("its login has ended", lambda: not processes("ssh-session", f"/ssh/{shared}/"))
    assert runs(container, "sleep 7654")
    for line in programs(container):
        pid, _, words = line.strip().partition(" ")
        if "sleep 7654" in words:
            os.kill(int(pid), signal.SIGKILL)


# Files

@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large"
    path.write_bytes(os.urandom(1 << 20) * MEGABYTES)
    return path


def same(one, other):
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in (one, other)]
    return digests[0] == digests[1]


@pytest.mark.parametrize("way", ["scp", "scp -O", "rsync"])
def test_a_hundred_megabytes_as_a_file(made, new_login, large, tmp_path, way):
    program, *options = way.split()
    identifier, login = new_login()
    container = made.container(identifier)
    if way != "scp":  # which needs nothing in the image
        lend(container, program)
    login.copy(*options, large, login.remote("/root/there"), program=program)
    login.copy(*options, login.remote("/root/there"), tmp_path / "back", program=program)
    assert same(large, tmp_path / "back")
    assert login.says("ls -A /tmp; ls /root") == "onstart.sh\nthere\n"


def test_sftp_is_the_containers_own_tree(made, shared, login, tmp_path):
    batch = tmp_path / "batch"
    batch.write_text("cd /\nls -1\n")
    done = run("sftp", "-q", "-b", batch, "-P", login.port, *login.options, "root@127.0.0.1")
    listed = {line for line in done.stdout.decode().split() if line.startswith("/") or line.isalpha()}
    assert "workspace" in {name.strip("/") for name in listed}
    assert login.says("ls -A /tmp") == ""


def test_a_key_that_comes_and_goes_while_the_instance_is_stopped(home, key, tmp_path):
    made = Instances(home)
    identifier = made.create(runtype="ssh", onstart="true")
    made.stop(identifier)
    late = new_key(tmp_path, "late")
    added = home.request("POST", "/api/v0/ssh/", body={"ssh_key": public(late)})
    assert added.status == 200, added
    made.start(identifier)
    login = Login(made.row(identifier), late, tmp_path).wait()
    eventually("the new key is let in", login.is_let_in)
    made.stop(identifier)
    assert home.request("DELETE", f"/api/v0/ssh/{added.json['key']['id']}/", body={}).status == 200
    made.start(identifier)
    eventually("the removed key is let in no more", lambda: not login.is_let_in())
    assert Login(made.row(identifier), key, tmp_path).wait().is_let_in()
    made.destroy(identifier)
