"""One run of the witness under strace, and what its log says."""

import collections
import contextlib
import os
import re
import select
import signal
import subprocess
import time

from attack.report import Skip

PATIENCE = 10  # seconds for a run that takes a tenth of one

Fault = collections.namedtuple("Fault", "call occurrence phase lines")


class Run:
    """One run of the witness under strace."""

    def __init__(self, arena, scene, library, inject=None):
        self.arena, self.scene, self.is_killed = arena, scene, False
        scene.reset()
        self.log = os.path.join(arena.work, "strace.log")
        inputs, outputs, statuses = os.pipe(), os.pipe(), os.pipe()
        passed = [inputs[0], outputs[1], statuses[1]]
        launcher = subprocess.Popen(
            [arena.program("launcher", spawner=True), library, scene.block, arena.program("witness"), *map(str, passed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=passed, umask=0o027)
        for descriptor in passed:
            os.close(descriptor)
        assert launcher.stdout.read(1) == b"r", "the launcher did not start"
        strace = self.attach(launcher.pid, inject)
        try:
            with contextlib.suppress(BrokenPipeError):  # a fault may have met the launcher itself
                launcher.stdin.write(b"g")
                launcher.stdin.flush()
            self.output, self.seen = self.read_output(outputs[0], launcher.pid)
            os.close(inputs[1])
            inputs = None
            self.output += read_all(outputs[0])
            self.status = read_all(statuses[0]).decode().strip()
            self.code = launcher.wait(timeout=60)
        finally:
            if inputs:
                os.close(inputs[1])
            for pid in children(launcher.pid):
                os.kill(pid, signal.SIGKILL)
            launcher.kill()
            launcher.communicate()
            strace.communicate(timeout=60)
            os.close(outputs[0])
            os.close(statuses[0])
        with open(self.log) as file:
            self.lines = file.read().splitlines()

    def attach(self, pid, inject):
        trace = ["-e", "trace=all"]
        if inject:
            call, occurrence, error = inject
            trace = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={occurrence}"]
        strace = subprocess.Popen(["strace", "-f", "-p", str(pid), "-o", self.log, *trace], stderr=subprocess.PIPE, text=True)
        line = strace.stderr.readline()
        if "attached" not in line:
            strace.kill()
            raise Skip(f"strace cannot trace here: {line.strip()}")
        return strace

    def read_output(self, output, launcher):
        """Until the witness waits, or all has ended; and what it looks like from outside. A process that does neither is
        killed at its time, as a command is."""
        text, deadline = b"", time.monotonic() + PATIENCE
        while not text.endswith(b"END\n"):
            if not select.select([output], [], [], max(0, deadline - time.monotonic()))[0]:
                self.is_killed = True
                for pid in children(launcher):
                    os.kill(pid, signal.SIGKILL)
                deadline = time.monotonic() + 30
                continue
            chunk = os.read(output, 1 << 16)
            if not chunk:
                return text, None
            text += chunk
        return text, look_at(children(launcher)[0])

    @property
    def ran(self):
        return b"MAIN" in self.output or self.status == "ready" or self.scene.is_touched()

    @property
    def state(self):
        return self.output.decode(errors="replace").splitlines(), self.seen

    @property
    def is_injected(self):
        return any("(INJECTED)" in line for line in self.lines)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def read_all(descriptor):
    text = b""
    while chunk := os.read(descriptor, 1 << 16):
        text += chunk
    return text


def look_at(pid):
    """What the kernel says of the process: what two runs have in common if their jails are the same."""
    seen = []
    with open(f"/proc/{pid}/status") as file:
        names = "Umask Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Seccomp_filters Threads SigIgn SigBlk SigCgt"
        seen += [line.strip() for line in file if line.split(":")[0] in names.split()]
    with open(f"/proc/{pid}/limits") as file:
        seen += file.read().splitlines()
    with open(f"/proc/{pid}/mountinfo") as file:
        seen += [" ".join(line.split()[4:6]) for line in file]
    for name in ("mnt", "pid", "net", "ipc", "uts", "cgroup"):
        own = os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}")
        seen.append(f"{name} of its own: {own}")
    with open(f"/proc/{pid}/stat") as file:
        session = file.read().rsplit(")", 1)[1].split()[3]  # the sixth field, after the name
        seen.append(f"leads a session: {session == str(pid)}")
    return seen


class Scene:
    """An instance with everything that a control block can ask for."""

    def __init__(self, arena, layers):
        harness = arena.harness
        self.view = arena.overlay()
        home = os.path.join(self.view.merged, "home")
        for name in ("blocked", "volume"):
            os.makedirs(os.path.join(home, name))
        for name in ("of-the-view", "blocked/inside", "blocked-file", "operand"):
            open(os.path.join(home, name), "w").close()
        os.setxattr(os.path.join(home, "of-the-view"), "trusted.attack", b"seen")
        volume = arena.folder("volume")
        open(os.path.join(volume, "inside"), "w").close()
        self.marker = None if layers else os.path.join(home, "marker")
        more = {"volumes": [(volume, "/home/volume", "r")], "blockers": ["/home/blocked", "/home/blocked-file"], "memory": 256 << 20}
        if layers:
            block = harness.control([self.view.upper, self.view.lower], flags=harness.LAYERS, **more)
        else:
            more["guards"] = ["/home/operand", "/home"]
            more["protected"] = ["/etc", "/usr"]
            block = harness.control([self.view.merged], flags=harness.WRITES | harness.LIVE,
                                    capabilities=1 << harness.DAC_OVERRIDE | 1 << harness.FOWNER, **more)
        self.block = os.path.join(self.view.base, "block")
        with open(self.block, "wb") as file:
            file.write(block)

    def reset(self):
        if self.marker and not os.path.exists(self.marker):
            open(self.marker, "w").close()

    def is_touched(self):
        return self.marker is not None and not os.path.exists(self.marker)


def setup_calls(lines):
    """The calls of the tool's process from its exec to "ready", in their order, from the log of a run without a fault.

    An occurrence counts from the process's first call, as strace counts."""
    counts, faults, phase, tool, before = collections.Counter(), [], "spawner", None, ""
    for line in lines:
        found = re.match(r"(\d+)\s+(?:<\.\.\. )?(\w+)(\(| resumed>)", line)
        if not found:
            continue
        pid, call, kind = found.groups()
        if tool is None and re.search(r"\bclone\(", line):
            # The spawner waits inside clone: whoever speaks next is its child.
            tool = False
            continue
        if tool is None or kind != "(":
            continue
        if tool is False:
            tool = pid
        if pid != tool:
            continue
        counts[call] += 1
        # The library's first call is about its control block; the linker's descriptors are all above ours.
        if phase == "linker" and re.search(r"\b(newfstatat|fstat)\(3,", line):
            phase = "jail"
        faults.append(Fault(call, counts[call], phase, f"{before}\n{line}"))
        before = line
        if call == "execve":
            phase = "linker"
        if call == "write" and '"ready' in line:
            return faults
    raise AssertionError("the log has no ready")
