"""Policies: the verbs that explain and check them, the settings that choose them, the decisions that they make."""

import os
import subprocess

import pytest

from harness.boathook import BIN, Up
from harness.orders import denial, ended, order, output
from harness.policies import HEAD, document, explained, policy

SHIPPED = ["vast", "inspect", "diagnose"]
PROTECTED = [
    "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin",
    "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin", "/usr/local", "/var", "/var/lib",
]


@pytest.fixture(scope="module")
def inspecting(engine, tmp_path_factory):
    """A Boathook whose callers have the whole of `inspect`."""
    up = Up(engine, tmp_path_factory.mktemp("inspecting"), "--policy", "inspect")
    yield up
    up.process.terminate()
    up.process.end()


# The verbs

@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_is_shown_and_passes_its_own_check(name, tmp_path):
    shown = policy("show", name)
    assert shown.returncode == 0 and b"boathook_policy: 1\nname: " + name.encode() in shown.stdout
    path = tmp_path / "copy.yaml"
    # Its rules are its own: only under another name can it be a policy beside the shipped one.
    path.write_bytes(shown.stdout.replace(b"name: " + name.encode(), b"name: copy", 1))
    checked = policy("check", path)
    assert (checked.returncode, checked.stderr) == (0, b"")
    rules = policy("check", name).stdout.decode().split(": ", 1)[1].split(",", 1)[1]
    assert checked.stdout.decode() == f"{path}: policy copy,{rules}"
    assert explained("ls -l /", "--policy", path)["argv"] == explained("ls -l /", "--policy", name)["argv"]


def test_what_there_is_not(tmp_path):
    assert policy("show", "nothing").returncode == 64
    for name in ("nothing", tmp_path / "absent.yaml", tmp_path):
        checked = policy("check", name)
        assert checked.returncode == 1 and checked.stdout == b"" and b"vast, inspect, diagnose" in checked.stderr
    assert policy("explain", "--view", "nothing", "ls").returncode == 64
    assert policy("explain").returncode == 64


# The mark stands where the problem is; each document has one of them.
@pytest.mark.parametrize("text, message", [
    ("§surplus: 3\nextends: [vast]", "no key 'surplus'"),
    ("extends: §vast", "'extends' must be a list"),
    ("extends: §[vast, nothing]", "no policy 'nothing'"),
    ("rules: §{}", "'rules' must be a list"),
    ("rules:\n  - program: §nothing\n    options: []", "no tool 'nothing'"),
    ("rules:\n  - program: ls\n    §option: []\n    options: []", "no key 'option'"),
    ("rules:\n  - program: ls\n    options:\n      - names: §-a", "'names' must be a list"),
    ("rules:\n  - program: ls\n    options: []\n    limits: {memory_mib: §63}", "from 64 to 1048576"),
    ("rules:\n  - program: ls\n    options: []\n    limits: {wall_seconds: §soon}", "whole number"),
    ("rules:\n  - program: ls\n    options: []\n    limits: §{wall_seconds: 9, max_wall_seconds: 8}", "'wall_seconds' is more"),
    ("rules:\n  - use: §vast/nothing", "no rule 'vast/nothing'"),
    ("rules:\n  - program: ls\n    options: []\n  - §program: ls\n    options: []", "a rule named ls already"),
    ("rules: [§*unknown]", "alias"),
    ("rules:\n  - use: vast/ls\n    operands: {within: §[workspace]}", "'workspace' is no absolute path"),
    ("rules:\n  - use: vast/ls\n    §options: []", "no key 'options'"),
    ("rules:\n  - program: ps\n    runs: engine\n    options: §[]\n    forms: [[ps]]", "'options' is not for runs: engine"),
    ("rules:\n  - use: vast/ls\n    refuse: [§{names: [--nothing], because: it is not there}]", "--nothing"),
])
def test_a_problem_has_its_place(text, message, tmp_path):
    before, after = (HEAD + text).split("§")
    line, column = before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1
    path = tmp_path / "team.yaml"
    path.write_text(before + after + "\n")
    checked = policy("check", path)
    assert (checked.returncode, checked.stdout) == (1, b"")
    problem = checked.stderr.decode()
    assert problem.startswith(f"{path}:{line}:{column}: ") and problem.count("\n") == 1, problem
    assert message in problem


def test_all_problems_are_said_at_once(tmp_path):
    path = document(tmp_path, "surplus: 1\nrules:\n  - program: nothing\n    options: []\n  - use: nothing\n")
    places = [line.split(": ")[0] for line in policy("check", path).stderr.decode().splitlines()]
    assert places == [f"{path}:4:1", f"{path}:6:14", f"{path}:8:10"]


NONE = {
    "empty": "", "list": "[]", "text": "text", "nothing in it": HEAD, "no rules": HEAD + "rules: []\n",
    "deep": HEAD + "rules: " + "[" * 100_000, "large": "#" * (1 << 20) + "\n" + HEAD + "extends: [vast]\n",
    "two": HEAD + "extends: [vast]\n---\n" + HEAD + "extends: [vast]\n",
}


@pytest.mark.parametrize("kind", NONE)
def test_what_is_no_policy_is_refused(kind, tmp_path):
    path = tmp_path / "team.yaml"
    path.write_text(NONE[kind])
    checked = policy("check", path)
    assert (checked.returncode, checked.stdout) == (1, b"")
    place, blank, message = checked.stderr.decode().removeprefix(str(path)).partition(": ")
    assert blank and message and all(part.isdigit() for part in place.split(":")[1:]), checked.stderr[-200:]


def test_a_policy_that_cannot_be_read_denies_nothing(tmp_path):
    """Whoever asks by the exit status must not take a broken file for an answer."""
    path = document(tmp_path, "rules: []\n")
    denied = policy("explain", "reboot")
    for name in ("nothing", path):
        assert policy("explain", "--policy", name, "ls").returncode not in (0, denied.returncode)


def test_aliases_do_not_explode(tmp_path):
    lines = ["k0: &k0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]" for n in range(1, 12)]
    path = document(tmp_path, "\n".join(lines) + "\nrules: *k11\n")
    assert policy("check", path, timeout=60).returncode == 1  # 9 to the 12th is more than anybody can wait for


def test_explain_shows_what_holds_a_command():
    told = policy("explain", "rm -r workspace/old")
    text = told.stdout.decode()
    assert told.returncode == 0 and text.startswith("allowed by rule vast/rm\n")
    for part in ("0: rm", "2: workspace/old", "nosuid, nodev, noexec, noatime, rw", "DAC_OVERRIDE, FOWNER", "seccomp: allow-list of writers",
                 "pid, mount, ipc, uts, cgroup, net", "60 s in all", "1 GiB of memory"):
        assert part in text, part
    refused = policy("explain", "rm -rf 'a b' /usr")
    assert refused.returncode == 1
    first, _, shown, carets, *_ = refused.stdout.decode().splitlines()
    assert first == "denied by rule vast/rm: protected_operand"
    assert carets.index("^") == shown.index("/usr") and "at byte 13" in carets


def test_explain_narrows_as_a_key_does():
    bound = explained("ls /workspace/a", "--path", "/workspace//./x/..", "--path", "/srv")
    assert bound["paths"] == ["/srv", "/workspace"]
    assert explained("ls /etc", "--path", "/workspace")["denial"]["code"] == "path_not_allowed"
    assert explained("ls /workspace-2", "--path", "/workspace")["denial"]["code"] == "path_not_allowed"
    assert explained("rm -r home/a", "--read-only")["denial"]["code"] == "writes_not_granted"
    assert explained("rm -r home/a", "--view", "writable")["denial"]["code"] == "view_not_allowed"
    assert explained("du home", "--view", "writable")["view"] == "writable"


# The settings

def started(verb, *flags, folder, **environment):
    """Tries to start; whatever comes of it, its exit status and standard error."""
    words = {
        "server": ["--data-dir", folder / "data", "--listen", "127.0.0.1:0", "--public-url", "http://127.0.0.1:1"],
        "agent": ["--data-dir", folder / "data"],
        "up": ["--data-dir", folder / "data", "--listen", "127.0.0.1:0"],
    }[verb]
    done = subprocess.run(
        [str(word) for word in (BIN / "boathook", verb, *words, *flags)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
        env={"PATH": os.environ["PATH"], **environment})
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.parametrize("verb, setting", [
    ("server", "policy"), ("up", "policy"), ("agent", "machine_policy"), ("up", "machine_policy"),
])
def test_a_file_that_is_wrong_stops_the_start(verb, setting, engine, start_up, tmp_path):
    path = document(tmp_path, "rules:\n  - program: ls\n    optoins: []\n")
    flags = ["--engine", engine.url] if verb != "server" else []
    if verb == "agent":
        server = start_up()
        token = server.admin("join-token").stdout.decode().strip()
        flags += ["--server", server.url, f"--join={token}"]
    flag = "--" + setting.replace("_", "-")
    for given, environment in ([[flag, path], {}], [[], {f"BOATHOOK_{setting.upper()}": str(path)}]):
        status, said, problem = started(verb, *flags, *given, folder=tmp_path, **environment)
        assert status not in (0, None) and said == b"", (status, said)
        assert f"{path}:6:5: " in problem and "optoins" in problem, problem
    status, said, problem = started(verb, *flags, flag, "nothing", folder=tmp_path)
    assert status != 0 and said == b"" and "vast, inspect, diagnose" in problem, problem


def test_the_settings_are_in_the_file_too(start_up, running, tmp_path):
    document(tmp_path, "rules:\n  - use: vast/du\n", name="own.yaml")
    wrong = document(tmp_path, "rules: 1\n", name="wrong.yaml")
    settings = tmp_path / "boathook.yaml"
    settings.write_text(f"policy: {tmp_path}/own.yaml\nmachine_policy: vast\n")
    up = start_up("--config", settings)
    instance = up.instance_id(running)
    assert denial(up, instance, "ls")["code"] == "unknown_program"
    assert ended(up, instance, "du -s home")["exit_code"] == 0
    settings.write_text(f"policy: {wrong}\n")
    status, _, problem = started("server", "--config", settings, folder=tmp_path)
    assert status != 0 and f"{wrong}:4:8: " in problem


def test_the_policy_is_that_of_the_start(start_up, running, tmp_path):
    path = document(tmp_path, "rules:\n  - use: vast/ls\n")
    up = start_up("--policy", path)
    instance = up.instance_id(running)
    assert output(up, instance, "ls home") == running.exec("ls", "home").stdout
    path.write_text("this is no policy")
    assert denial(up, instance, "du home")["code"] == "unknown_program"
    assert output(up, instance, "ls home") == running.exec("ls", "home").stdout


def test_a_machine_narrows_what_its_server_allows(start_fleet, new_container, tmp_path):
    container = new_container()
    container.shell("mkdir -p /workspace/d; touch /workspace/d/kept; echo text >/workspace/note")
    path = document(tmp_path, "rules:\n  - use: inspect/cat\n  - use: vast/ls\n    operands: {within: [/workspace]}\n    limits: {output_mib: 1}\n")
    fleet = start_fleet("--policy", "inspect", agent_flags=("--machine-policy", path))
    instance = fleet.instance_id(container)
    assert output(fleet, instance, "ls /workspace") == b"d\nnote\n"
    assert output(fleet, instance, "cat workspace/note") == b"text\n"
    for command, reason in (
        ("rm -r workspace/d", "rm is not one of the programs"), ("du workspace", "du is not one of the programs"),
        ("ls /etc", "outside of what may be reached"), ("grep text workspace/note", "grep is not one of the programs"),
    ):
        row = ended(fleet, instance, command)
        assert (row["state"], row["exit_code"], row["output_bytes"] or 0) == ("denied", None, 0), row
        assert row["note"].startswith("refused by the machine: ") and reason.split()[0] in row["note"], row["note"]
        explanation = fleet.result(order(fleet, instance, command).json["result_url"]).body.decode()
        assert "refused by the machine" in explanation
    preview = ended(fleet, instance, "rm -r workspace/d", dry_run=True)
    assert preview["state"] == "denied" and preview["removal"] is None
    assert container.exec("ls", "/workspace/d").stdout == b"kept\n"


def test_a_machine_widens_nothing(start_fleet, running):
    fleet = start_fleet("--policy", "vast", agent_flags=("--machine-policy", "diagnose"))
    for command in ("cat /etc/passwd", "ps aux", "find /"):
        assert denial(fleet, fleet.instance_id(running), command)["code"] == "unknown_program"


def test_a_machine_has_its_own_bounds(start_up, new_container, tmp_path):
    """Paths of the machine's own policy hold through links, and its limits count as well."""
    container = new_container()
    container.shell("mkdir /workspace/in; echo out >/srv/secret; ln -s /srv /workspace/in/link; touch /workspace/in/a")
    path = document(tmp_path, "rules:\n  - use: inspect/cat\n    operands: {within: [/workspace]}\n    limits: {output_mib: 1}\n  - use: vast/ls\n    operands: {within: [/workspace]}\n")
    up = start_up("--policy", "inspect", "--machine-policy", path)
    instance = up.instance_id(container)
    row = ended(up, instance, "cat workspace/in/link/secret")
    assert row["exit_code"] == 1 and "No such file" in row["stderr"] and row["stdout"] == ""
    row = ended(up, instance, "ls -LR workspace")
    assert "secret" not in row["stdout"] and "workspace/in:\n" in row["stdout"]
    container.shell("head -c 5000000 /dev/zero >/workspace/in/a")
    row = ended(up, instance, "cat workspace/in/a")
    assert (row["state"], row["output_bytes"]) == ("signalled", 1 << 20) and "limit of 1048576 bytes" in row["note"]


def test_a_rule_without_volumes(start_up, new_container, tmp_path):
    """A server's rule holds on the machine, whose own policy would attach them."""
    path = document(tmp_path, "rules:\n  - program: ls\n    volumes: false\n    options: [{letters: R}]\n")
    up = start_up("--policy", path)
    container = new_container("--volume", "/workspace/volume")
    container.shell("touch /workspace/volume/kept /workspace/beside")
    row = ended(up, up.instance_id(container), "ls -R workspace")
    assert row["decision"]["volumes"] is False
    assert row["stdout"] == "workspace:\nbeside\nvolume\n\nworkspace/volume:\n"


# Decisions

READER = {
    "mounts": ["nosuid", "nodev", "noexec", "noatime", "ro"], "capabilities": ["DAC_OVERRIDE"], "seccomp": "allow-list of readers",
    "namespaces": ["pid", "mount", "ipc", "uts", "cgroup", "net"],
}
WRITER = {
    **READER, "mounts": ["nosuid", "nodev", "noexec", "noatime", "rw"], "capabilities": ["DAC_OVERRIDE", "FOWNER"],
    "seccomp": "allow-list of writers",
}
LIMITS = {"wall_seconds": 60, "max_wall_seconds": 86400, "memory_bytes": 1 << 30, "output_bytes": 64 << 20}


def test_the_decision_of_a_reader(inspecting, running):
    instance = inspecting.instance_id(running)
    dry = order(inspecting, instance, "grep -n root 'etc/passwd'", dry_run=True).json
    assert dry == {"success": True, "decision": {
        "verdict": "allow", "policy": "inspect", "rule": "inspect/grep", "command": "grep -n root 'etc/passwd'",
        "argv": ["grep", "-n", "root", "etc/passwd"], "writes": False, "backend": "jail", "view": "merged", "volumes": True,
        "guards": [], "limits": LIMITS, "kernel": READER,
    }}
    assert ended(inspecting, instance, "grep -n root 'etc/passwd'")["decision"] == dry["decision"]


def test_the_decision_of_a_writer(inspecting, new_container):
    container = new_container()
    container.shell("touch /home/gone")
    row = ended(inspecting, inspecting.instance_id(container), "rm -f home/gone", timeout=7)
    assert row["decision"] == {
        "verdict": "allow", "policy": "inspect", "rule": "vast/rm", "command": "rm -f home/gone", "argv": ["rm", "-f", "home/gone"],
        "writes": True, "backend": "jail", "view": "merged", "volumes": True, "guards": ["home/gone"], "protected": PROTECTED,
        "limits": LIMITS, "kernel": WRITER,
    }


def test_the_decision_of_a_preview_is_that_of_a_reader(inspecting, new_container):
    container = new_container()
    decision = order(inspecting, inspecting.instance_id(container), "rm -r home/maria", dry_run=True).json["decision"]
    assert (decision["preview"], decision["writes"], decision["kernel"]) == (True, False, READER)


@pytest.mark.parametrize("view", ["merged", "writable"])
def test_the_view_is_in_the_decision(inspecting, running, view):
    instance = inspecting.instance_id(running)
    assert order(inspecting, instance, "du -s", view=view, dry_run=True).json["decision"]["view"] == view
    assert ended(inspecting, instance, "du -s etc", view=view)["decision"]["view"] == view


@pytest.mark.parametrize("body, field", [
    ({"view": "lower"}, "view"), ({"view": 1}, "view"), ({"plan": 0}, "plan"), ({"plan": "1"}, "plan"), ({"plan": True}, "plan"),
    ({"plan": 1.5}, "plan"), ({"dry_run": "yes"}, "dry_run"), ({"dry_run": 1}, "dry_run"), ({"timeout": 86401}, "timeout"),
])
def test_fields_of_another_type_are_refused(inspecting, running, body, field):
    answer = order(inspecting, inspecting.instance_id(running), "ls", **body)
    assert answer.status == 400 and answer.json["error"] == "invalid_args" and field in answer.json["msg"], answer


# The text, what of it is to blame, and what would be allowed.
DENIALS = [
    ("reboot now", "unknown_program", "reboot", None),
    ("ls --colour home", "unknown_option", "--colour", "ls --color home"),
    ("ls --recursiv home", "abbreviated_option", "--recursiv", "ls --recursive home"),
    ("ls -lZ home", "refused_option", "Z", "ls -l home"),
    ("head -n5x home", "bad_value", "5x", None),
    ("wc --files0-from=list", "refused_option", "--files0-from", None),
    ("tail -f 'a b'", "refused_option", "f", "tail 'a b'"),
    ("cat", "missing_operand", None, None),
    ("uniq a out", "too_many_operands", "out", "uniq a"),
    ("rm -rf a /", "root_operand", "/", None),
    ("rm -rf a/..", "root_operand", "a/..", None),
    ("rm -rf a/b/..", "dot_operand", "a/b/..", None),
    ("rm -rf /usr//./bin/", "protected_operand", "/usr//./bin/", None),
    ("rm ''", "empty_operand", "''", None),
    ("ls caf\u00e9 | wc", "pipe", "|", None),
    ("find home -exec rm {} +", None, None, None),
]


@pytest.mark.parametrize("command, code, token, nearest", DENIALS)
def test_a_denial_says_what_and_where(inspecting, running, command, code, token, nearest):
    instance = inspecting.instance_id(running)
    reason = denial(inspecting, instance, command)
    decision = order(inspecting, instance, command, dry_run=True).json["decision"]
    assert decision["denial"] == reason and (decision["verdict"], decision.get("limits"), decision.get("kernel")) == ("deny", None, None)
    assert decision == explained(command, "--policy", "inspect")
    if code is not None:
        assert (reason["code"], reason.get("token"), reason.get("nearest")) == (code, token, nearest)
    if "token" in reason:
        typed = command.encode()[reason["offset"]:]
        assert typed.startswith(reason["token"].encode()), (typed, reason)
    if "nearest" in reason:
        assert order(inspecting, instance, reason["nearest"], dry_run=True).json["decision"]["verdict"] == "allow"


def test_what_is_denied_is_not_stored(inspecting, running):
    before = inspecting.request("GET", "/api/v0/commands/").json["commands"]
    for command, *_ in DENIALS:
        for options in ({}, {"dry_run": True}):
            order(inspecting, inspecting.instance_id(running), command, **options)
    assert inspecting.request("GET", "/api/v0/commands/").json["commands"] == before


def test_explain_says_what_the_server_says(inspecting, running):
    instance = inspecting.instance_id(running)
    for command in ("ls -la home", "tail -n +2 etc/passwd", "find home -name '*.txt' -size +1k -print0", "sort -k 2,2n etc/passwd", "df -h /"):
        decision = order(inspecting, instance, command, dry_run=True).json["decision"]
        # How much is kept is the server's to say.
        assert decision["limits"].pop("output_bytes") == 64 << 20
        assert decision == explained(command, "--policy", "inspect")
