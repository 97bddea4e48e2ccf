"""The order in which names vanish from a folder, as the kernel tells it (inotify(7))."""

import ctypes
import os
import struct

_IN_DELETE, _IN_NONBLOCK, _IN_CLOEXEC = 0x200, 0o4000, 0o2000000
_libc = ctypes.CDLL(None, use_errno=True)


class Removals:
    def __init__(self, folder):
        self.names = []
        self.descriptor = _libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        assert self.descriptor >= 0 and _libc.inotify_add_watch(self.descriptor, os.fsencode(folder), _IN_DELETE) >= 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def so_far(self):
        while True:
            try:
                data = os.read(self.descriptor, 65536)
            except BlockingIOError:
                return self.names
            while data:
                _, _, _, length = struct.unpack_from("iIII", data)
                self.names.append(data[16: 16 + length].rstrip(b"\0").decode())
                data = data[16 + length:]
