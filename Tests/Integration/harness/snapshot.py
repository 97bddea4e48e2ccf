"""All that is known of a tree, so that two moments can be compared."""

import hashlib
import os
import stat


def _content(path, found):
    if stat.S_ISLNK(found.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(found.st_mode):
        return None
    digest = hashlib.sha256()
    # Looking at it must not change it.
    with open(os.open(path, os.O_RDONLY | os.O_NOATIME | os.O_NOFOLLOW), "rb") as file:
        # A sparse file's holes are skipped; its size is compared by itself.
        position, size = 0, found.st_size
        while position < size:
            try:
                position = os.lseek(file.fileno(), position, os.SEEK_DATA)
                end = os.lseek(file.fileno(), position, os.SEEK_HOLE)
            except OSError:
                break
            file.seek(position)
            digest.update(b"%d:" % position)
            while position < end and (piece := file.read(min(end - position, 1 << 20))):
                digest.update(piece)
                position += len(piece)
    return digest.hexdigest()


def _entry(path):
    found = os.lstat(path)
    return (
        stat.filemode(found.st_mode), found.st_uid, found.st_gid, found.st_nlink, found.st_rdev, found.st_ino,
        found.st_size, found.st_blocks, found.st_mtime_ns, found.st_ctime_ns,
        tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(os.listxattr(path, follow_symlinks=False))),
        _content(path, found),
    )


def snapshot(root):
    """Everything below a folder, and itself: by its path in bytes, relative to it.

    The time of the last access is left out.
    """
    root = os.fsencode(root)
    found = {b".": _entry(root)}
    pending = [b""]
    while pending:
        folder = pending.pop()
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                path = os.path.join(folder, entry.name)
                found[path] = _entry(os.path.join(root, path))
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
    return found


def upper(container):
    """The folder of the host that holds what the container has written."""
    return container.inspect()["GraphDriver"]["Data"]["UpperDir"]


def used_bytes(root):
    """What a tree takes on the disk, each file once."""
    seen = {}
    for folder, _, names in os.walk(os.fsencode(root)):
        for path in [folder, *(os.path.join(folder, name) for name in names)]:
            found = os.lstat(path)
            seen[(found.st_dev, found.st_ino)] = found.st_blocks * 512
    return sum(seen.values())


def printable(path):
    """A path as Boathook prints it: anything but plain text, and backslashes, as `\\xNN`.

    Only for names whose odd bytes are control characters or no UTF-8.
    """
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in path)
    return "".join(
        f"\\x{ord(one):02x}" if ord(one) < 0x20 or one in "\\\x7f" else one for one in text)
