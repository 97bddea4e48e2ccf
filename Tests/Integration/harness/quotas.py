"""Engines whose folder is on a file system of a kind: some bound what a container writes, others only say how much it is."""

import contextlib
import os
import pathlib
import shutil
import tempfile

from harness.engine import ROOT, run
from harness.making import RoomyEngine

SIZE = 32 << 30  # as promised; the file takes what is written to it


class Unable(Exception):
    """This machine has no such file system, or nothing that makes one."""


@contextlib.contextmanager
def engine_on(kind, driver, options):
    """A private engine with its containers on a file system of that kind, mounted with those options."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"boathook-{kind}.", dir="/tmp"))
    image, data = folder / "disk.img", folder / "e/data"
    try:
        with image.open("wb") as file:
            file.truncate(SIZE)
        data.mkdir(parents=True)
        if not shutil.which(f"mkfs.{kind}"):
            raise Unable(f"no mkfs.{kind} here")
        run(f"mkfs.{kind}", "-q", image)
        done = run("mount", "-t", kind, "-o", ",".join(["loop", *options]), image, data, check=False)
        if done.returncode != 0:
            raise Unable(f"no {kind} can be mounted here with {options}: {done.stderr.decode().strip()}")
        environment = {**os.environ, "BOATHOOK_STORAGE_DRIVER": driver}
        run(ROOT / "bin/engine", "start", "--private", folder / "e", env=environment)
        url = run(ROOT / "bin/engine", "url", "--private", folder / "e").stdout.decode().strip()
        yield RoomyEngine(url, folder)
    finally:
        # It takes away every mount below its folder.
        run(ROOT / "bin/engine", "stop", folder / "e")
        shutil.rmtree(folder)
