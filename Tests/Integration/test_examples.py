"""The documented examples give, byte for byte, what GNU's tools give on the container."""

import pytest

from harness.reference import gnu, layers_mounted


def top_level_mounts(container):
    """Names in `/` that are mounts of a running container's own."""
    if not container.is_running:
        return set()
    return {point.split("/")[1] for point in container.mount_points() if point.count("/") == 1}


READS = [
    "ls -l -o -r home",
    "ls -l home/maria",
    "ls -n -a home/maria",
    "ls -la workspace",
    "ls -lR workspace",
    "ls -l --full-time srv",
    "ls -laF workspace/relative/",
    "ls -ld workspace/dangling workspace/absolute workspace/pipe",
    "ls -lL workspace/absolute",
    "ls -1 usr/bin",
    "ls -lhS var/lib/dpkg",
    "ls -l 'workspace/with blank'",
    "du -d2 -h workspace",
    "du -d2 -h usr",
    "du -a -b workspace",
    "du -s -h var",
    "du -sh usr var home",
    "du -c -k home workspace",
]


@pytest.mark.parametrize("command", READS)
def test_reading_gives_what_gnu_gives(up, either, command):
    words = command.replace("'workspace/with blank'", "workspace/with#blank").split()
    words = [word.replace("#", " ") for word in words]
    expected, errors, status = gnu(either, *words)
    assert expected and status == 0 and not errors

    output, row = up.run(up.instance_id(either), command)

    assert output == expected
    assert (row["state"], row["exit_code"]) == ("exited", 0)
    assert row["stdout_bytes"] == len(expected) and row["stderr_bytes"] == 0


@pytest.mark.parametrize("command", ["ls nowhere", "ls -l home nowhere", "du nowhere", "rm nowhere", "rm -r home/nowhere", "rm workspace"])
def test_errors_and_exit_status_are_gnus(up, either, command):
    expected, errors, status = gnu(either, *command.split())
    assert errors and status != 0

    _, row = up.run(up.instance_id(either), command)

    assert row["stdout"].encode() == expected
    assert row["stderr"].encode() == errors
    assert (row["state"], row["exit_code"]) == ("exited", status)


def test_ls_of_the_root(up, either):
    # Inside a running container some names in `/` are mounts of its own (/proc, /sys, /dev). Boathook
    # never enters those: it shows an empty read-only blocker in their place, so that `rm` cannot
    # detach them. Their owner, size and time are therefore the blocker's; their names must be there.
    mounts = top_level_mounts(either) - {"data"}  # a declared volume is attached as it is
    expected, _, status = gnu(either, "ls", "-l", "-o", "-r")
    output, row = up.run(up.instance_id(either), "ls -l -o -r")

    # The number of processes is the number of links of /proc, and so sets the width of a column.
    def rows(text):
        return [
            name if (name := line.split()[7:8]) and name[0] in mounts else line.split()
            for line in text.decode().splitlines()
        ]

    assert rows(output) == rows(expected)
    assert row["exit_code"] == status == 0
    if not either.is_running:
        assert output == expected


def test_du_of_the_root(up, either):
    # As above: rows of the container's own mounts are left out, and of the folders that hold such
    # mounts (`.`, `./etc` with its bound hosts file) only the names are compared, since GNU's sums
    # inside the container count what is mounted there.
    points = ["." + point for point in either.mount_points()] if either.is_running else []
    expected, _, _ = gnu(either, "du", "-d2", "-h")
    output, row = up.run(up.instance_id(either), "du -d2 -h")

    def rows(text):
        kept = []
        for line in text.decode().splitlines():
            path = line.split("\t")[1]
            if any(path == point or path.startswith(point + "/") for point in points):
                continue
            holds_mount = any(point.startswith(path + "/") for point in points)
            kept.append(path if holds_mount else line)
        return kept

    assert len(rows(output)) > 30
    assert rows(output) == rows(expected)
    assert row["exit_code"] == 0
    if not either.is_running:
        assert output == expected


def test_a_declared_volume_is_attached_where_it_belongs(up, running):
    expected, _, _ = gnu(running, "ls", "-lR", "data")
    assert b"one" in expected
    assert up.run(up.instance_id(running), "ls -lR data")[0] == expected


def test_an_absolute_link_stays_inside(up, either, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("host")
    output, row = up.run(up.instance_id(either), f"ls -l {canary}")
    assert row["exit_code"] == 2 and b"No such file" in output


def test_rm_says_what_gnu_says(up, new_container):
    ours, twin = new_container(), new_container()
    for container in (ours, twin):
        container.shell("mkdir -p /home/tree/a/b; touch /home/tree/one /home/tree/a/two; ln -s /etc /home/tree/link")
    expected = twin.exec("rm", "-rv", "home/tree").stdout

    output, row = up.run(up.instance_id(ours), "rm -rv home/tree")

    assert sorted(output.splitlines()) == sorted(expected.splitlines())  # in the order of the directory
    assert row["exit_code"] == 0 and row["decision"]["writes"] is True
    assert ours.exec("ls", "/home/tree", check=False).returncode == 2
    assert ours.exec("ls", "/etc/passwd").returncode == 0


def test_rm_in_a_running_container(up, new_container):
    container = new_container()
    container.shell("echo x >/home/delete_this.txt; echo y >/home/keep_this.txt")
    output, row = up.run(up.instance_id(container), "rm -r home/delete_this.txt")
    assert (output, row["state"], row["exit_code"]) == (b"", "exited", 0)
    assert container.exec("ls", "home").stdout.split() == [b"keep_this.txt", b"maria"]


def test_rm_in_a_stopped_container_and_then_it_starts(up, new_container):
    container = new_container(kind="debian")
    container.shell("echo x >/home/delete_this.txt; echo y >/home/keep_this.txt")
    container.stop()
    identifier = up.instance_id(container, "exited")

    output, row = up.run(identifier, "rm -r home/delete_this.txt etc/debian_version usr/share/doc/bash")

    assert (output, row["state"], row["exit_code"]) == (b"", "exited", 0)
    with layers_mounted(container) as root:
        assert sorted(path.name for path in (root / "home").iterdir()) == ["keep_this.txt", "maria"]
        assert not (root / "etc/debian_version").exists()
    container.start()
    assert up.instance_id(container, "running") == identifier
    assert container.exec("ls", "home").stdout.split() == [b"keep_this.txt", b"maria"]
    assert container.exec("ls", "/etc/debian_version", check=False).returncode == 2
    assert container.exec("ls", "/usr/share/doc/bash", check=False).returncode == 2


def test_reading_leaves_a_stopped_container_untouched(up, stopped):
    def writeable_layer():
        upper = stopped.inspect()["GraphDriver"]["Data"]["UpperDir"]
        from harness.engine import run

        return run("find", upper, "-printf", "%p %i %m %U %G %s %A@ %C@ %T@\n").stdout

    writeable_layer()  # this look itself reads the folders, and sets their access times once
    before = writeable_layer()
    for command in ("ls -lR home workspace", "du -a home"):
        assert up.run(up.instance_id(stopped), command)[1]["exit_code"] == 0
    assert writeable_layer() == before
