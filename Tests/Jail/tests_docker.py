"""The same on real containers, when BOATHOOK_TEST_DOCKER names an engine (unix:///PATH)."""

import json
import os
import subprocess

from harness import LAYERS, Skip, copy_tools, equal, folder, jailed, plain_root, ready, test, writing

ENGINE = os.environ.get("BOATHOOK_TEST_DOCKER")


def docker(*arguments, check=True):
    done = subprocess.run(["docker", "-H", ENGINE, *arguments], capture_output=True)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


def image():
    root = plain_root()
    copy_tools(root, ("sleep",))
    tar = subprocess.run(["tar", "-C", root, "-c", "."], capture_output=True, check=True).stdout
    done = subprocess.run(["docker", "-H", ENGINE, "import", "-", "boathook-jail-test"], input=tar, capture_output=True, check=True)
    return done.stdout.decode().strip()


@test
def containers_of_an_engine():
    if not ENGINE:
        raise Skip("BOATHOOK_TEST_DOCKER is not set")
    volume = folder("volume")
    open(volume + "/kept", "w").close()
    name = image()
    container = docker("run", "-d", "--network", "none", "-v", volume + ":/data", name, "/usr/bin/sleep", "1000").decode().strip()
    try:
        inspected = json.loads(docker("inspect", container))[0]
        graph, pid = inspected["GraphDriver"]["Data"], inspected["State"]["Pid"]
        table = f"/proc/{pid}/mountinfo"
        before = open(table).read()
        mounts = [line.split()[4] for line in before.splitlines()]
        tops = [m for m in mounts if m != "/" and not any(m.startswith(o + "/") for o in mounts if o != "/")]
        volumes = [(m["Source"], m["Destination"], "w") for m in inspected["Mounts"]]
        options = dict(volumes=volumes, blockers=[m for m in tops if m != "/data"])
        for command in (["ls", "-l", "-o", "-r", "/home"], ["ls", "-l", "/etc/passwd"], ["du", "-h", "/home"], ["ls", "-la", "/data"]):
            got = ready(jailed(command, graph["MergedDir"], **options))
            want = docker("exec", "-e", "LC_ALL=C", "-e", "TZ=UTC0", container, "/usr/bin/" + command[0], *command[1:])
            equal(got.out, want, command)
        got = ready(writing(["rm", "-rf", *tops, "/home/delete_this.txt"], graph["MergedDir"], **options))
        assert b"Device or resource busy" in got.err, got
        equal(open(table).read(), before)
        equal(os.listdir(volume), [])  # a declared volume's contents are a writer's to remove, its mount is not
        assert b"delete_this" not in docker("exec", container, "/usr/bin/ls", "/home")
        docker("stop", "-t", "0", container)
        layers = [graph["UpperDir"], *graph["LowerDir"].split(":")]
        got = ready(jailed(["ls", "/home"], layers, flags=LAYERS))
        assert b"owned-1000" in got.out and b"delete_this" not in got.out, got
        docker("start", container)
        return f"{len(tops)} mount points"
    finally:
        docker("rm", "-f", container, check=False)
        docker("rmi", "-f", name, check=False)
