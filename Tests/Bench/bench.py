"""Medians of `ls -l /` on one running container, by five ways, from one interleaved run.

    bench.py --bin FOLDER --engine unix:///… [--before FOLDER] [--count 200] [--docker-count 30] [--json]

With --before, the executables of an older build run beside, and the last line compares the two.
The ways are taken in random order, so that whatever else the machine does meets all of them alike.
Prints a Markdown table, or JSON with every figure.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import platform
import random
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "boathook-bench"
IMAGE = "boathook-bench:1"
COMMAND = ["ls", "-l", "/"]
JAIL_BATCH = 10  # runs by one process of jail-bench


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def timed(action):
    started = time.perf_counter()
    output = action()
    took = (time.perf_counter() - started) * 1000
    assert b"home" in output, output
    return [took]


class HostLs:
    """posix_spawn of the host's ls, its output read to the end, and wait."""

    name = "bare host `ls`"

    def run(self):
        def action():
            ours, theirs = os.pipe()
            pid = os.posix_spawn(
                "/usr/bin/ls", COMMAND, {"LC_ALL": "C", "TZ": "UTC0"},
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs, 1), (os.POSIX_SPAWN_CLOSE, ours)],
            )
            os.close(theirs)
            output = b""
            while piece := os.read(ours, 65536):
                output += piece
            os.close(ours)
            os.waitpid(pid, 0)
            return output

        return timed(action)


class Jail:
    """The jail by itself, timed by boathookd, in batches (one process each)."""

    name = "the jail alone"
    batch = JAIL_BATCH

    def __init__(self, binaries, engine, container):
        self.words = [
            binaries / "boathookd", "jail-bench", "--count", str(JAIL_BATCH), "--engine", engine, "--container", container, "--", *COMMAND,
        ]

    def run(self):
        done = subprocess.run(self.words, capture_output=True, check=True, timeout=60)
        figures = [float(line) for line in done.stdout.split()]
        assert len(figures) == JAIL_BATCH, done
        return figures


class EndToEnd:
    """PUT, then GET of the result URL, on one connection that stays open."""

    name = "`boathook execute` end to end"

    def __init__(self, url, key, instance, name=None):
        self.name = name or self.name
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
        self.path = f"/api/v0/instances/command/{instance}/"
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.body = json.dumps({"command": " ".join(COMMAND)})

    def run(self):
        def action():
            self.connection.request("PUT", self.path, self.body, self.headers)
            answer = self.connection.getresponse()
            assert answer.status == 200, answer.read()
            target = urllib.parse.urlsplit(json.loads(answer.read())["result_url"]).path
            while True:
                self.connection.request("GET", target)
                answer = self.connection.getresponse()
                output = answer.read()
                if answer.status == 200:
                    return output

        return timed(action)


class EngineExec:
    """create, start, read to the end, inspect; the engine closes the connection of each start."""

    name = "Engine API exec"

    def __init__(self, engine, container):
        path = engine.removeprefix("unix://")
        self.kept, self.streamed = UnixConnection(path), UnixConnection(path)
        self.container = container

    def ask(self, method, path, body=None):
        self.kept.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        return json.loads(self.kept.getresponse().read())

    def run(self):
        def action():
            created = self.ask("POST", f"/containers/{self.container}/exec", {"AttachStdout": True, "AttachStderr": True, "Cmd": COMMAND})
            self.streamed.request("POST", f"/exec/{created['Id']}/start", '{"Detach": false, "Tty": false}', {"Content-Type": "application/json"})
            output = self.streamed.getresponse().read()
            self.streamed.close()
            assert self.ask("GET", f"/exec/{created['Id']}/json")["ExitCode"] == 0
            return output

        return timed(action)


class DockerExec:
    """The command that people type."""

    name = "`docker exec`"

    def __init__(self, engine, container):
        self.words = ["docker", "--host", engine, "exec", container, *COMMAND]

    def run(self):
        return timed(lambda: subprocess.run(self.words, capture_output=True, check=True, timeout=60).stdout)


def percentile(figures, part):
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, round(part * (len(ordered) - 1)))]


def docker(engine, *words, check=True):
    return subprocess.run(["docker", "--host", engine, *words], capture_output=True, check=check).stdout.decode().strip()


def wait_ready(process, seconds=20):
    readable, _, _ = select.select([process.stdout], [], [], seconds)
    line = process.stdout.readline().decode() if readable else ""
    assert line.startswith("ready "), f"boathook up did not become ready: {line!r}"
    return line.split()[1]


def instance_of(url, key):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
    for _ in range(500):
        connection.request("GET", "/api/v0/instances/", headers={"Authorization": f"Bearer {key}"})
        for row in json.loads(connection.getresponse().read())["instances"]:
            if row["label"] == NAME and row["actual_status"] == "running":
                return row["id"]
        time.sleep(0.02)
    raise AssertionError("the container is not listed")


@contextlib.contextmanager
def serving(binaries, engine):
    """A `boathook up` of that build, and how it is called: url, key, instance."""
    with tempfile.TemporaryDirectory(prefix="boathook-bench.") as folder:
        folder = pathlib.Path(folder)
        with (folder / "log").open("wb") as log:
            up = subprocess.Popen(
                [binaries / "boathook", "up", "--data-dir", folder / "data", "--listen", "127.0.0.1:0", "--engine", engine],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )
        try:
            url = wait_ready(up)
            key = (folder / "data/admin.key").read_text().strip()
            yield url, key, instance_of(url, key)
        finally:
            up.terminate()
            up.wait(10)


BEFORE = "the same, the build before"


def measure(arguments, served, before):
    container = docker(arguments.engine, "container", "inspect", "--format", "{{.Id}}", NAME)
    quick = [HostLs(), Jail(arguments.bin, arguments.engine, container), EndToEnd(*served)]
    if before:
        quick.append(EndToEnd(*before, name=BEFORE))
    slow = [EngineExec(arguments.engine, container), DockerExec(arguments.engine, container)]

    figures = {way.name: [] for way in [*quick, *slow]}
    turns = [way for way in quick for _ in range(arguments.count // getattr(way, "batch", 1))]
    turns += [way for way in slow for _ in range(arguments.docker_count)]
    random.shuffle(turns)
    for way in [*quick, *slow]:
        way.run()  # warm: nobody's first time counts
    for number, way in enumerate(turns, 1):
        figures[way.name] += way.run()
        if number % 100 == 0:
            print(f"   {number} of {len(turns)}", file=sys.stderr)

    end_to_end = statistics.median(figures[EndToEnd.name])
    return [
        {
            "way": name, "n": len(values), "median_ms": round(statistics.median(values), 2),
            "p90_ms": round(percentile(values, 0.9), 2), "p99_ms": round(percentile(values, 0.99), 2),
            "of_end_to_end": round(statistics.median(values) / end_to_end, 2),
        }
        for name, values in figures.items()
    ]


def table(rows):
    lines = ["| `ls -l /` in one running container | n | median ms | p90 | p99 | × end to end |", "|---|---:|---:|---:|---:|---:|"]
    for row in rows:
        lines.append(f"| {row['way']} | {row['n']} | {row['median_ms']:.2f} | {row['p90_ms']:.2f} | {row['p99_ms']:.2f} | {row['of_end_to_end']:.2f} |")
    medians = {row["way"]: row["median_ms"] for row in rows}
    share = medians[EndToEnd.name] / medians[DockerExec.name]
    lines += ["", f"End to end takes {share:.3f} of `docker exec` and {medians[EndToEnd.name] / medians[EngineExec.name]:.3f} of the Engine API's exec "
              f"({os.cpu_count()} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.1f})."]
    if BEFORE in medians:
        lines += [f"End to end takes {medians[EndToEnd.name] / medians[BEFORE]:.3f} of what it took in the build before."]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--before", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--docker-count", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    subprocess.run([ROOT / "bin/image", arguments.engine, IMAGE], check=True)
    docker(arguments.engine, "rm", "--force", NAME, check=False)
    docker(arguments.engine, "run", "--detach", "--name", NAME, "--label", "boathook.instance=", "--network", "none", IMAGE)
    try:
        with contextlib.ExitStack() as stack:
            served = stack.enter_context(serving(arguments.bin, arguments.engine))
            before = stack.enter_context(serving(arguments.before, arguments.engine)) if arguments.before else None
            rows = measure(arguments, served, before)
    finally:
        docker(arguments.engine, "rm", "--force", NAME, check=False)
        docker(arguments.engine, "image", "rm", IMAGE, check=False)
    print(json.dumps(rows, indent=1) if arguments.json else table(rows))


if __name__ == "__main__":
    main()
