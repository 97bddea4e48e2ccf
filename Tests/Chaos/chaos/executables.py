"""The executables that a run uses: a copy, so that a build beside it does not change them in its middle."""

import shutil
import sys

from harness import boathook

NAMES = ("boathook", "boathookd", "libboathook-jail.so", "libboathook-jail.so.sha256")
# The name of a fault point, which only a debug build has.
A_POINT = b"agent.tool-running"


def check(faults):
    if not (boathook.BIN / "boathookd").exists():
        sys.exit(f"bin/chaos: no Boathook in {boathook.BIN}: run  bin/build debug")
    if any(name.startswith("point:") for name in faults):
        if A_POINT not in (boathook.BIN / "boathookd").read_bytes():
            sys.exit(f"bin/chaos: {boathook.BIN} has no fault points: take a debug build, or --without 'point:*'")


def copy(folder):
    """From here on, everything of the harness takes the executables from `folder`."""
    folder.mkdir()
    for name in NAMES:
        shutil.copy2(boathook.BIN / name, folder)
    boathook.BIN = folder
