"""Each system call between the tool's exec and "ready" is made to fail once (strace, --inject), in turn: the tool's main
must not run, or the jail around it must be whole.

What a whole jail looks like is what a run without a fault looked like: the tool says what it sees, and it is looked at
from outside while it waits.
"""

import collections
import re
import shutil

from attack.report import Skip, attack
from attack.traced import Run, Scene, setup_calls

ERRORS = ("EPERM", "EINVAL", "ENOSYS", "ENOMEM")

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
            if f"= -1 {error} " in fault.lines.splitlines()[-1]:
                continue  # that is its answer anyway
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
