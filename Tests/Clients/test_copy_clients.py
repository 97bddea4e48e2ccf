"""Unchanged official clients copy files into instances and out of them (contract.md, 9; docs/ssh.md)."""

import os
import pathlib
import stat

import pytest

from harness.login import Login
from harness.sdk import SDK_1
from harness.typist import VERSIONS, Typist


@pytest.fixture(params=VERSIONS)
def vastai(request, official, home, tmp_path):
    """With its key for the API set, and one for SSH that all instances have."""
    typist = Typist(official, request.param, home, tmp_path)
    typist(f"vastai set api-key {home.key}")
    typist('vastai create ssh-key "$(cat ~/.ssh/id_ed25519.pub)"')
    return typist


@pytest.fixture
def instance(vastai, made):
    """One whose image has no rsync, and whose SSH lets the client in."""
    identifier = made.create(runtype="ssh_direc ssh_proxy", onstart="true")
    Login(made.row(identifier), vastai.folder / ".ssh/id_ed25519", vastai.folder).wait()
    return identifier


def furnish(folder):
    """All that `rsync -a` keeps."""
    (folder / "sub/inner").mkdir(parents=True)
    (folder / "empty").mkdir(mode=0o750)
    for number, name in enumerate(["plain", "two words", "größe ✓", "-dash", "#hash;'quote\"", "sub/inner/deep", ".hidden"]):
        path = folder / name
        path.write_bytes(os.urandom(1000 * number))
        path.chmod(0o600 + 0o20 * (number % 3))
        os.chown(path, 4321, 8765)
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    (folder / "link").symlink_to("two words")
    (folder / "sub/away").symlink_to("/nowhere/../else")
    os.utime(folder / "sub", (1_111_111_111, 1_111_111_111))


def listing(folder):
    """Names with kind and permissions, time, owners, and what is in them."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        about = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (
            stat.filemode(about.st_mode), about.st_mtime_ns, about.st_uid, about.st_gid, content)
    return found


def inside(made, identifier, path):
    """A folder of a running instance, as this machine sees it."""
    return pathlib.Path(made.container(identifier).merged, path)


@pytest.mark.slow
def test_both_ways(vastai, made, instance):
    data, workspace = vastai.folder / "data", inside(made, instance, "workspace")
    data.mkdir()
    furnish(data)
    said = vastai(f"vastai copy local:data/ {instance}:/workspace/").splitlines()
    assert "plain" in said and "two words" in said
    assert listing(workspace) == listing(data)

    # Nothing that is there already goes over again, and what has changed does.
    (data / "two words").write_text("changed")
    said = vastai(f"vastai copy local:data/ C.{instance}:/workspace/").splitlines()
    assert "two words" in said and not {"plain", ".hidden", "sub/inner/deep"} & set(said)
    assert listing(workspace) == listing(data)

    said = vastai(f"vastai copy C.{instance}:/workspace/ local:back/there").splitlines()
    assert "plain" in said
    assert listing(vastai.folder / "back/there") == listing(data)

    # A bare path is the caller's own, too (it goes to another route); so is a single file.
    vastai(f"vastai copy data/sub {instance}:/workspace/bare")
    assert listing(workspace / "bare/sub") == listing(data / "sub")
    vastai(f"vastai copy {instance}:/workspace/plain alone")
    assert (vastai.folder / "alone/plain").read_bytes() == (data / "plain").read_bytes()
    assert made.container(instance).exec("ls", "-A", "/tmp").stdout == b""


def test_what_cannot_be_copied_is_said(vastai, made, instance):
    (vastai.folder / "data").mkdir()
    said = vastai(f"vastai cancel copy {instance}")
    assert "Nothing to cancel: " in said
    made.stop(instance)
    for line in (f"local:data/ {instance}:/workspace/", f"data/ C.{instance}:/workspace/", f"{instance}:/workspace/ local:data"):
        said = vastai.refused(f"vastai copy {line}")
        assert "400" in said and "start it first" in said
    without = made.create(runtype="args", args=["sleep", "1000"])
    said = vastai.refused(f"vastai copy local:data/ {without}:/workspace/")
    assert "400" in said and "without SSH" in said
    for line, status, hint in [
        (f"{instance}:/workspace/ {without}:/workspace/", 501, "between instances"),
        (f"s3.101:/data/ C.{instance}:/workspace/", 501, "cloud storage"),
        ("local:data/ 987654321:/workspace/", 404, "Instance not found."),
        ("local:data/ local:other/", 400, "One side of a copy is an instance"),
    ]:
        said = vastai.refused(f"vastai copy {line}")
        assert str(status) in said and hint in said, said


def test_the_sdk_is_told_where(official, home, made):
    """It runs no rsync itself."""
    identifier = made.create(runtype="ssh", onstart="true")
    script = SDK_1 + """
where = sys.argv[1]
print(json.dumps([client.copy("local:data/", where + ":/workspace/"), client.copy("C." + where + ":/workspace/", "local:data"),
                  client.copy("data/", where + ":/workspace/"), client.cancel_copy(where)]))
"""
    up, down, bare, cancelled = official.python("1.9.1", home, script, identifier)
    row = made.row(identifier)
    port = int(row["ports"]["22/tcp"][0]["HostPort"])
    for reply in (up, bare):
        assert (reply["success"], reply["dst_addr"], reply["dst_port"]) == (True, row["public_ipaddr"], port)
    assert (down["success"], down["src_addr"], down["src_port"]) == (True, row["public_ipaddr"], port)
    assert cancelled["success"] is False and cancelled["msg"]
