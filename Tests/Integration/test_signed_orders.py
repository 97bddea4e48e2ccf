"""Orders are the machine's own server's, for this machine and this attachment, once; whoever sits between them can only be in the way
(docs/security.md, P26, P27)."""

import json
import re
import stat

import pytest

from harness import http, signing
from harness.between import Between
from harness.boathook import BIN
from harness.busy import fill
from harness.engine import run
from harness.impostor import Machine, Server
from harness.waiting import eventually

FORGED = re.compile(r'event="link broken" error="(line \d+ of the link (?:is not signed|says that it is line)[^"]*)"')


@pytest.fixture
def fleet(start_fleet):
    return start_fleet()


@pytest.fixture
def tapped(start_fleet):
    """A fleet whose agent reaches its server through somebody else."""
    return start_fleet(between=Between)


@pytest.fixture
def container(new_container):
    made = new_container()
    made.shell("touch /home/wanted /home/spared")
    return made


def admin(fleet, *words, check=True):
    return run(BIN / "boathook", "admin", words[0], "--data-dir", fleet.data, *words[1:], check=check)


def refusals(fleet):
    """What the agent has said so far of lines that it did not take."""
    return FORGED.findall(fleet.agent.log.read_text())


class once:
    """Of all lines with `word`, the first becomes what `change` makes of it; `line` is how it was."""

    def __init__(self, change, word=b"run_command"):
        self.change, self.word, self.line = change, word, None

    def __call__(self, line):
        if self.line is None and self.word in line:
            self.line = line
            return self.change(line)
        return [line]


def removed(container, name):
    return not (container.merged / "home" / name).exists()


def other_bit(line, place):
    return line[:place] + bytes([line[place] ^ 1]) + line[place + 1:]


CHANGES = {
    "another operand": lambda line: line.replace(b"home/wanted", b"home/spared"),
    "more time": lambda line: re.sub(rb'"start_within_ms":\d', b'"start_within_ms":9', line),
    "its last byte": lambda line: other_bit(line, len(line) - 1),
    "a bit of the signature": lambda line: other_bit(line, line.index(b" ") + 30),
    "its number": lambda line: b"9" + line,
    "no signature": lambda line: line.split(b" ", 2)[2],
    "a blank more": lambda line: line + b" ",
}


def test_an_order_that_was_changed_is_not_run(tapped, container):
    instance = tapped.instance_id(container)
    for name, change in CHANGES.items():
        container.shell("touch /home/wanted")
        links, said = tapped.between.links, len(refusals(tapped))
        tapped.between.change = once(lambda line: [change(line)])
        order = tapped.put_command(instance, "rm home/wanted").json["command_id"]
        # What comes to its end is the order as the server gave it, on the next link.
        row = tapped.final(order)
        assert (row["state"], row["exit_code"]) == ("exited", 0), (name, row)
        assert change(tapped.between.change.line) != tapped.between.change.line, name
        assert tapped.between.links == links + 1 and len(refusals(tapped)) == said + 1, name
        assert removed(container, "wanted") and not removed(container, "spared"), name
    # The control: who changes nothing is not noticed.
    links = tapped.between.links
    tapped.between.change = once(lambda line: [line])
    assert tapped.run(instance, "ls home")[1]["exit_code"] == 0
    assert tapped.between.change.line and tapped.between.links == links


def test_an_order_is_good_once(tapped, container):
    """The same line twice on one link; and an old one on a later link, as it was and with the number that fits."""
    instance = tapped.instance_id(container)
    tapped.between.change = old = once(lambda line: [line, line])
    order = tapped.put_command(instance, "rm home/wanted").json["command_id"]
    assert tapped.final(order)["exit_code"] == 0
    eventually("the second one is refused", lambda: len(refusals(tapped)) == 1)
    assert "says that it is line" in refusals(tapped)[0]

    container.shell("touch /home/wanted")
    numbered = b"1 " + old.line.split(b" ", 1)[1]
    for count, again in enumerate((old.line, numbered, re.sub(rb'"command_id":\d+', b'"command_id":999', numbered)), 2):
        tapped.between.change = once(lambda line: [line, again], b'"type":"welcome"')
        tapped.between.cut()
        eventually("it is refused", lambda: len(refusals(tapped)) == count, 60)
        assert tapped.run(instance, "ls home")[1]["exit_code"] == 0
    assert not removed(container, "wanted")


def test_an_order_of_somebody_else_is_not_run(tapped, container):
    instance = tapped.instance_id(container)
    tapped.between.change = seen = once(lambda line: [line])
    assert tapped.run(instance, "rm home/wanted")[1]["exit_code"] == 0
    stranger = signing.Signer()
    machine = json.loads((tapped.agent_data / "machine.json").read_text())["machine_id"]
    genuine = json.loads(seen.line.split(b" ", 2)[2])
    order = json.dumps({**genuine, "command_id": 777, "argv": ["rm", "home/spared"]}).encode()

    def signed(line):
        number = int(line.split(b" ")[0]) + 1
        return stranger.line(number, order, machine, tapped.between.agent_nonce, tapped.between.server_nonce)

    injected = {
        "nothing but an order": lambda line: [line, order],
        "signed with another key": lambda line: [line, signed(line)],
        "signed as another order": lambda line: [line, b" ".join([*seen.line.split(b" ", 2)[:2], order])],
    }
    for count, (name, change) in enumerate(injected.items(), 1):
        tapped.between.change = once(change)
        # The honest order before it is run.
        assert tapped.run(instance, "ls home")[1]["exit_code"] == 0, name
        eventually(f"refused: {name}", lambda: len(refusals(tapped)) == count)
        tapped.between.wait_for_links(count + 1)
    assert not removed(container, "spared")
    # The control: the machine's own server may say just that.
    assert tapped.run(instance, "rm home/spared")[1]["exit_code"] == 0 and removed(container, "spared")


def test_no_order_can_be_left_out_or_moved(tapped, container):
    instance = tapped.instance_id(container)
    tapped.between.change = once(lambda line: [])
    lost = tapped.put_command(instance, "rm home/wanted").json["command_id"]
    # The next line, a heartbeat at the latest, tells that one is missing.
    assert tapped.final(lost)["exit_code"] == 0 and len(refusals(tapped)) == 1

    held = []

    def swap(line):
        if b"run_command" not in line or len(held) == 2:
            return [line]
        held.append(line)
        return [] if len(held) == 1 else held[::-1]

    tapped.between.change = swap
    orders = [tapped.put_command(instance, "ls home").json["command_id"] for _ in range(2)]
    assert [tapped.final(order)["exit_code"] for order in orders] == [0, 0]
    # Three, if a heartbeat came between the two.
    assert len(held) == 2 and len(refusals(tapped)) >= 2


def test_a_machine_joins_the_server_of_its_token_alone(fleet, engine, tmp_path):
    """Somebody else answers; the token's key was changed on its way; and it is no token at all."""
    other = Server()
    try:
        token = signing.Signer().join_token()
        done = join(other.url, engine, tmp_path, token)
        assert done.returncode != 0 and b"not signed by the server that the join token is from" in done.stderr
        assert [path for path, _ in other.asked] == ["/agent/v1/join"]
        token = admin(fleet, "join-token").stdout.decode().strip()
        changed = token.split(".")[0] + "." + other.token.split(".")[1]
        done = join(fleet.url, engine, tmp_path, changed)
        assert done.returncode != 0 and b"401" in done.stderr
        for none in (token.split(".")[0], token + "A", token[:-1], "t", token.replace(".", ":")):
            done = join(other.url, engine, tmp_path, none)
            assert done.returncode != 0 and b"--join" in done.stderr
        assert len(other.asked) == 1 and not (tmp_path / "data/machine.json").exists()
        # The control: the token itself is still good.
        Machine(fleet.url, token)
    finally:
        other.end()


def join(url, engine, folder, token):
    return run(
        BIN / "boathook", "agent", "--server", url, "--data-dir", folder / "data", "--engine", engine.url, f"--join={token}",
        check=False, timeout=60)


def test_a_server_with_another_key_is_not_obeyed(start_fleet, container):
    """It has the whole database, the machine's token in it; but not the key."""
    fleet = start_fleet("--writer-start-seconds", "600")
    instance = fleet.instance_id(container)
    fleet.server.terminate()
    key = (fleet.data / "server.key").read_bytes()
    (fleet.data / "server.key").unlink()
    fleet.start_server()
    assert (fleet.data / "server.key").read_bytes() != key
    order = fleet.put_command(instance, "rm home/wanted").json["command_id"]
    said = len(refusals(fleet))
    eventually("it is refused again and again", lambda: len(refusals(fleet)) >= said + 2, 60)
    assert not removed(container, "wanted") and fleet.command(order)["final"] is False
    assert fleet.agent.is_alive
    # The control: with its key, it is the machine's server again.
    fleet.server.terminate()
    (fleet.data / "server.key").write_bytes(key)
    fleet.start_server()
    assert fleet.final(order)["exit_code"] == 0 and removed(container, "wanted")


def test_the_servers_key_is_its_own(fleet, tmp_path):
    path = fleet.data / "server.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = {signing.key_of(admin(fleet, "join-token").stdout.decode()) for _ in range(2)}
    admin(fleet, "backup", str(tmp_path / "copy"))
    assert not list((tmp_path / "copy").rglob("server.key*")) and list((tmp_path / "copy").rglob("boathook.db"))
    fleet.server.terminate()
    fleet.start_server()
    assert keys == {signing.key_of(admin(fleet, "join-token").stdout.decode())}
    fleet.server.terminate()
    text = path.read_text()
    for mode, content in ((0o640, text), (0o604, text), (0o620, text), (0o600, ""), (0o600, text[:20]), (0o600, "x" * 43)):
        path.write_text(content)
        path.chmod(mode)
        for verb in (("server", "--listen", "127.0.0.1:0"), ("admin", "join-token")):
            done = run(BIN / "boathook", *verb, "--data-dir", fleet.data, check=False, timeout=60)
            assert done.returncode != 0 and done.stdout == b"" and b"server.key" in done.stderr, (oct(mode), content, done)
            assert path.read_text() == content
    path.unlink()
    (fleet.folder / "elsewhere").write_text(text)
    path.symlink_to(fleet.folder / "elsewhere")
    done = run(BIN / "boathook", "admin", "join-token", "--data-dir", fleet.data, check=False)
    assert done.returncode != 0 and b"server.key" in done.stderr


def test_a_machine_that_knows_no_key_takes_no_orders(fleet):
    fleet.agent.terminate()
    path = fleet.agent_data / "machine.json"
    kept = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def start():
        return run(
            BIN / "boathook", "agent", "--server", fleet.url, "--data-dir", fleet.agent_data, "--engine", fleet.engine.url,
            check=False, timeout=60)

    without = {name: value for name, value in kept.items() if name != "server_key"}
    for content in (without, {**kept, "server_key": ""}, {**kept, "server_key": kept["server_key"][:-1]}):
        path.write_text(json.dumps(content))
        done = start()
        assert done.returncode != 0 and b"join again" in done.stderr, done
    path.write_text(json.dumps(kept))
    path.chmod(0o644)
    done = start()
    assert done.returncode != 0 and b"machine.json" in done.stderr
    path.chmod(0o600)
    fleet.start_agent()


def test_a_revoked_machine_is_out(fleet, new_container, frozen_tool):
    container = fill(new_container())
    instance = fleet.instance_id(container)
    running, _ = frozen_tool(fleet, container, "du -a home")
    machine = json.loads((fleet.agent_data / "machine.json").read_text())
    number = str(machine["machine_id"])
    line = next(line for line in admin(fleet, "show-machines").stdout.decode().splitlines() if f"id={number} " in line)
    assert line.endswith("revoked=never")
    admin(fleet, "revoke-machine", number)
    # From the verb on, whether the server has seen it or not.
    assert http.request(fleet.url, "POST", "/agent/v1/reports", key=machine["machine_token"], body=[]).status == 401
    eventually("its link is closed", lambda: 'event="link closed by the server"' in fleet.agent.log.read_text())
    row = fleet.final(running)
    assert (row["state"], row["note"]) == ("lost", "its machine was revoked by the operator")
    assert fleet.put_command(instance, "ls").status in (400, 404) and fleet.instances() == []
    eventually("it is refused at the door", lambda: "the server answered 401" in fleet.agent.log.read_text())
    assert "revoked=never" not in admin(fleet, "show-machines").stdout.decode()
    for none in (number, "999"):
        assert admin(fleet, "revoke-machine", none, check=False).returncode != 0
    # Its host is not shut out: it joins as another machine.
    fleet.agent.terminate()
    (fleet.agent_data / "machine.json").unlink()
    fleet.start_agent("--join=" + admin(fleet, "join-token").stdout.decode().strip())
    again = fleet.instance_id(container)
    assert again > instance and fleet.run(again, "ls home")[1]["exit_code"] == 0
    assert json.loads((fleet.agent_data / "machine.json").read_text())["machine_id"] > machine["machine_id"]


def test_the_servers_own_machine_is_not_revoked(start_up):
    up = start_up()
    number = re.match(rb"id=(\d+) ", up.admin("show-machines").stdout)[1].decode()
    done = run(BIN / "boathook", "admin", "revoke-machine", number, "--data-dir", up.data, check=False)
    assert done.returncode != 0 and b"no machine" in done.stderr
