"""A hundred million bytes of output: the same by every way, and what its limits do."""

import hashlib
import os
import random
import subprocess

import pytest

from harness.boathook import BIN
from harness.cutter import Cutter
from harness.engine import ROOT
from harness.following import Follower

pytestmark = pytest.mark.slow

# The official command line of 1.x crashes after a success, by itself (README.md); the SDK beside it is the
# same code up to there.
OFFICIAL_1 = """
import hashlib, os, sys
from vastai import VastAI
client = VastAI(api_key=os.environ["VAST_API_KEY"], server_url=os.environ["VAST_URL"])
print(hashlib.sha256(client.execute(id=int(sys.argv[1]), command="du -a large").encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def up(engine, tmp_path_factory):
    """One that takes so much output."""
    from harness.boathook import Up

    up = Up(engine, tmp_path_factory.mktemp("large"), "--output-mib", "256")
    yield up
    up.process.end()


@pytest.fixture(scope="module")
def expected(large):
    output = large.exec("du", "-a", "large").stdout
    assert len(output) >= 100_000_000
    return hashlib.sha256(output).hexdigest()


@pytest.fixture(scope="module")
def finished(up, large, expected):
    """An accepted command's answer and its row, ended."""
    accepted = up.put_command(up.instance_id(large), "du -a large")
    assert accepted.status == 200, accepted
    row = up.final(accepted.json["command_id"], 120)
    assert (row["state"], row["exit_code"], row["complete"], row["sha256"]) == ("exited", 0, True, expected)
    assert row["stdout"] is None and row["stdout_bytes"] == row["output_bytes"] >= 100_000_000
    return accepted.json, row


def official(program, up, home, *words):
    """An official client, with a home of its own; its standard output goes to a file."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONUTF8": "1", "NO_PROXY": "127.0.0.1",
        "VAST_URL": up.url, "VAST_API_KEY": up.key, "VASTAI_NO_UPDATE_CHECK": "1",
    }
    with (home / "out").open("wb") as out:
        done = subprocess.run(
            [ROOT / program, *map(str, words)], env=environment, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.PIPE, timeout=300,
        )
    return done, home / "out"


def sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_the_official_client_1(up, large, expected, tmp_path):
    done, out = official(".venv-vastai-1.9.1/bin/python", up, tmp_path, "-c", OFFICIAL_1, up.instance_id(large))
    assert done.returncode == 0, done
    assert out.read_text().split() == [expected]


def without_last_newline(out):
    """The official command line prints the output and a line feed of its own behind it."""
    with out.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        assert file.read() == b"\n"
        file.seek(-1, os.SEEK_END)
        file.truncate()
    return out


def test_the_official_command_line_1(up, large, expected, tmp_path):
    done, out = official(".venv-vastai-1.9.1/bin/vastai", up, tmp_path, "execute", up.instance_id(large), "du -a large")
    crashed = b"object has no attribute 'get'"
    if out.stat().st_size < 1_000_000 and crashed in done.stderr + out.read_bytes():
        # Only after it had everything.
        newest = up.request("GET", "/api/v0/commands/?limit=1").json["commands"][0]
        assert (newest["state"], newest["sha256"]) == ("exited", expected)
        return
    assert sha256(without_last_newline(out)) == expected


def test_the_official_command_line_05(up, large, expected, tmp_path):
    done, out = official(".venv-vastai-0.5.0/bin/vastai", up, tmp_path, "execute", up.instance_id(large), "du -a large")
    assert done.returncode == 0, done
    assert sha256(without_last_newline(out)) == expected


def test_our_command_line(up, large, expected, tmp_path):
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(
            [BIN / "boathook", "execute", str(up.instance_id(large)), "du -a large"], env=up.environment(),
            stdout=out, stderr=subprocess.PIPE, timeout=200,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert sha256(tmp_path / "out") == expected


def test_curl_goes_on_after_ten_cuts(up, finished, expected, tmp_path):
    answer, row = finished
    rng, share = random.Random(3), row["output_bytes"] // 10
    out = tmp_path / "out"
    with Cutter(up.url, [rng.randrange(1000, share) for _ in range(10)]) as cutter:
        url = answer["result_url"].replace(up.url, cutter.url)
        statuses, sizes = [], []
        for _ in range(11):
            statuses.append(
                subprocess.run(["curl", "-sS", "-f", "-C", "-", "-o", out, url], capture_output=True, timeout=120).returncode)
            sizes.append(out.stat().st_size)
        assert cutter.made == 10
    assert statuses == [18] * 10 + [0]  # a part of a file
    assert sizes == sorted(set(sizes)) and sha256(out) == expected


def test_followed(up, large, expected):
    identifier = up.put_command(up.instance_id(large), "du -a large").json["command_id"]
    with Follower(up, identifier) as follower:
        assert hashlib.sha256(follower.rest()).hexdigest() == expected


def test_followed_over_the_link(start_fleet, large, expected):
    fleet = start_fleet("--output-mib", "256", agent_flags=["--output-mib", "256"])
    identifier = fleet.put_command(fleet.instance_id(large), "du -a large").json["command_id"]
    with Follower(fleet, identifier) as follower:
        assert hashlib.sha256(follower.rest()).hexdigest() == expected
    assert fleet.final(identifier)["sha256"] == expected


# Limits

@pytest.mark.parametrize(("flags", "limit"), [([], 67_108_864), (["--output-mib", "1"], 1_048_576)], ids=["default", "1 MiB"])
def test_it_is_killed_at_its_limit(start_up, large, flags, limit):
    up = start_up(*flags)
    output, row = up.run(up.instance_id(large), "du -a large")
    assert (row["state"], row["signal"], row["exit_code"], row["complete"]) == ("signalled", 9, None, False)
    assert row["output_bytes"] == len(output) == limit
    assert "limit" in row["note"] and str(limit) in row["note"]
    assert row["decision"]["limits"]["output_bytes"] == limit
    assert large.exec("du", "-a", "large").stdout.startswith(output)
    assert row["sha256"] == hashlib.sha256(output).hexdigest()


@pytest.mark.parametrize(("server", "agent"), [(1, 64), (64, 1)])
def test_the_lesser_of_two_limits_counts(start_fleet, large, server, agent):
    fleet = start_fleet("--output-mib", str(server), agent_flags=["--output-mib", str(agent)])
    output, row = fleet.run(fleet.instance_id(large), "du -a large")
    assert row["state"] == "signalled" and len(output) == 1_048_576
