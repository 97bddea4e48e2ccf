"""How long results are kept: to a size, until somebody deletes them, and over a backup."""

import concurrent.futures
import hashlib
import os
import pathlib
import sqlite3
import threading

import pytest

from harness import http, jailed
from harness.engine import run
from harness.boathook import BIN
from harness.waiting import eventually


@pytest.fixture
def listed(new_container):
    """A container of which `ls -R many` writes some hundred thousand bytes."""
    container = new_container()
    container.shell("mkdir /many; cd /many; for i in {1..30}; do mkdir $i; touch $i/long-name-of-a-file-{1..500}; done")
    return container


def result_file(up, identifier):
    return up.data / f"results/{identifier // 4096}/{identifier}"


def finished(up, container, command="ls -R many"):
    answer = up.put_command(up.instance_id(container), command).json
    output = up.result(answer["result_url"]).body
    return answer, output, up.final(answer["command_id"])


def without_text(row):
    return {name: value for name, value in row.items() if name not in ("stdout", "stderr")}


def is_there(up, answer, output):
    """Whether both ways to a result have it; they must agree, with each other and with the disk."""
    found = http.get(answer["result_url"]), up.request("GET", f"/api/v0/commands/{answer['command_id']}/output")
    file = result_file(up, answer["command_id"])
    if {one.status for one in found} == {200}:
        assert [one.body for one in found] == [output] * 2 and file.exists()
        return True
    assert [one.status for one in found] == [404, 404] and not file.exists(), (found, file)
    return False


def test_the_oldest_go_first_beyond_the_size(start_up, listed):
    up = start_up("--results-mib", "1")
    small = finished(up, listed, "ls home")
    made = [finished(up, listed) for _ in range(5)]
    size = len(made[0][1])
    assert 300_000 < size < 500_000
    small_and_new = finished(up, listed, "ls home")

    # A look is taken at the start.
    up.process.terminate()
    up.start()
    eventually("a part is gone", lambda: not result_file(up, made[2][0]["command_id"]).exists())
    kept = (1 << 20) // (size + 4096)
    everything = [small, *made, small_and_new]
    there = [is_there(up, answer, output) for answer, output, _ in everything]
    assert there == [False] * (6 - kept) + [True] * (kept + 1)
    files = sum(path.stat().st_size for path in (up.data / "results").rglob("*") if path.is_file())
    assert files <= 1 << 20

    # The records stay.
    for answer, output, row in everything:
        again = up.command(answer["command_id"])
        assert without_text(again) == without_text(row)
        assert again["sha256"] == hashlib.sha256(output).hexdigest()


def test_what_is_kept_is_not_touched_below_the_size(start_up, listed):
    up = start_up()
    made = [finished(up, listed) for _ in range(4)]
    up.process.terminate()
    up.start()
    finished(up, listed, "ls home")
    assert all(is_there(up, answer, output) for answer, output, _ in made)


def test_a_result_is_deleted_on_demand(start_up, listed):
    up = start_up()
    answer, output, row = finished(up, listed)
    other = finished(up, listed, "ls home")
    stranger = up.other_user("stranger")
    path = f"/api/v0/commands/{answer['command_id']}/output"
    assert is_there(up, answer, output)

    assert stranger.request("DELETE", path).status == 404
    assert up.request("DELETE", path, key="wrong").status == 401
    assert is_there(up, answer, output)

    deleted = up.request("DELETE", path)
    assert (deleted.status, deleted.json["success"]) == (200, True)
    assert not is_there(up, answer, output) and is_there(up, *other[:2])
    for stream in ("stdout", "stderr"):
        assert up.request("GET", f"{path}?stream={stream}").status == 404
    again = up.command(answer["command_id"])
    assert without_text(again) == without_text(row)
    # It is gone for good, and to say so twice is no error.
    assert up.request("DELETE", path).status in (200, 404)
    up.process.kill()
    # A disk that brings it back makes it no result, and it is removed, as is one that no command ever had.
    strays = [result_file(up, answer["command_id"]), result_file(up, 1 << 40)]
    for stray in strays:
        stray.parent.mkdir(exist_ok=True, mode=0o700)
        stray.write_bytes(b"x")
    up.start()
    eventually("what no command has is gone", lambda: not any(stray.exists() for stray in strays), 60)
    assert not is_there(up, answer, output) and is_there(up, *other[:2])


def test_an_empty_result_is_deleted_too(start_up, listed):
    up = start_up()
    answer, output, _ = finished(up, listed, "rm -r many/1")
    assert output == b"" and http.get(answer["result_url"]).status == 200
    path = f"/api/v0/commands/{answer['command_id']}/output"
    assert up.request("DELETE", path).status == 200
    assert http.get(answer["result_url"]).status == 404
    # Nothing is what there was, and is (docs/results.md).
    left = up.request("GET", path)
    assert left.status == 404 or (left.status, left.body) == (200, b"")


def test_an_open_commands_output_is_not_deleted(start_up, many_files):
    up = start_up()
    identifier, pid = up.frozen(up.instance_id(many_files), "du -a many")
    answer = up.request("DELETE", f"/api/v0/commands/{identifier}/output")
    assert (answer.status, answer.json["error"]) == (409, "command_open")
    jailed.thaw(pid)
    row = up.final(identifier)
    output = up.request("GET", f"/api/v0/commands/{identifier}/output")
    assert row["state"] == "exited" and hashlib.sha256(output.body).hexdigest() == row["sha256"]


def test_ids_after_a_restore_are_new(start_up, listed, tmp_path):
    up = start_up()
    before = [finished(up, listed, "ls home") for _ in range(3)]
    instances = {row["id"] for row in up.instances()}
    run(BIN / "boathook", "admin", "backup", tmp_path / "copy", "--data-dir", up.data)
    # The backup does not know these; machines do.
    after = [finished(up, listed, "ls home") for _ in range(3)]
    up.process.terminate()

    restored = tmp_path / "restored"
    run(BIN / "boathook", "admin", "restore", tmp_path / "copy", "--data-dir", restored)
    again = start_up(data=restored, key=up.key)
    assert {row["id"] for row in again.instances()} == instances
    new = [finished(again, listed, "ls home")[0]["command_id"] for _ in range(3)]
    assert min(new) > max(answer["command_id"] for answer, _, _ in before + after)
    assert len(set(new)) == 3
    for answer, output, _ in before:
        kept = again.request("GET", f"/api/v0/commands/{answer['command_id']}/output")
        assert (kept.status, kept.body) == (200, output)
    for answer, _, _ in after:
        assert again.request("GET", f"/api/v0/commands/{answer['command_id']}/").status == 404


def admin(*words, check=True):
    return run(BIN / "boathook", "admin", *map(str, words), check=check)


def kept_results(data):
    """Of each result that a folder's database knows: whether it is there. Each that is must be whole, and no other file be there."""
    # Nobody else has it open, and none of SQLite's files is to be left.
    database = sqlite3.connect(f"file:{data}/boathook.db?immutable=1", uri=True)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = database.execute(
        "SELECT id, stdout_bytes + stderr_bytes, sha256 FROM command"
        " WHERE finished_at IS NOT NULL AND result_expires_at IS NOT NULL AND state <> 'lost'").fetchall()
    database.close()
    files = {path for path in pathlib.Path(data, "results").rglob("*") if path.is_file()}
    kept = {}
    for identifier, count, sha256 in rows:
        path = pathlib.Path(data, f"results/{identifier // 4096}/{identifier}")
        kept[identifier] = path in files
        if kept[identifier]:
            assert hashlib.sha256(path.read_bytes()[:count]).hexdigest() == sha256
            files.discard(path)
    assert not files
    return kept


def test_backups_are_made_while_results_come_and_go(start_up, listed, tmp_path):
    up = start_up()
    instance = up.instance_id(listed)
    staying = finished(up, listed, "ls home")[0]["command_id"]
    is_over = threading.Event()

    def work():
        while not is_over.is_set():
            answer = up.put_command(instance, "ls -R many").json
            up.final(answer["command_id"])
            assert up.request("DELETE", f"/api/v0/commands/{answer['command_id']}/output").status == 200

    with concurrent.futures.ThreadPoolExecutor() as pool:
        workers = [pool.submit(work) for _ in range(3)]
        try:
            for number in range(6):
                admin("backup", tmp_path / f"copy{number}", "--data-dir", up.data)
        finally:
            is_over.set()
        for worker in workers:
            worker.result()
    for number in range(6):
        copy, restored = tmp_path / f"copy{number}", tmp_path / f"restored{number}"
        assert kept_results(copy)[staying]
        admin("restore", copy, "--data-dir", restored)
        assert kept_results(restored) == kept_results(copy)
    assert not list(tmp_path.glob("*.partial"))


def test_a_backup_and_a_restore_are_whole_or_not_there(start_up, listed, tmp_path):
    up = start_up()
    answer, output, _ = finished(up, listed, "ls home")
    copy, restored, file = tmp_path / "copy", tmp_path / "restored", result_file(up, answer["command_id"])

    def fails(verb, *words, target, file):
        """With something in the place of a result."""
        bytes_ = file.read_bytes()
        file.unlink()
        os.mkfifo(file)
        assert admin(verb, *words, check=False).returncode != 0
        assert not target.exists() and not list(tmp_path.glob("*.partial"))
        file.unlink()
        file.write_bytes(bytes_)
        # What a process leaves that is killed, and what is somebody else's.
        partial = pathlib.Path(f"{target}.partial")
        partial.mkdir(mode=0o700)
        (partial / "boathook.db").write_bytes(b"half of a database")
        assert admin(verb, *words, check=False).returncode != 0
        assert not target.exists() and (partial / "boathook.db").exists()
        (partial / "lock").touch(0o600)
        (partial / "results/7").mkdir(parents=True)
        admin(verb, *words)
        assert not partial.exists() and kept_results(target)[answer["command_id"]]
        assert {one.name for one in target.iterdir()} == {"boathook.db", "lock", "results"}

    fails("backup", copy, "--data-dir", up.data, target=copy, file=file)
    up.process.terminate()
    fails("restore", copy, "--data-dir", f"{restored}/", target=restored, file=copy / file.relative_to(up.data))
    again = start_up(data=restored, key=up.key)
    kept = again.request("GET", f"/api/v0/commands/{answer['command_id']}/output")
    assert (kept.status, kept.body) == (200, output)
