"""Drives the jail library as the agent does: through cjail_spawn, with a control block and seven descriptors."""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, "..", "..")
WORK = os.environ["BOATHOOK_JAIL_WORK"]  # made and removed by `run`
PATIENCE = int(os.environ.get("BOATHOOK_JAIL_PATIENCE", "1"))  # how many times slower than any real processor this one may be

WRITES, LAYERS, LIVE, MAGIC_DATABASE = 1, 2, 4, 8
MAGIC, VERSION = 0x4C4A4842, 2
DAC_OVERRIDE, FOWNER = 1, 3
POISON = "--boathook-not-jailed"
ENVIRONMENT = ["LD_PRELOAD=/proc/self/fd/6", "LC_ALL=C", "TZ=UTC0", "PATH=/usr/bin:/bin"]
PLAIN = {"LC_ALL": "C", "TZ": "UTC0", "PATH": "/usr/bin:/bin"}

shim = ctypes.CDLL(os.path.join(WORK, "libcjail.so"), use_errno=True)


class Request(ctypes.Structure):
    _fields_ = [("path", ctypes.c_char_p), ("arguments", ctypes.POINTER(ctypes.c_char_p)),
                ("environment", ctypes.POINTER(ctypes.c_char_p))] + [
                    (name, ctypes.c_int)
                    for name in ("input", "output", "error", "control", "status", "network", "library")] + [
                        ("cgroups", ctypes.POINTER(ctypes.c_int)), ("cgroup_count", ctypes.c_int)]


def strings(values):
    encoded = [value if isinstance(value, bytes) else os.fsencode(value) for value in values]
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)


def sealed(data, executable=False):
    descriptor = shim.cjail_seal(data, len(data), b"test", int(executable))
    assert descriptor >= 0, os.strerror(-descriptor)
    return descriptor


def network():
    descriptor = shim.cjail_network_namespace()
    assert descriptor >= 0, os.strerror(-descriptor)
    return descriptor


with open(os.path.join(WORK, "libboathook-jail.so"), "rb") as file:
    LIBRARY = sealed(file.read(), executable=True)
NETWORK = network()
NULL = os.open("/dev/null", os.O_RDWR)


HEADER = 80  # bytes
PROGRAMS = {}  # ours, by name


def control(roots, flags=0, volumes=(), blockers=(), guards=(), protected=(), paths=(), capabilities=1 << DAC_OVERRIDE,
            cpu=20 * PATIENCE, memory=512 << 20, files=256, counts=None, magic=MAGIC, version=VERSION, length=None):
    """A control block; `counts` and `length` lie when given."""
    texts = list(roots) + [part for volume in volumes for part in volume]
    texts += [text for part in (blockers, guards, protected, paths) for text in part]
    tail = b"".join((text if isinstance(text, bytes) else os.fsencode(text)) + b"\0" for text in texts)
    real = tuple(len(part) for part in (roots, volumes, blockers, guards, protected, paths))
    header = struct.pack("=IIQQQQQQIIIIII", magic, version, length if length is not None else HEADER + len(tail), flags,
                         capabilities, cpu, memory, files, *(counts or real))
    assert len(header) == HEADER
    return header + tail


class NotJoined(Exception):
    """A cgroup refused the tool."""


class Running:
    """A spawned tool with the read ends of its pipes."""

    def __init__(self, arguments, block, library=LIBRARY, environment=None, poison=True, net=None, cgroups=()):
        tool = PROGRAMS.get(arguments[0]) or shutil.which(arguments[0], path="/usr/bin:/bin")
        argv = [arguments[0]] + ([POISON] if poison else []) + list(arguments[1:])
        self.out, out = os.pipe()
        self.err, err = os.pipe()
        self.status, status = os.pipe()
        memfd = sealed(block)
        request = Request(os.fsencode(tool), strings(argv), strings(environment or ENVIRONMENT), NULL, out, err, memfd,
                          status, NETWORK if net is None else net, library, (ctypes.c_int * len(cgroups))(*cgroups),
                          len(cgroups))
        pid, pidfd = ctypes.c_int(), ctypes.c_int()
        error = shim.cjail_spawn(ctypes.byref(request), ctypes.byref(pid), ctypes.byref(pidfd))
        for descriptor in (out, err, status, memfd):
            os.close(descriptor)
        if error:
            for descriptor in (self.out, self.err, self.status):
                os.close(descriptor)
            raise (NotJoined if error < 0 else OSError)(abs(error), os.strerror(abs(error)))
        self.pid, self.pidfd = pid.value, pidfd.value

    def status_line(self):
        text = b""
        while chunk := os.read(self.status, 256):
            text += chunk
        return text.decode()

    def finish(self, timeout=60):
        """Reads everything to its end; kills when that takes too long: what waits for good, not what a busy machine holds up."""
        texts = {end: bytearray() for end in (self.out, self.err, self.status)}
        open_ends, deadline, timed_out = set(texts), time.monotonic() + timeout * PATIENCE, False
        while open_ends:
            ready, _, _ = select.select(list(open_ends), [], [], max(0, deadline - time.monotonic()))
            if not ready:
                timed_out = True
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
                deadline = time.monotonic() + 5
            for end in ready:
                chunk = os.read(end, 1 << 16)
                texts[end] += chunk
                if not chunk:
                    open_ends.discard(end)
        _, code = os.waitpid(self.pid, 0)
        result = Result()
        result.out, result.err, result.status = bytes(texts[self.out]), bytes(texts[self.err]), texts[self.status].decode()
        result.code, result.timed_out = os.waitstatus_to_exitcode(code), timed_out
        self.close()
        return result

    def close(self):
        for descriptor in (self.out, self.err, self.status, self.pidfd):
            os.close(descriptor)


class Result:
    out = err = b""
    status = ""
    code = None
    timed_out = False

    def __repr__(self):
        return f"status={self.status!r} code={self.code} timed_out={self.timed_out} out={self.out[-400:]!r} err={self.err[-400:]!r}"


def jailed(arguments, roots, timeout=60, **options):
    """Runs a tool in the jail. `roots` is one merged root, or with LAYERS a list."""
    spawn = {key: options.pop(key) for key in ("library", "environment", "poison", "net", "cgroups") if key in options}
    block = control([roots] if isinstance(roots, str) else roots, **options)
    return Running(arguments, block, **spawn).finish(timeout)


@contextlib.contextmanager
def program(name, source):
    """Something of ours that runs in the tool's place by this name."""
    with open(f"{WORK}/{name}.c", "w") as file:
        file.write(source)
    subprocess.run(["cc", "-D_GNU_SOURCE", "-o", f"{WORK}/{name}", f"{WORK}/{name}.c"], check=True)
    PROGRAMS[name] = f"{WORK}/{name}"
    try:
        yield PROGRAMS[name]
    finally:
        del PROGRAMS[name]


def writing(arguments, root, flags=0, **options):
    return jailed(arguments, root, flags=WRITES | flags, capabilities=1 << DAC_OVERRIDE | 1 << FOWNER, **options)


def chrooted(arguments, root, timeout=60):
    """The control: the same tool, copied into the root, under a plain chroot."""
    try:
        done = subprocess.run(["/usr/sbin/chroot", root] + list(arguments), env=PLAIN, stdin=NULL, capture_output=True,
                              timeout=timeout * PATIENCE)
    except subprocess.TimeoutExpired as expired:
        result = Result()
        result.timed_out, result.out, result.err = True, expired.stdout or b"", expired.stderr or b""
        return result
    result = Result()
    result.out, result.err, result.code = done.stdout, done.stderr, done.returncode
    return result


def isolate():
    """A mount namespace of our own from here on; an engine's new mounts would no longer be seen."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x20000) or libc.mount(None, b"/", None, ctypes.c_ulong(0x44000), None):  # NEWNS; REC | PRIVATE
        raise OSError(ctypes.get_errno(), "isolate")


# ---- Roots

def folder(name):
    return tempfile.mkdtemp(prefix=name + "-", dir=WORK)


def write(root, path, data=b"", mode=0o644, owner=(0, 0)):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(data)
    os.chmod(full, mode)
    os.chown(full, *owner)
    return full


def copy_tools(root, tools=("ls", "rm", "du")):
    """The host's tools and what they are linked with, so that they run under chroot."""
    needed = set()
    for tool in tools:
        path = os.path.realpath(shutil.which(tool, path="/usr/bin:/bin"))
        needed.add((path, "/usr/bin/" + tool))
        listing = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        for word in listing.split():
            if word.startswith("/"):
                needed.add((os.path.realpath(word), word))
    for source, name in needed:
        target = root + name
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(source, target)


def plain_root():
    """A small benign root with owners that have names, and some that have none."""
    root = folder("plain")
    os.chmod(root, 0o755)
    write(root, "etc/passwd", b"root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000:Alice,,,:/home/alice:/bin/sh\n"
          b"# a comment\n  padded:x:1001:1001::/:\nshort:x:1002\nbad:x:12x:1:::\n+nis:x:1003:1003:::\nlong:x:4294967296:5:::\n"
          b"alice2:x:1000:1000:::\nsix:x:1006:1006")
    write(root, "etc/group", b"root:x:0:\nstaff:x:50:alice\nalice:x:1000:\ncut:x:1001\n-no:x:1003:\n\n#c:x:1002:\n")
    for uid in (1000, 1001, 1002, 12, 1003, 1006, 77777, 4294967294):
        write(root, f"home/owned-{uid}", b"x" * 100, owner=(uid, uid if uid < 2**31 else 50))
    write(root, "home/secret", b"s", mode=0, owner=(1000, 50))
    write(root, "home/delete_this.txt", b"bye")
    os.makedirs(root + "/home/deep/a/b/c")
    write(root, "home/deep/a/b/c/file", b"y" * 5000)
    os.symlink("/etc/passwd", root + "/home/link")
    os.symlink("nowhere", root + "/home/dangling")
    os.symlink("/", root + "/rootlink")
    os.link(root + "/home/owned-1000", root + "/home/hard")
    os.mkfifo(root + "/home/fifo")
    os.mknod(root + "/home/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.makedirs(root + "/tmp/sticky")
    os.chmod(root + "/tmp", 0o1777)
    copy_tools(root)
    return root


class Overlay:
    """An overlay mount of ours: what an engine makes for a running container."""

    def __init__(self, lower, base=None):
        self.lower = lower
        base = base or folder("overlay")
        self.upper, self.work, self.merged = (os.path.join(base, name) for name in ("upper", "work", "merged"))
        for path in (self.upper, self.work, self.merged):
            os.mkdir(path)
        shutil.copystat(lower, self.upper)
        options = f"lowerdir={lower},upperdir={self.upper},workdir={self.work}"
        subprocess.run(["mount", "-t", "overlay", "test", "-o", options, self.merged], check=True)


# ---- The run

TESTS = []


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def equal(one, other, about=""):
    assert one == other, f"{about}: {one!r} != {other!r}"


def ready(result):
    equal(result.status, "ready\n", repr(result))
    return result


def refused(result, step):
    """The step failed, and the tool said and did nothing."""
    assert result.status.startswith(f"failed {step} "), repr(result)
    equal((result.code, result.out, result.err), (125, b"", b""), repr(result))
    return int(result.status.split()[2])
