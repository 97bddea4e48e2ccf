"""`boathook up` as a process: one ready line, its files, its end, and its start after a kill."""

import pathlib
import stat
import subprocess

from harness import http
from harness.boathook import BIN, TERMINAL
from harness.engine import run
from harness.promptly import least_of
from harness.waiting import eventually


def test_its_files_are_for_their_owner_alone(start_up, running):
    up = start_up()
    up.run(up.instance_id(running), "ls")
    assert stat.S_IMODE((up.data / "admin.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(up.data.stat().st_mode) == 0o700
    for path in up.data.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            assert stat.S_IMODE(mode) & 0o077 == 0, path


def test_it_writes_one_line_and_ends_within_five_seconds(start_up):
    def end():
        up = start_up()
        assert up.process.ready == f"ready {up.url}"
        status, took = up.process.terminate(60)
        assert status == 0
        return took

    assert least_of(end, 5) < 5


def test_it_ends_in_time_with_a_command_running(start_up, many_files):
    def end():
        up = start_up()
        _, pid = up.frozen(up.instance_id(many_files), "du -a many")
        status, took = up.process.terminate(60)
        assert status == 0
        assert not pathlib.Path(f"/proc/{pid}/exe").exists()
        return took

    assert least_of(end, 5) < 5


def test_an_agent_whose_server_is_another_one_is_another_one(start_up, new_container):
    """What it made for the last server's instance of some number, and ran by the number of a command, is not the next one's."""
    up = start_up()
    name = up.data / "agent/agent-id"
    container = new_container()
    container.shell("mkdir /many; touch /many/{1..9}")
    first_file, second_file = container.exec("ls", "many").stdout.decode().split()[:2]
    _, former = up.run(up.instance_id(container), f"rm many/{first_file}")
    assert former["state"] == "exited"
    first = name.read_text()
    up.process.end()
    up.start()
    assert name.read_text() == first
    up.process.end()
    for path in up.data.glob("boathook.db*"):
        path.unlink()
    (up.data / "admin.key").unlink()
    up.start()
    second = name.read_text()
    assert second.split()[0] != first.split()[0] and second.split()[1] != first.split()[1]
    assert stat.S_IMODE(name.stat().st_mode) == 0o600
    _, row = up.run(up.instance_id(container), f"rm many/{second_file}")
    assert (row["id"], row["state"], row["exit_code"]) == (former["id"], "exited", 0), row
    assert second_file not in container.exec("ls", "many").stdout.decode().split()


def mounted():
    return pathlib.Path("/proc/self/mountinfo").read_text()


def test_killed_and_started_again_on_the_same_folder(start_up, running, many_files):
    mounts = mounted()
    up = start_up()
    key, instance = up.key, up.instance_id(running)
    done = up.put_command(instance, "ls home").json
    output = up.result(done["result_url"])
    other = up.instance_id(many_files)
    accepted = [up.put_command(other, "du -a many").json["command_id"] for _ in range(8)]

    up.process.kill()
    up.start()

    assert up.key == key and up.instance_id(running) == instance
    again = http.get(done["result_url"])
    assert (again.status, again.body, again.headers["etag"]) == (200, output.body, output.headers["etag"])
    assert {up.final(identifier)["state"] for identifier in accepted} <= {"exited", "lost"}
    assert up.run(instance, "ls home")[0] == output.body
    # The engine lets go of a stopped container's layers a moment after the last command's end.
    eventually("no mount is left", lambda: mounted() == mounts, every=0.2)


def test_killed_ten_times_in_a_row(start_up, running):
    up = start_up()
    instance = up.instance_id(running)
    accepted = []
    for _ in range(10):
        accepted += [up.put_command(instance, "ls -l home").json["command_id"] for _ in range(3)]
        up.process.kill()
        up.start()
    states = [up.final(identifier)["state"] for identifier in accepted]
    assert set(states) <= TERMINAL and len(set(accepted)) == 30


def test_a_second_one_on_the_same_folder_is_refused(start_up):
    up = start_up()
    second = run(
        BIN / "boathook", "up", "--data-dir", up.data, "--listen", f"127.0.0.1:{http.free_port()}",
        "--engine", up.engine.url, check=False, timeout=60,
    )
    assert second.returncode != 0 and second.stdout == b"" and second.stderr
    assert http.request(up.url, "GET", "/healthz").status == 200


def test_an_engine_that_is_not_there_is_said(tmp_path):
    done = run(
        BIN / "boathook", "up", "--data-dir", tmp_path / "data", "--listen", f"127.0.0.1:{http.free_port()}",
        "--engine", f"unix://{tmp_path}/none.sock", check=False, timeout=60,
    )
    assert done.returncode != 0 and b"none.sock" in done.stderr


def test_no_key_and_no_capability_in_the_log(start_up, running):
    up = start_up()
    answer = up.request("PUT", f"/api/v0/instances/command/{up.instance_id(running)}/?api_key={up.key}", body={"command": "ls"}, key=None)
    up.result(answer.json["result_url"])
    up.process.terminate()
    log = up.process.log.read_text()
    assert up.key not in log
    assert answer.json["result_url"].split("/results/")[1].split("-", 1)[1] not in log
    stored = b"".join(path.read_bytes() for path in up.data.rglob("*") if path.is_file() and path.name != "admin.key")
    assert up.key.encode() not in stored
    assert answer.json["result_url"].split("/results/")[1].split("-", 1)[1].encode() not in stored


def test_it_starts_in_an_empty_environment(engine, tmp_path):
    port = http.free_port()
    process = subprocess.Popen(
        [BIN / "boathook", "up", "--data-dir", tmp_path / "data", "--listen", f"127.0.0.1:{port}", "--engine", engine.url],
        env={}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout.readline() == f"ready http://127.0.0.1:{port}\n".encode()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert (tmp_path / "data/admin.key").exists()


def test_a_backup_restored_never_runs_what_was_open_in_it(start_up, new_container, many_files, tmp_path):
    container = new_container()
    container.shell("mkdir /home/target; touch /home/target/one")
    up = start_up()
    instance, busy = up.instance_id(container), up.instance_id(many_files)
    done = up.put_command(instance, "ls home").json
    output = up.result(done["result_url"])
    reading, _ = up.frozen(busy, "du -a many")
    copy = tmp_path / "copy"
    run(BIN / "boathook", "admin", "backup", copy, "--data-dir", up.data)
    assert run(BIN / "boathook", "admin", "backup", copy, "--data-dir", up.data, check=False).returncode != 0
    up.process.terminate()

    restored = tmp_path / "restored"
    told = run(BIN / "boathook", "admin", "restore", copy, "--data-dir", restored).stdout
    assert b"1 open commands ended as lost" in told
    again = start_up(data=restored, key=up.key)
    row = again.request("GET", f"/api/v0/commands/{reading}/").json
    assert row["state"] == "lost" and "backup" in row["note"]
    kept = again.request("GET", f"/api/v0/commands/{done['command_id']}/output")
    assert (kept.status, kept.body) == (200, output.body)
