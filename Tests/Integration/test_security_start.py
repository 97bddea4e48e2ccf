"""What a start makes and what it refuses: files for their owner alone, settings, the jail's library, packages (docs/security.md, P32, P34, P37)."""

import json
import os
import shutil
import stat
import subprocess

import pytest

from harness.boathook import BIN
from harness.engine import ROOT, run


def test_backups_are_for_their_owner_alone(start_up, running, tmp_path):
    """With the loosest umask that there is."""
    before = os.umask(0)
    try:
        up = start_up()
        up.run(up.instance_id(running), "ls")
        run(BIN / "boathook", "admin", "backup", tmp_path / "copy", "--data-dir", up.data)
        run(BIN / "boathook", "admin", "restore", tmp_path / "copy", "--data-dir", tmp_path / "restored")
    finally:
        os.umask(before)
    seen = 0
    for top in (up.data, tmp_path / "copy", tmp_path / "restored"):
        for path in (top, *top.rglob("*")):
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                assert stat.S_IMODE(mode) & 0o077 == 0, (path, oct(mode))
                seen += 1
    assert seen > 8


def start(data, url, *words, binary=BIN):
    """`boathook up` that should not start: (status, standard output, standard error); killed if it does."""
    process = subprocess.Popen([binary / "boathook", "up", "--data-dir", data, "--listen", "127.0.0.1:0", "--engine", url, *words],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    line = process.stdout.readline()
    if line:
        process.kill()
    rest, errors = process.communicate(timeout=60)
    return process.returncode, line + rest, errors


UNSAFE = {
    "--listen": ["x", "1.2.3.4", "127.0.0.1:65536", ":80"], "--public-url": ["ftp://x", "javascript:alert(1)", "boathook.example"],
    "--adopt": ["everything", ""], "--concurrency": ["0", "257", "x"], "--output-mib": ["0", "65537"], "--result-hours": ["0", "1e3"],
    "--compatibility": ["strict"], "--log-level": ["loud"], "--policy": ["no-such-policy", "/no/such/file.yaml", ""], "--machine-policy": ["Vast", "."],
}


@pytest.mark.parametrize("flag, value", [(flag, value) for flag, values in UNSAFE.items() for value in values])
def test_a_setting_that_is_none_stops_the_start(engine, tmp_path, flag, value):
    status, out, errors = start(tmp_path / "data", engine.url, flag, value)
    assert status > 0 and out == b"", (status, out)
    assert (value or flag).encode() in errors, errors


def test_a_folder_that_others_may_write_is_not_used(engine, tmp_path):
    for mode in (0o777, 0o770, 0o707):
        folder = tmp_path / oct(mode)
        folder.mkdir()
        folder.chmod(mode)
        status, out, errors = start(folder, engine.url)
        assert status > 0 and out == b"" and str(folder).encode() in errors, (oct(mode), status, out, errors)
        assert list(folder.iterdir()) == []


def test_a_changed_library_stops_the_start(engine, tmp_path):
    """The jail's library and its digest are read at each start; what does not fit is not loaded."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("boathook", "boathookd"):
        shutil.copy(BIN / name, folder / name)
    library = (BIN / "libboathook-jail.so").read_bytes()
    digest = (BIN / "libboathook-jail.so.sha256").read_text()
    changed = bytearray(library)
    changed[len(changed) // 2] ^= 1
    cases = {"a bit": (bytes(changed), digest), "cut": (library[:-1], digest), "empty": (b"", digest), "another digest": (library, "0" * 64 + "\n"),
             "no digest": (library, ""), "half a digest": (library, digest[:32])}
    for name, (data, text) in cases.items():
        (folder / "libboathook-jail.so").write_bytes(data)
        (folder / "libboathook-jail.so.sha256").write_text(text)
        status, out, errors = start(tmp_path / "data", engine.url, binary=folder)
        assert status > 0 and out == b"" and b"digest" in errors, (name, status, out, errors)
    (folder / "libboathook-jail.so").unlink()
    assert start(tmp_path / "data", engine.url, binary=folder)[1] == b""
    # The control: with both as they were built, the same copy starts.
    (folder / "libboathook-jail.so").write_bytes(library)
    (folder / "libboathook-jail.so.sha256").write_text(digest)
    assert start(tmp_path / "data", engine.url, binary=folder)[1].startswith(b"ready ")


# Below these, there are holes that anybody on the network can use: CVE-2026-28970 and CVE-2026-28980 in the first, CVE-2026-28898 in the second.
FLOORS = {"swift-nio": (2, 100, 0), "swift-nio-http2": (1, 44, 1)}


def test_packages_are_above_the_floor():
    pins = {pin["identity"]: pin["state"]["version"] for pin in json.loads((ROOT / "Package.resolved").read_text())["pins"]}
    assert "swift-nio" in pins
    for name in FLOORS.keys() & pins.keys():
        assert tuple(int(part) for part in pins[name].split("-")[0].split(".")) >= FLOORS[name], (name, pins[name])
