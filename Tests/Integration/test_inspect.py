"""The programs of `inspect`: each on a running and on a stopped instance, and what of them is refused.

What they must print is computed from what the test has written.
"""

import gzip
import hashlib
import os
import pathlib
import struct
import subprocess
import zlib

import pytest

from harness.boathook import Up
from harness.engine import run
from harness.orders import denial, ended, order, output
from harness.policies import policy
from harness.waiting import eventually

TIME = 1_700_000_000  # 2023-11-14 22:13:20 UTC
LOG = b"alpha 1\nbeta 2\nbeta 2\ngamma 3\n"
TABLE = b"pear,30\napple,4\nfig,200\n"
DEEP = b"".join(b"line %d\n" % number for number in range(1, 201))


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IEND", b"")


FILES = {
    "log.txt": LOG, "table.csv": TABLE, "sub/deep.txt": DEEP, "sub/picture": png(640, 480), "packed": gzip.compress(LOG, mtime=0),
    "odd\nname": b"x", "blank name": b"\x00\x01\xfe\xff",
}


def furnish(root):
    """Writes the tree `/look` from outside, so that no program of the container has a part in it."""
    for name, data in FILES.items():
        path = root / "look" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o640)
        os.chown(path, 1000, 1000)
    os.symlink("log.txt", root / "look/link")
    for path in [root / "look/sub", root / "look"]:
        path.chmod(0o755)
    for path in sorted((root / "look").rglob("*")) + [root / "look"]:
        os.utime(path, (TIME, TIME), follow_symlinks=False)


@pytest.fixture(scope="module")
def inspecting(engine, tmp_path_factory):
    up = Up(engine, tmp_path_factory.mktemp("inspecting"), "--policy", "inspect")
    yield up
    up.process.terminate()
    up.process.end()


@pytest.fixture(scope="module", params=["running", "exited"])
def looked_at(request, engine, inspecting):
    """A container with the tree, and its instance."""
    container = engine.container()
    furnish(container.merged)
    if request.param == "exited":
        container.stop()
    yield container, inspecting.instance_id(container, request.param)
    container.remove()


def lines(*texts):
    return "".join(text + "\n" for text in texts).encode()


WITHOUT_LINK = ["./" + name for name in sorted(FILES)]

EXACT = {
    # program: (command, what it prints)
    "ls": ("ls -l --time-style=+%s look/sub", lines(
        f"total {2 * 4}", f"-rw-r----- 1 maria maria {len(DEEP):>4} {TIME} deep.txt", f"-rw-r----- 1 maria maria {len(png(1, 1)):>4} {TIME} picture")),
    "du": ("du -ab look/sub", None),
    "cat": ("cat look/log.txt look/link look/table.csv", LOG + LOG + TABLE),
    "cat -A": ("cat -A 'look/blank name'", b"^@^AM-~M-^?"),
    "head": ("head -n 2 look/log.txt", b"alpha 1\nbeta 2\n"),
    "head -3": ("head -3 look/sub/deep.txt", b"line 1\nline 2\nline 3\n"),
    "head of two": ("head -c 5 look/log.txt look/table.csv", b"==> look/log.txt <==\nalpha\n==> look/table.csv <==\npear,"),
    "tail": ("tail -n 1 look/log.txt", b"gamma 3\n"),
    "tail -2": ("tail -2 look/sub/deep.txt", b"line 199\nline 200\n"),
    "tail +": ("tail -n +200 look/sub/deep.txt", b"line 200\n"),
    "wc": ("wc -l look/sub/deep.txt", b"200 look/sub/deep.txt\n"),
    "wc of two": ("wc -c look/log.txt look/table.csv", lines(
        f"{len(LOG)} look/log.txt", f"{len(TABLE)} look/table.csv", f"{len(LOG + TABLE)} total")),
    "stat": ("stat -c '%n %F %s %a %u:%g %Y %h %N' look/log.txt look/sub look/link", lines(
        f"look/log.txt regular file {len(LOG)} 640 1000:1000 {TIME} 1 'look/log.txt'",
        f"look/sub directory 4096 755 0:0 {TIME} 2 'look/sub'", f"look/link symbolic link 7 777 0:0 {TIME} 1 'look/link' -> 'log.txt'")),
    "find": ("find look -name '*.txt' -printf '%p %s %m %T@\\n' -o -type l -print", None),
    "find by time": ("find look/sub -newermt 2023-11-14 -not -newermt 2023-11-15 -size -2 -print0", b"look/sub/picture\0"),
    "grep": ("grep -n beta look/log.txt", b"2:beta 2\n3:beta 2\n"),
    "grep -r": ("grep -rlZ 'line 199' look", b"look/sub/deep.txt\0"),
    "grep -P": ("grep -Poh '(?<=gamma )\\d+' look/log.txt", b"3\n"),
    "grep -c": ("grep -c -e alpha -e gamma look/log.txt look/table.csv", b"look/log.txt:2\nlook/table.csv:0\n"),
    "sort": ("sort -t , -k 2,2n look/table.csv", b"apple,4\npear,30\nfig,200\n"),
    "sort -u": ("sort -ru look/log.txt", b"gamma 3\nbeta 2\nalpha 1\n"),
    "uniq": ("uniq -c look/log.txt", b"      1 alpha 1\n      2 beta 2\n      1 gamma 3\n"),
    "cut": ("cut -d , -f 1 --output-delimiter=; look/table.csv".replace(";", "':'"), b"pear\napple\nfig\n"),
    "sha256sum": ("sha256sum look/log.txt 'look/blank name'", lines(
        f"{hashlib.sha256(LOG).hexdigest()}  look/log.txt", f"{hashlib.sha256(FILES['blank name']).hexdigest()}  look/blank name")),
    "md5sum": ("md5sum --tag look/packed", lines(f"MD5 (look/packed) = {hashlib.md5(FILES['packed']).hexdigest()}")),
    "file": ("file -b look/sub/picture", b"PNG image data, 640 x 480, 8-bit/color RGB, non-interlaced\n"),
    "file -i": ("file -i look/packed look/log.txt look/link look/sub", lines(
        "look/packed:  application/gzip; charset=binary", "look/log.txt: text/plain; charset=us-ascii",
        "look/link:    inode/symlink; charset=binary", "look/sub:     inode/directory; charset=binary")),
    "tree": ("tree --noreport --sort=name -s look/sub", None),
    "df": ("df --output=target,fstype", b"Mounted on Type\n/          overlay\n"),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact_output(inspecting, looked_at, name):
    container, instance = looked_at
    command, expected = EXACT[name]
    program = command.split()[0]
    if not os.path.exists(f"/usr/bin/{program}"):
        pytest.skip(f"this host has no {program}")
    written = output(inspecting, instance, command)
    if name == "du":
        # Folders count with what they are, 4096 bytes on ext4.
        assert sorted(written.splitlines()) == sorted([
            b"%d\tlook/sub/deep.txt" % len(DEEP), b"%d\tlook/sub/picture" % len(png(1, 1)),
            b"%d\tlook/sub" % (4096 + len(DEEP) + len(png(1, 1)))])
    elif name == "find":
        assert sorted(written.splitlines()) == sorted([
            b"look/log.txt %d 640 %d.0000000000" % (len(LOG), TIME), b"look/sub/deep.txt %d 640 %d.0000000000" % (len(DEEP), TIME), b"look/link"])
    elif name == "tree":
        assert written.replace(b"\xc2\xa0", b" ") == lines(
            "[       4096]  look/sub", f"|-- [{len(DEEP):>11}]  deep.txt", f"`-- [{len(png(1, 1)):>11}]  picture")
    else:
        assert written == expected


def test_every_program_of_the_policy_was_run():
    programs = policy("check", "inspect").stdout.decode().rpartition(": ")[2].split()
    assert len(programs) == 18 and set(programs) - {"rm"} == {command.split()[0] for command, _ in EXACT.values()}


def test_exit_statuses_are_the_tools_own(inspecting, looked_at):
    instance = looked_at[1]
    for command, status in (("grep -q nothing look/log.txt", 1), ("grep -q beta look/log.txt", 0), ("grep x look/none", 2), ("cat look/none", 1),
                            ("sort -c look/table.csv", 1), ("find look/none", 1), ("stat look/none", 1)):
        row = ended(inspecting, instance, command)
        assert (row["state"], row["exit_code"]) == ("exited", status), (command, row)


def test_numbers_of_df_are_those_of_the_disk(inspecting, looked_at):
    container, instance = looked_at
    disk = os.statvfs(container.inspect()["GraphDriver"]["Data"]["UpperDir"])
    head, row = output(inspecting, instance, "df -B1 --output=size,itotal,file /look/log.txt").decode().splitlines()
    assert row.split() == [str(disk.f_blocks * disk.f_frsize), str(disk.f_files), "/look/log.txt"]


def test_standard_input_is_empty(inspecting, looked_at):
    instance = looked_at[1]
    assert output(inspecting, instance, "cat - look/table.csv -") == TABLE
    assert output(inspecting, instance, "wc -c -") == b"0 -\n"
    assert output(inspecting, instance, "sha256sum -") == lines(f"{hashlib.sha256().hexdigest()}  -")


REFUSED = [
    "find look -exec cat {} +".replace("{}", "'{}'"), "find look -execdir ls", "find look -ok ls", "find look -okdir ls", "find look -delete",
    "find look -fprint out", "find look -fprint0 out", "find look -fls out", "find look -fprintf out %p", "find -files0-from list",
    "find look '(' -name x -o -exec ls ';' ')'", "find -D exec look", "sort -o look/out look/log.txt", "sort --output=look/out look/log.txt",
    "sort --compress-program=ls look/log.txt", "sort -T /tmp look/log.txt", "sort --files0-from=list", "sort --random-source=look/log.txt -R look/log.txt",
    "uniq look/log.txt look/out", "tree -o look/out look", "tree -R -L 1 look", "tree --fromfile look", "tail -f look/log.txt", "tail -F look/log.txt",
    "tail --follow=name look/log.txt", "tail -n 1 --retry look/log.txt", "grep -f look/log.txt x look", "grep --exclude-from=look/log.txt -r x look",
    "sha256sum -c look/log.txt", "md5sum --check look/log.txt", "file -f look/log.txt", "file -m look/log.txt look", "file -C -m look", "file -z look/packed",
    "file -s look", "file -p look", "wc --files0-from=look/log.txt", "df --sync", "du --files0-from=look/log.txt", "ls -Z look",
    "cat", "head", "grep beta", "sort", "tail -5",
]


@pytest.mark.parametrize("command", REFUSED)
def test_refused(inspecting, looked_at, command):
    container, instance = looked_at
    reason = denial(inspecting, instance, command)
    assert reason["code"] in ("refused_option", "too_many_operands", "missing_operand"), reason
    assert order(inspecting, instance, command.split() if "'" not in command else ["find", "-delete"]).status == 400


@pytest.mark.parametrize("words", [
    ["find", "look", "-exec", "rm", "{}", ";"], ["find", "look", "-name", "x", "-exec", "rm", "{}", "+"], ["sort", "-olook/out", "look/log.txt"],
    ["sort", "-uolook/out", "look/log.txt"], ["sort", "--ou=look/out", "look/log.txt"], ["tree", "-alo", "look/out", "look"],
    ["tree", "-Lo", "1", "look"], ["grep", "-rf", "look/log.txt", "look"], ["uniq", "-c", "--", "look/log.txt", "look/out"],
    ["tail", "-n1f", "look/log.txt"], ["tail", "-1f", "look/log.txt"], ["file", "-bC", "look"], ["find", "look", "-fprint", "look/out"],
    ["find", "-O3", "look", "-delete"], ["sort", "--", "look/log.txt", "-o", "look/out"],
])
def test_other_spellings_of_what_is_refused(inspecting, looked_at, words):
    """Whatever an argument vector says, nothing is written and nothing executed."""
    container, instance = looked_at
    answer = order(inspecting, instance, words)
    if answer.status == 200:
        # Words after -- are operands: the tool itself looks for such files.
        row = inspecting.final(answer.json["command_id"])
        assert "--" in words and row["exit_code"] != 0, row
    upper = container.inspect()["GraphDriver"]["Data"]["UpperDir"]
    assert sorted(os.listdir(upper + "/look")) == sorted({name.split("/")[0] for name in FILES} | {"link"})


def test_the_database_of_types_is_the_hosts(inspecting, engine, new_container):
    """A tenant's own magic decides nothing."""
    container = new_container()
    root = container.merged
    furnish(root)
    for place in ("etc/magic", "usr/share/misc/magic", "usr/share/file/magic", "root/.magic", "usr/lib/file/magic"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("0\tstring\talpha\ttenant's own words\n")
        (root / f"{place}.mgc").write_bytes(b"\x1c\x04\x1e\xf1" + bytes(4096))
    # The control: with that file, file(1) would say so.
    assert b"tenant's own" in run("file", "-b", "-m", root / "etc/magic", root / "look/log.txt").stdout
    for state in ("running", "exited"):
        if state == "exited":
            container.stop()
        assert output(inspecting, inspecting.instance_id(container, state), "file -b look/log.txt look/sub/picture") == lines(
            "ASCII text", "PNG image data, 640 x 480, 8-bit/color RGB, non-interlaced")


READERS = ["cat", "head", "tail", "wc", "grep x", "sort", "uniq", "cut -c 1", "sha256sum", "md5sum", "file", "stat", "tree", "find", "du -a", "ls -l"]


@pytest.mark.parametrize("state", ["running", "exited"])
def test_a_fifo_holds_nobody_up(inspecting, new_container, state):
    container = new_container()
    container.shell("mkfifo /home/pipe; echo x >/home/x")
    if state == "exited":
        container.stop()
    instance = inspecting.instance_id(container, state)
    for reader in READERS:
        row = ended(inspecting, instance, f"{reader} home/pipe", seconds=50)
        assert row["state"] == "exited", row
        assert row["exit_code"] == 0 if reader.split()[0] in ("file", "stat", "tree", "find", "du", "ls") else row["exit_code"] > 0, row
    assert output(inspecting, instance, "grep -r x home") == b"home/x:x\n"


@pytest.mark.parametrize("reader", ["cat", "wc", "grep x", "grep -r x", "sha256sum", "file", "find"])
def test_who_waits_at_a_fifo_in_the_instance_is_left_alone(inspecting, new_container, reader):
    """A writer would take a reader's open for its partner, and lose what it writes."""
    container = new_container()
    container.shell("mkfifo /home/pipe")
    writer = subprocess.Popen(
        ["docker", "--host", container.engine.url, "exec", container.name, "bash", "-c", "echo precious >/home/pipe"],
        stdin=subprocess.DEVNULL)
    try:
        process = eventually("the writer waits", lambda: waiting_at_fifo(container))
        row = ended(inspecting, inspecting.instance_id(container), f"{reader} home" if reader == "grep -r x" else f"{reader} home/pipe")
        assert row["state"] == "exited", row
        # Still there, and what it has to say is for its own reader.
        got = run("timeout", "60", "cat", container.merged / "home/pipe", check=False)
        assert got.stdout == b"precious\n"
        assert writer.wait(60) == 0 and process
    finally:
        writer.kill()
        writer.wait()


def waiting_at_fifo(container):
    """The process of the container that waits in open(2) for a FIFO's other end."""
    for pid in container.engine.docker("top", container.name, "-eo", "pid").stdout.split()[1:]:
        try:
            if pathlib.Path("/proc", pid.decode(), "wchan").read_text() in ("wait_for_partner", "fifo_open"):
                return int(pid)
        except OSError:
            continue
    return None
