"""The command line: exit codes, JSON, terminals, the name `vastai`."""

import json
import os
import pty
import resource
import select
import signal
import subprocess
import time

import pytest

from harness import jailed
from harness.boathook import BIN
from harness.reference import gnu


@pytest.fixture
def instance(up, running):
    return str(up.instance_id(running))


def on_a_terminal(words, environment, timeout=60):
    """Runs a command with a terminal on its standard output: what the terminal gets, and the status."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(word) for word in words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    return shown, process.wait(timeout)


# Exit codes

def test_exit_status_is_the_commands_own(up, either):
    identifier = str(up.instance_id(either))
    for command in ("ls -l home", "ls nowhere", "rm nowhere", "du nowhere"):
        done = up.cli("execute", identifier, command)
        expected = gnu(either, *command.split())
        assert done.returncode == expected[2]
        assert done.stdout == expected[0]
        assert done.stderr == expected[1]


def test_124_when_its_time_is_over(up, many_files):
    identifier = str(up.instance_id(many_files))
    for _ in range(10):
        process = subprocess.Popen(
            [BIN / "boathook", "execute", identifier, "du -a many", "--timeout", "1"], env=up.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        frozen = jailed.freeze(up.process.pid, "du")
        _, errors = process.communicate(timeout=60)
        if frozen:
            break
    assert frozen, "the command was always over before it could be stopped"
    assert process.returncode == 124 and errors


@pytest.mark.parametrize("command", ["rm -rf /", "cat /etc/passwd", "ls; reboot", "ls --no-such-option"])
def test_125_when_it_is_refused(up, instance, command):
    done = up.cli("execute", instance, command)
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr


def test_125_for_an_absent_instance_and_a_wrong_key(up, instance):
    assert up.cli("execute", "99999999", "ls").returncode == 125
    wrong = up.cli("execute", instance, "ls", BOATHOOK_API_KEY="wrong")
    assert wrong.returncode == 125 and b"key" in wrong.stderr.lower()
    assert up.key.encode() not in wrong.stderr


def test_a_refusal_is_json_for_programs(up, instance):
    for words, status, error in [
        (("execute", instance, "ls *.txt"), 125, "invalid_args"), (("execute", instance, "rm -r /", "--dry-run"), 125, None),
        (("execute", "99999999", "ls"), 125, "not_found"), (("show", "command", "99999999"), 1, "not_found"),
        (("logs", "99999999"), 125, "invalid_id"), (("delete", "env-var", "NO_SUCH"), 1, "invalid_args"),
    ]:
        plain, done = up.cli(*words), up.cli(*words, "--json")
        assert (plain.returncode, done.returncode) == (status, status) and plain.stderr == done.stderr, (words, plain, done)
        if error:
            reply = json.loads(done.stdout)
            assert (plain.stdout, reply["success"], reply["error"]) == (b"", False, error)
            assert reply["msg"].encode() in done.stderr
    refused = json.loads(up.cli("--json", "execute", instance, "ls *.txt").stdout)["denial"]
    assert refused["code"] == "glob" and refused["message"]
    wrong = up.cli("show", "instances", "--json", BOATHOOK_API_KEY="wrong")
    assert wrong.returncode == 125 and json.loads(wrong.stdout)["error"] == "auth_error"
    nobody = up.cli("show", "instances", "--json", BOATHOOK_URL="http://127.0.0.1:9")
    assert (nobody.returncode, nobody.stdout) == (125, b"") and nobody.stderr


def test_125_when_no_server_answers(up, instance):
    done = up.cli("execute", instance, "ls", BOATHOOK_URL="http://127.0.0.1:9")
    assert done.returncode == 125 and b"127.0.0.1:9" in done.stderr


def test_wrong_usage_is_not_a_commands_status(up):
    for words in (["execute"], ["execute", "abc", "ls"], ["nonsense"], ["execute", "1", "ls", "--nonsense"]):
        done = up.cli(*words)
        assert done.returncode == 64 and done.stderr and not done.stdout, words


def test_words_that_are_not_utf8_are_refused(up, new_container, tmp_path):
    """Repaired, they would name another file."""
    container = new_container()
    container.shell("touch home/\ufffd $'home/\\xff'")
    identifier = str(up.instance_id(container))
    for words in (["execute", identifier, "--", "rm", b"home/\xff"], ["execute", identifier, b"rm home/\xff"]):
        done = subprocess.run([BIN / "boathook", *words], env=up.environment(), capture_output=True, timeout=30)
        assert (done.returncode, done.stdout) == (64, b"") and rb"home/\xff" in done.stderr, done
        assert f"argument {len(words)} ".encode() in done.stderr
    assert {"\ufffd".encode(), b"\xff"} <= set(container.exec("ls", "home").stdout.splitlines())
    folder = os.fsencode(tmp_path) + b"/\xff"
    done = subprocess.run([BIN / "boathook", "up", "--data-dir", folder], env=up.environment(), capture_output=True, timeout=30)
    assert done.returncode == 64 and os.listdir(tmp_path) == []


def test_help_of_what_the_owner_runs_is_whole(up):
    for words in (["up"], ["admin", "create-key"], ["policy", "explain"]):
        shown = up.cli("help", *words, check=True).stdout
        assert shown == up.cli(*words, "--help", check=True).stdout and b"USAGE" in shown, words
    assert b"--data-dir" in up.cli("help", "up", check=True).stdout


def test_help_of_every_verb(up):
    for words in ([], ["execute"], ["show"], ["show", "instances"], ["policy", "explain"], ["cancel"], ["set", "api-key"]):
        done = up.cli(*words, "--help")
        assert done.returncode == 0 and b"USAGE" in done.stdout.upper(), words


# Output

def test_json(up, instance):
    done = up.cli("execute", instance, "ls -d home nowhere", "--json")
    assert done.returncode == 2
    row = json.loads(done.stdout)
    assert row["stdout"] == "home\n" and row["exit_code"] == 2 and "nowhere" in row["stderr"]
    listed = json.loads(up.cli("show", "instances", "--json", check=True).stdout)
    assert instance in [str(row["id"]) for row in listed]
    assert json.loads(up.cli("show", "instances", "--raw", check=True).stdout)
    numbers = json.loads(up.cli("show", "instances", "-q", "--json", check=True).stdout)
    assert sorted(numbers) == sorted(row["id"] for row in listed)
    assert json.loads(up.cli("show", "instance", instance, "--json", check=True).stdout)["id"] == int(instance)
    command = json.loads(up.cli("show", "commands", "--json", check=True).stdout)[0]
    assert json.loads(up.cli("show", "command", str(command["id"]), "--json", check=True).stdout)["id"] == command["id"]


def test_tables_for_people(up, running, instance):
    shown = up.cli("show", "instances", check=True).stdout.decode()
    row = next(line for line in shown.splitlines() if running.name in line)
    assert instance in row.split() and "running" in row
    assert "ls" in up.cli("show", "commands", check=True).stdout.decode()


def test_detached(up, running, instance):
    done = up.cli("execute", instance, "ls -l home", "--detach", check=True)
    identifier = int(done.stdout.split()[-1])
    assert up.final(identifier)["state"] == "exited"
    assert "exited" in up.cli("show", "command", str(identifier), check=True).stdout.decode()


def test_cancel(up, many_files):
    command, _ = up.frozen(up.instance_id(many_files), "du -a many", timeout=300)
    assert up.cli("cancel", command).returncode == 0
    assert up.final(command)["state"] == "cancelled"


def test_ctrl_c_cancels_and_130_says_so(up, many_files):
    identifier, frozen = str(up.instance_id(many_files)), None
    for _ in range(10):
        process = subprocess.Popen(
            [BIN / "boathook", "execute", identifier, "du -a many", "--timeout", "300"], env=up.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        frozen = jailed.freeze(up.process.pid, "du")
        if frozen:
            break
        process.communicate(timeout=60)
    assert frozen, "the command was always over before it could be stopped"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and b"cancelled" in errors
    newest = up.request("GET", "/api/v0/commands/?limit=1").json["commands"][0]
    assert (newest["state"], newest["complete"]) == ("cancelled", False)


def test_a_terminal_gets_escapes_and_a_pipe_gets_the_bytes(up, new_container):
    container = new_container()
    container.shell(r"""mkdir /home/odd; touch $'/home/odd/\033[31mred' $'/home/odd/new\nline' $'/home/odd/\xff\xfe' $'/home/odd/caf\xc3\xa9' $'/home/odd/bell\a'""")
    identifier = str(up.instance_id(container))
    expected = container.exec("ls", "home/odd").stdout
    assert b"\033[31mred" in expected and b"new\nline" in expected and b"\xff\xfe" in expected

    piped = up.cli("execute", identifier, "ls home/odd", check=True)
    assert piped.stdout == expected
    shown, status = on_a_terminal([BIN / "boathook", "execute", identifier, "ls home/odd"], up.environment(TERM="xterm"))
    assert status == 0
    assert b"red" in shown and b"bell" in shown and "café".encode() in shown
    for control in (b"\033[31m", b"\a", b"\xff"):
        assert control not in shown, shown
    shown.replace(b"\r\n", b"\n").decode()  # all of it is UTF-8


def test_characters_that_come_in_pieces_are_whole_on_a_terminal(up, new_container):
    container = new_container()
    container.shell(f"mkdir home/many; for ((i = 0; i < 1000; i++)); do : >home/many/{'é✓漢字🦀' * 5}-$i; done")
    identifier = str(up.instance_id(container))
    expected = up.cli("execute", identifier, "ls home/many", check=True).stdout
    assert len(expected) > 65536 and expected == container.exec("ls", "home/many").stdout
    for more in ([], ["--follow"]):
        shown, status = on_a_terminal([BIN / "boathook", "execute", identifier, "ls home/many", *more], up.environment(TERM="xterm"))
        assert (status, shown.replace(b"\r\n", b"\n")) == (0, expected), more


def test_a_file_gets_the_bytes(up, many_files, tmp_path):
    target = tmp_path / "out"
    with target.open("wb") as file:
        subprocess.run(
            [BIN / "boathook", "execute", str(up.instance_id(many_files)), "ls -R many"], env=up.environment(), stdout=file, check=True,
            timeout=60,
        )
    assert target.read_bytes() == many_files.exec("ls", "-R", "many").stdout


def test_a_closed_pipe_ends_it_quietly(up, many_files):
    done = subprocess.run(
        ["bash", "-c", f'"{BIN}/boathook" execute {up.instance_id(many_files)} "ls -R many" | head -n 1'], env=up.environment(),
        capture_output=True, timeout=60,
    )
    assert done.stdout == b"many:\n" and b"rror" not in done.stderr


# Where it finds the server and the key

def test_flags_and_both_sets_of_variables(up, instance, tmp_path):
    bare = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    for words, more in [
        (["--url", up.url, "--api-key", up.key], {}),
        ([], {"BOATHOOK_URL": up.url, "BOATHOOK_API_KEY": up.key}),
        ([], {"VAST_URL": up.url, "VAST_API_KEY": up.key}),
        ([], {"VAST_URL": up.url + "/", "VAST_API_KEY": up.key}),
    ]:
        done = subprocess.run([BIN / "boathook", "execute", instance, "ls home", *words], env={**bare, **more}, capture_output=True, timeout=30)
        assert done.returncode == 0, done
        assert b"maria" in done.stdout


def test_set_api_key(up, instance, tmp_path):
    environment = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": os.environ["PATH"], "BOATHOOK_URL": up.url}
    subprocess.run([BIN / "boathook", "set", "api-key", up.key], env=environment, check=True, capture_output=True, timeout=30)
    files = [path for path in (tmp_path / "config/boathook").rglob("*") if path.is_file()]
    assert files and all(path.stat().st_mode & 0o077 == 0 for path in files)
    done = subprocess.run([BIN / "boathook", "execute", instance, "ls home"], env=environment, capture_output=True, timeout=30)
    assert done.returncode == 0, done


def test_a_key_is_kept_for_programs_too(up, tmp_path):
    environment = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "relative", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [BIN / "boathook", "--json", "set", "api-key", up.key], env=environment, check=True, capture_output=True, timeout=30, cwd=tmp_path)
    # A relative folder says nothing.
    path = tmp_path / ".config/boathook/api-key"
    assert json.loads(done.stdout) == {"path": str(path)} and path.read_text() == up.key + "\n"
    assert os.listdir(tmp_path) == [".config"]


def test_the_servers_own_key_leaves_no_machine(up, tmp_path):
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "BOATHOOK_DATA_DIR": str(up.data)}

    def show(url):
        return subprocess.run([BIN / "boathook", "show", "user", "--url", url], env=environment, capture_output=True, timeout=30)

    assert show(up.url).returncode == 0 and show(up.url.replace("127.0.0.1", "localhost")).returncode == 0
    # An address for documents (RFC 5737): nobody is asked.
    away = show("http://192.0.2.7:8787")
    assert away.returncode == 125 and b"no API key for http://192.0.2.7:8787" in away.stderr


def test_policy_explain_needs_no_server(tmp_path):
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    def explain(command):
        done = subprocess.run([BIN / "boathook", "policy", "explain", command], env=environment, capture_output=True, timeout=30)
        return (done.stdout + done.stderr).decode()

    assert "allow" in explain("ls -l -o -r").lower()
    refused = explain("rm -rf /")
    assert "root" in refused.lower() or "/" in refused
    piped = explain("ls -l | wc")
    assert "pipe" in piped.lower() and "6" in piped  # its byte position


def test_the_name_vastai(up, running, instance, tmp_path):
    link = tmp_path / "vastai"
    link.symlink_to(BIN / "boathook")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "VAST_URL": up.url, "VAST_API_KEY": up.key}
    done = subprocess.run([link, "execute", instance, "ls -l -o -r home"], env=environment, capture_output=True, timeout=30)
    assert done.returncode == 0, done
    assert done.stdout == running.exec("ls", "-l", "-o", "-r", "home").stdout
    rows = json.loads(subprocess.run([link, "show", "instances", "--raw"], env=environment, capture_output=True, timeout=30, check=True).stdout)
    assert running.name in [row["label"] for row in rows]
    # Under this name it is a client only.
    assert subprocess.run([link, "up", "--help"], env=environment, capture_output=True, timeout=30).returncode != 0


def test_it_starts_quickly(up):
    """The client alone, without Foundation's ICU data: a help page within a person's blink."""
    best = min(_timed(lambda: up.cli("--version")) for _ in range(10))
    assert best < 0.2, best


def _timed(action):
    """What a program takes of a processor, whatever else the machine does; and it waits for nothing."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    assert took < 10
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
