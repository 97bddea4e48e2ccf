"""What must not change: every file below some folders, as one digest and as a table to say what did."""

import hashlib
import os
import stat


def describe(path, status, with_content):
    """Everything about one file that a write, a new name or a new attribute would leave a mark on."""
    words = [stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_nlink,
             status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
    text = repr(words).encode()
    if not stat.S_ISDIR(status.st_mode):
        text += str(status.st_size).encode()
    if stat.S_ISLNK(status.st_mode):
        text += os.fsencode(os.readlink(path))
    elif with_content:
        for name in sorted(os.listxattr(path, follow_symlinks=False)):
            text += os.fsencode(name) + os.getxattr(path, name, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:
                text += hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(text).digest()


class Snapshot:
    """One look at some trees. `planted` ones are read whole; of the host's own, status and names are enough: no write
    leaves an inode's change time alone."""

    def __init__(self, planted, host=()):
        self.table = {}
        for root in planted:
            self._add(root, True)
        for root in host:
            self._add(root, False)
        digest = hashlib.sha256()
        for path in sorted(self.table):
            digest.update(os.fsencode(path) + b"\0" + self.table[path])
        self.digest = digest.hexdigest()

    def _add(self, root, with_content):
        # An iterative walk of one file system: by names, since nobody hostile writes in these trees.
        device = os.lstat(root).st_dev
        stack = [root]
        while stack:
            path = stack.pop()
            status = os.lstat(path)
            self.table[path] = describe(path, status, with_content)
            if stat.S_ISDIR(status.st_mode) and status.st_dev == device:
                stack.extend(os.path.join(path, name) for name in os.listdir(path))

    def differences(self, other):
        keys = self.table.keys() | other.table.keys()
        return sorted(path for path in keys if self.table.get(path) != other.table.get(path))
