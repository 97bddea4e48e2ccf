"""A small disk of its own, in a file, that can be filled to the last byte."""

import errno
import os

from harness.engine import run
from harness.waiting import eventually


class SmallDisk:
    """An ext4 of so many MiB, mounted at `path`."""

    def __init__(self, folder, mebibytes=128):
        self.path = folder / "disk"
        self.image = folder / "disk.img"
        self.path.mkdir(parents=True)
        with self.image.open("wb") as file:
            file.truncate(mebibytes << 20)
        # Nothing is kept back for root, which is who fills it.
        run("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        run("mount", "-o", "loop", self.image, self.path)

    def close(self):
        try:
            # Somebody who was just killed may hold it for a moment.
            eventually("the disk is let go", lambda: run("umount", self.path, check=False).returncode == 0)
        finally:
            self.image.unlink()

    @property
    def free(self):
        """Bytes."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self, name="filler"):
        """Takes every byte that is there, in pieces that get smaller."""
        file = os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for size in (1 << 20, 4096, 1):
                while True:
                    try:
                        os.write(file, b"x" * size)
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                        break
            os.fsync(file)
        finally:
            os.close(file)

    def empty(self, name="filler"):
        (self.path / name).unlink()
        os.sync()
