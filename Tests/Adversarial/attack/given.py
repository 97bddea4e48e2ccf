"""What a tool finds when its main begins: its environment, and memory files that nobody can change; and what it does not
find: mounts below those that it is given."""

import errno
import fcntl
import os
import subprocess

from attack.report import attack

SEALS = {"F_SEAL_SEAL": 1, "F_SEAL_SHRINK": 2, "F_SEAL_GROW": 4, "F_SEAL_WRITE": 8}
GET_SEALS = 1034
WANTED = ["LC_ALL=C", "PATH=/usr/bin:/bin", "TZ=UTC0"]


def words_of(output, name):
    return sorted(line.removeprefix(name + " ") for line in output.decode().splitlines() if line.startswith(name + " "))


@attack("given")
def what_the_tool_is_given(arena, figures):
    harness = arena.harness
    view = arena.overlay()
    witness = arena.program("witness")
    result = harness.Running([witness], harness.control([view.merged])).finish()
    assert result.status == "ready\n", result
    assert words_of(result.out, "environment") == WANTED, result
    assert words_of(result.out, "descriptors") == ["0 1 2"], result
    for name, executable in (("the control block", False), ("the library", True)):
        sealed = harness.sealed(b"x" * 100, executable=executable)
        seals = fcntl.fcntl(sealed, GET_SEALS)
        assert seals & 15 == 15, f"{name} lacks {[seal for seal, bit in SEALS.items() if not seals & bit]}"
        for change in (lambda: os.pwrite(sealed, b"y", 0), lambda: os.truncate(sealed, 0), lambda: os.truncate(sealed, 200)):
            try:
                change()
                raise AssertionError(f"{name} can be changed")
            except OSError as error:
                assert error.errno == errno.EPERM, error
        os.close(sealed)
    # The control: started without the library it sees what the linker was told.
    bare = subprocess.run([witness], env={"LD_PRELOAD": "", "LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True)
    assert words_of(bare.stdout, "environment") != WANTED, bare
    figures["control"] = "caught"


@attack("given")
def mounts_below_are_left_out(arena, figures):
    """Something is mounted in the merged root, and in a volume, on the host's side."""
    harness = arena.harness
    view, volume, canary = arena.overlay(), arena.folder("volume"), arena.folder("canary")
    for place in (view.merged + "/inner", view.merged + "/data", volume + "/inner"):
        os.mkdir(place)
    open(canary + "/SECRET", "w").close()
    for place in (view.merged + "/inner", volume + "/inner"):
        subprocess.run(["mount", "--bind", canary, place], check=True)
    try:
        for library, wanted in ((harness.LIBRARY, False), (arena.weak("recursive"), True)):
            block = harness.control([view.merged], volumes=[(volume, "/data", "r")])
            result = harness.Running(["ls", "-R", "/"], block, library=library).finish()
            assert result.status == "ready\n" and result.code == 0, result
            shown = result.out.count(b"SECRET")
            assert shown == (2 if wanted else 0), f"{'the control' if wanted else 'the jail'}: {result}"
    finally:
        for place in (view.merged + "/inner", volume + "/inner"):
            subprocess.run(["umount", place], check=True)
    figures["control"] = "caught"
