"""Each system call between the tool's exec and "ready" is made to fail once (strace, --inject), in turn: the tool's main
must not run, or the jail around it must be whole.

What a whole jail looks like is what a run without a fault looked like: the tool says what it sees, and it is looked at
from outside while it waits.
"""

import collections
import os
import re
import select
import shutil
import signal
import subprocess
import time

from attack.report import Skip, attack

ERRORS = ("EPERM", "EINVAL", "ENOSYS", "ENOMEM")
PATIENCE = 3  # seconds for a run that takes a tenth of one

# Before the exec, and no part of what contains the tool: which signals it ignores.
NOT_INJECTED = {"rt_sigaction", "rt_sigprocmask"}

# Calls of the jail itself whose failure changes nothing that it promises. (What the linker does before the library's
# first call is judged by the jail that comes of it alone.)
HARMLESS = {
    "close": "Linux has given the descriptor up even when it reports an error (close(2), NOTES); close_range ends what is left",
    "umask": "never fails (umask(2)); the tool cannot create a file",
    "munmap": "the C library giving back memory of its own",
    "mmap": "the C library's allocator goes another way",
    "brk": "the C library's allocator goes another way",
    "getrandom": "the allocator's and stdio's keys, which protect nothing of the jail",
}

# The same of single calls, by the log's line and the one before it.
FIFO = "whether what is opened is a FIFO (opening.c); these are ours, and opened with O_NONBLOCK in any case"
HARMLESS_ABOUT = {
    r'\n.*"/usr/share/zoneinfo/': "a file of the zone's name that is not found is what is hoped for: UTC0 is then a rule (tzset(3))",
    r'\n.*newfstatat\(AT_FDCWD, "/proc/self/oom_score_adj"': FIFO,
    r'\n.*newfstatat\(\d+, "f"': FIFO,
    r'O_WRONLY.*\n.*newfstatat\(\d+, "",': FIFO,
}

# What the log of a run without a fault must show: protections that cannot be seen from anywhere once they are in force.
ASKED_FOR = [
    r"prctl\(PR_SET_DUMPABLE, (SUID_DUMP_DISABLE|0)", r"prctl\(PR_SET_PDEATHSIG, SIGKILL", r"poll\(\[\{fd=4", r"setsid\(\)",
    r"umask\(022\)", r"setns\(5, CLONE_NEWNET\)", r"unshare\((?=.*NEWNS)(?=.*NEWIPC)(?=.*NEWUTS)(?=.*NEWCGROUP)",
    r'mount\(NULL, "/", NULL, MS_REC\|MS_PRIVATE',
    r"prctl\(PR_SET_SECUREBITS, (?=.*NOROOT\|)(?=.*NOROOT_LOCKED)(?=.*NO_SETUID_FIXUP_LOCKED)(?=.*KEEP_CAPS_LOCKED)",
    r"prctl\(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL", r"capset\(", r"capget\(", r"prctl\(PR_SET_NO_NEW_PRIVS, 1",
    r"pivot_root\(", r"umount2\(.*MNT_DETACH.*", r"close_range\(5, 4294967295", r"seccomp\(SECCOMP_SET_MODE_FILTER",
]

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
            launcher.stdin.write(b"g")
            launcher.stdin.flush()
            self.output, self.seen = self.read_output(outputs[0], launcher.pid)
            os.close(inputs[1])
            inputs = None
            self.output += read_all(outputs[0])
            self.status = read_all(statuses[0]).decode().strip()
            self.code = launcher.wait(timeout=30)
        finally:
            if inputs:
                os.close(inputs[1])
            for pid in children(launcher.pid):
                os.kill(pid, signal.SIGKILL)
            launcher.kill()
            launcher.communicate()
            strace.communicate(timeout=30)
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
            if arena.has("protected"):
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


def judge(fault, run, whole):
    """One word of what came of a fault."""
    if not run.is_injected:
        return "not reached"
    if not run.ran:
        return "killed at its time" if run.is_killed else "refused"
    output, seen = run.state
    different = {line for pair in zip((output, seen), whole) for line in set(pair[0] or ()) ^ set(pair[1])}
    if fault.call == "close" and fault.phase == "jail":
        different = {line for line in different if not line.startswith(("descriptors", "copies of a descriptor"))}
    if fault.call == "umask":
        different = {line for line in different if not line.startswith("Umask")}
    if different:
        return "run anyway"
    if fault.phase == "jail":
        about = any(re.search(pattern, fault.lines) for pattern in HARMLESS_ABOUT)
        return "harmless" if about or fault.call in HARMLESS else "run anyway"
    return "no consequence"


def campaign(arena, figures, layers, errors=ERRORS):
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    scene = Scene(arena, layers)
    # After seccomp, a call that strace makes fail is one that the filter kills the process for: number -1 counts as an x32
    # call. So the calls after that are made to fail in a build whose filter merely refuses it.
    calm = arena.weak_path("calm")
    clean = Run(arena, scene, arena.library_path)
    assert clean.status == "ready" and clean.code == 0 and clean.seen, (clean.status, clean.code, clean.output)
    whole = clean.state
    again = Run(arena, scene, calm)
    assert again.state == whole, "two runs without a fault differ: " + repr(set(map(str, again.state)) ^ set(map(str, whole)))
    faults = [fault for fault in setup_calls(clean.lines) if fault.call not in NOT_INJECTED]
    sealed = next(i for i, fault in enumerate(faults) if fault.call == "seccomp")

    verdicts, anyway = collections.Counter(), collections.Counter()
    for number, fault in enumerate(faults):
        for error in errors:
            run = Run(arena, scene, calm if number > sealed else arena.library_path, (fault.call, fault.occurrence, error))
            verdict = judge(fault, run, whole)
            verdicts[verdict] += 1
            if verdict in ("run anyway", "not reached"):
                anyway[f"{verdict}: {fault.call} {fault.occurrence} ({fault.phase}) {error}"] += 1
    kinds = collections.Counter(fault.phase for fault in faults)
    figures["calls from the start to ready"] = ", ".join(f"{phase} {count}" for phase, count in kinds.items())
    figures["injected"] = sum(verdicts.values()) - verdicts["not reached"]
    figures["verdicts"] = dict(verdicts)
    figures["run anyway"] = verdicts["run anyway"]
    if anyway:
        figures["to be looked at"] = sorted(anyway)
    return scene, whole, faults


def not_asked_for(lines):
    return [pattern for pattern in ASKED_FOR if not any(re.search(pattern, line) for line in lines)]


@attack("faults")
def protections_asked_for(arena, figures):
    """What the log of a run must show."""
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    run = Run(arena, Scene(arena, layers=False), arena.library_path)
    missing = not_asked_for(run.lines)
    figures["protections asked for"] = len(ASKED_FOR) - len(missing)
    assert not missing, f"the jail does not ask for {missing}"
    # The control: a log without one of them is seen.
    assert not_asked_for([line for line in run.lines if "SECUREBITS" not in line]), "the control was not caught"
    figures["control"] = "caught"


@attack("faults")
def setup_in_short(arena, figures):
    """With one kind of error only."""
    campaign(arena, figures, layers=False, errors=("EPERM",))
    assert not figures["run anyway"], f"{figures['run anyway']} runs in a jail that was not whole"


@attack("faults")
def setup_of_a_writer(arena, figures):
    scene, whole, faults = campaign(arena, figures, layers=False)
    # The control: a build that does not look at what seccomp, or capset, said.
    for weak, call in (("careless-seccomp", "seccomp"), ("careless-capset", "capset")):
        fault = next(fault for fault in faults if fault.call == call)
        run = Run(arena, scene, arena.weak_path(weak), (call, fault.occurrence, "EPERM"))
        assert judge(fault, run, whole) == "run anyway", f"the control {weak} was not caught: {run.status} {run.output}"
    figures["control"] = "caught seccomp, capset"
    assert not figures["run anyway"], f"{figures['run anyway']} runs in a jail that was not whole"


@attack("faults")
def setup_of_a_reader_of_layers(arena, figures):
    campaign(arena, figures, layers=True)
    assert not figures["run anyway"], f"{figures['run anyway']} runs in a jail that was not whole"
