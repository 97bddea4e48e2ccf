"""Everything that must end before the tool's main: each refusal names its step, and the tool does nothing."""

import os
import random
import subprocess

from harness import (DAC_OVERRIDE, ENVIRONMENT, FOWNER, HEADER, LAYERS, LIBRARY, NETWORK, NULL, WORK, WRITES, Overlay, Running,
                     control, equal, folder, jailed, plain_root, ready, refused, sealed, test, write, writing)


@test
def the_root_cannot_be_removed():
    root = plain_root()
    os.symlink(".", root + "/dot")
    view = Overlay(root)
    before = sorted(os.listdir(view.merged))
    for operand in ("/", "//", "/.", "/..", ".", "./", "..", "/rootlink/", "rootlink/.", "/home/..", "/home/../.", "dot/", "/dot/rootlink/"):
        equal(refused(writing(["rm", "-rf", "--no-preserve-root", operand], view.merged, guards=["missing", "home/hard", operand]), "guard_root"), 2)
    equal(sorted(os.listdir(view.merged)), before)
    # A link to the root is not the root, and what is missing or no path at all is rm's own business.
    for operand in ("/rootlink", "/missing", "", "x" * 4000, "/home/hard/"):
        ready(writing(["rm", "-f", operand], view.merged, guards=[operand]))
    assert not os.path.lexists(view.merged + "/rootlink")


@test
def only_overlay_mount_roots():
    view = Overlay(plain_root())
    os.symlink(view.merged, WORK + "/merged-link")
    refused(jailed(["ls"], view.lower), "root_kind")  # a folder
    refused(jailed(["ls"], view.merged + "/home"), "root_kind")  # inside an overlay
    refused(jailed(["ls"], "/proc"), "root_kind")  # a mount, of something else
    refused(jailed(["ls"], WORK + "/merged-link"), "root_open")
    refused(jailed(["ls"], "/nonexistent"), "root_open")
    refused(jailed(["ls"], view.merged + "/etc/passwd"), "root_open")
    refused(jailed(["ls"], ["/nonexistent", view.lower], flags=LAYERS), "root_open")
    refused(jailed(["ls"], [view.lower, view.lower], flags=LAYERS), "layers")  # the same layer twice


@test
def malformed_control_blocks():
    view = Overlay(plain_root())
    target = view.merged + "/home/hard"
    root, caps = [view.merged], 1 << DAC_OVERRIDE | 1 << FOWNER
    good = control(root, flags=WRITES, capabilities=caps)
    blocks = {
        "empty": b"", "header only": good[:HEADER], "cut": good[:-1], "longer": good + b"x", "longer by a string": good + b"x\0",
        "a string too many": control(root, WRITES, capabilities=caps, length=len(good) + 2) + b"x\0",
        "no NUL": good[:-1] + b"x",
        "magic": control(root, WRITES, magic=1), "version": control(root, WRITES, version=1),
        "length": control(root, WRITES, length=HEADER - 1), "unknown flag": control(root, WRITES | 16),
        "writes and layers": control(root, WRITES | LAYERS), "no root": control([], WRITES),
        "two merged roots": control(root * 2, WRITES), "relative root": control(["tmp"], WRITES),
        "too many layers": control(["/"] * 501, LAYERS), "counts beyond": control(root, WRITES, counts=(1, 1, 0, 0, 0, 0)),
        "huge counts": control(root, WRITES, counts=(1,) + (2**32 - 1,) * 5),
        "many blockers": control(root, WRITES, blockers=["/a"] * 4097), "many guards": control(root, WRITES, guards=["a"] * 1025),
        "relative blocker": control(root, WRITES, blockers=["etc"]), "volume mode": control(root, WRITES, volumes=[("/a", "/b", "x")]),
        "relative volume": control(root, WRITES, volumes=[("a", "/b", "r")]),
        "relative destination": control(root, WRITES, volumes=[("/a", "b", "r")]),
        "many protected": control(root, WRITES, protected=["/a"] * 257), "many paths": control(root, WRITES, paths=["/a"] * 65),
        "relative protected": control(root, WRITES, protected=["etc"]), "relative only path": control(root, WRITES, paths=["etc"]),
        **{f"only path {path!r}": control(root, WRITES, paths=[path])
           for path in ("", "/", "//", "/home/", "//home", "/home//deep", "/.", "/home/.", "/home/..", "/../home", "/home/./deep")},
        "only paths out of order": control(root, WRITES, paths=["/home/deep", "/home"]),
        "long path": control(["/" + "x" * 4095], WRITES), "another capability": control(root, WRITES, capabilities=caps | 1 << 2),
        "all capabilities": control(root, WRITES, capabilities=2**64 - 1), "no time": control(root, WRITES, cpu=0),
        "endless time": control(root, WRITES, cpu=2**64 - 1), "no memory": control(root, WRITES, memory=0),
        "no files": control(root, WRITES, files=0), "too large": good + b"\0" * (1 << 20),
    }
    for name, block in blocks.items():
        result = Running(["rm", "/home/hard"], block).finish()
        try:
            refused(result, "control")
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
        assert os.path.exists(target), name
    return f"{len(blocks)} blocks"


@test
def random_control_blocks():
    """200 seeds: rubbish, and one to three damaged bits of a good block. Whatever runs, runs in a jail on the view."""
    view = Overlay(plain_root())
    good = control([view.merged], volumes=[(view.lower, "/home", "r")], blockers=["/etc"], guards=["x"])
    ready(Running(["ls", "/"], good).finish())
    refusals = 0
    for seed in range(200):
        random.seed(seed)
        if seed % 2:
            block = random.randbytes(random.randrange(0, 400))
        else:
            damaged = bytearray(good)
            for _ in range(random.randrange(1, 4)):
                damaged[random.randrange(HEADER)] ^= 1 << random.randrange(8)
            block = bytes(damaged)
        result = Running(["rm", "/tmp/sticky/none", "/home/hard"], block).finish()
        assert result.status.startswith("failed ") and result.code == 125 or result.status == "ready\n", (seed, result)
        if seed % 2:
            refused(result, "control")
        refusals += result.code == 125
        assert os.path.exists(view.merged + "/home/hard"), seed
        assert os.path.exists(view.lower + "/home/hard"), seed
    assert refusals < 200, "no damaged block was good enough to run"
    return f"200 seeds, {refusals} refused"


@test
def without_the_library_the_poison_stops_the_tool():
    """ld.so goes on without a preload that it cannot open: then the tool must stop by itself."""
    root = folder("host")
    target = write(root, "target", b"")
    block = control(["/"], flags=WRITES)
    cases = {"missing file": dict(environment=["LD_PRELOAD=/nonexistent/lib.so"] + ENVIRONMENT[1:]),
             "no preload": dict(environment=ENVIRONMENT[1:]), "not a library": dict(library=sealed(b"not an ELF file", True)),
             "an empty library": dict(library=sealed(b"", True))}
    for name, options in cases.items():
        for command in (["rm", "-rf", target], ["ls", root], ["du", root]):
            result = Running(command, block, **options).finish()
            assert result.code not in (0, 125) and result.status == "" and result.out == b"", (name, result)
            assert os.path.exists(target), name
    # The control: the same call without the poison and the library does delete.
    result = Running(["rm", "-rf", target], block, environment=ENVIRONMENT[1:], poison=False).finish()
    assert result.code == 0 and not os.path.exists(target), result


@test
def arguments_and_environment_are_checked():
    view = Overlay(plain_root())
    refused(jailed(["rm", "/home/hard"], view.merged, flags=WRITES, poison=False), "arguments")
    refused(jailed(["ls"], view.merged, poison=False), "arguments")
    for extra in ("LD_LIBRARY_PATH=/tmp", "GLIBC_TUNABLES=glibc.malloc.check=3", "LS_COLORS=", "A=b", ""):
        refused(jailed(["ls"], view.merged, environment=ENVIRONMENT + [extra]), "arguments")
    ready(jailed(["ls"], view.merged, environment=[ENVIRONMENT[0]]))


@test
def the_spawner_reports_and_the_agent_must_live():
    view = Overlay(plain_root())
    block = control([view.merged])
    # No reader of the status pipe.
    import ctypes
    import harness
    out, wide = os.pipe()
    status_read, status = os.pipe()
    os.close(status_read)
    memfd = sealed(block)
    request = harness.Request(b"/usr/bin/ls", harness.strings(["ls", harness.POISON]), harness.strings(ENVIRONMENT), NULL, wide, wide, memfd,
                              status, NETWORK, LIBRARY)
    pid, pidfd = ctypes.c_int(), ctypes.c_int()
    equal(harness.shim.cjail_spawn(ctypes.byref(request), ctypes.byref(pid), ctypes.byref(pidfd)), 0)
    os.close(wide)
    equal(os.read(out, 100), b"")
    equal(os.waitstatus_to_exitcode(os.waitpid(pid.value, 0)[1]), 125)
    # Nothing to execute, a bad descriptor: an errno, no process, no descriptor.
    fds = len(os.listdir("/proc/self/fd"))
    for path, network, error in ((b"/nonexistent", NETWORK, 2), (b"/etc/passwd", NETWORK, 13), (b"/usr/bin/ls", 9999, 9)):
        request.path, request.network, request.output, request.error = path, network, NULL, NULL
        equal(harness.shim.cjail_spawn(ctypes.byref(request), ctypes.byref(pid), ctypes.byref(pidfd)), error)
    equal(len(os.listdir("/proc/self/fd")), fds)
    try:
        os.waitpid(-1, os.WNOHANG)
        raise AssertionError("a process was left")
    except ChildProcessError:
        pass
    for descriptor in (out, status, memfd):
        os.close(descriptor)
    # Not a network namespace; not process 1.
    other = os.open("/proc/self/ns/uts", os.O_RDONLY)
    refused(jailed(["ls"], view.merged, net=other), "namespaces")
    refused(jailed(["ls"], view.merged, net=NULL), "namespaces")
    os.close(other)


@test
def not_in_the_hosts_pid_namespace():
    """The library by itself, without the spawner's new PID namespace."""
    view = Overlay(plain_root())
    status_read, status = os.pipe()
    block = sealed(control([view.merged]))
    sources = [block, status, NETWORK, LIBRARY]

    def place():
        moved = [os.dup(source) for source in sources]
        high = [__import__("fcntl").fcntl(descriptor, 0, 50) for descriptor in moved]
        for number, descriptor in zip((3, 4, 5, 6), high):
            os.dup2(descriptor, number)

    done = subprocess.run(["/usr/bin/ls", "--boathook-not-jailed"], env=dict(entry.split("=", 1) for entry in ENVIRONMENT), preexec_fn=place,
                          close_fds=False, capture_output=True)
    os.close(status)
    text = os.read(status_read, 100)
    os.close(status_read)
    os.close(block)
    equal((done.returncode, text[:18]), (125, b"failed namespaces "), done)
