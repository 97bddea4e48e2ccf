"""What a run leaves behind on the host: nothing, not even for a moment."""

import os
import subprocess

from attack import sandbox
from attack.report import attack

RUNS = 20


def table_changes(arena, library):
    """In a namespace whose mounts are shared, as systemd makes the host's: whether runs change its table of mounts."""
    harness = arena.harness
    view = arena.overlay()
    os.makedirs(view.lower + "/home", exist_ok=True)
    child = os.fork()
    if child == 0:
        status = 2
        try:
            sandbox.check(sandbox.libc.unshare(sandbox.NEWNS), "unshare")
            sandbox.mount(None, "/", flags=0x104000)  # MS_SHARED, MS_REC
            # Opened now: what is mounted over "/" by mistake would be in the way later.
            table = os.open("/proc/self/mountinfo", os.O_RDONLY)
            before = os.read(table, 1 << 20)
            for number in range(RUNS):
                merged = number % 2 == 0
                block = harness.control([view.merged] if merged else [view.lower], flags=0 if merged else harness.LAYERS,
                                        blockers=["/home"])
                result = harness.Running(["ls", "/"], block, library=library).finish()
                if library == harness.LIBRARY and result.status != "ready\n":
                    os._exit(3)
            os.lseek(table, 0, os.SEEK_SET)
            status = int(os.read(table, 1 << 20) != before)
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 1), f"it could not be tried: {code}"
    return code == 1


@attack("residue")
def mounts_of_a_host_that_shares_them(arena, figures):
    assert not table_changes(arena, arena.harness.LIBRARY), "the host's table of mounts changed"
    assert table_changes(arena, arena.weak("shared")), "the control was not caught"
    figures["runs in the jail"] = RUNS
    figures["control"] = "caught"


@attack("residue")
def mounts_processes_and_devices(arena, figures):
    """After many runs, also killed ones: the same mounts, processes, System V objects and descriptors as before."""
    harness = arena.harness
    view = arena.overlay()
    os.mkdir(view.merged + "/many")
    for number in range(3000):
        open(f"{view.merged}/many/{number:060}", "w").close()

    def look():
        queues = subprocess.run(["ipcs"], capture_output=True, text=True).stdout
        with open("/proc/self/mountinfo") as table, open(f"/proc/self/task/{os.getpid()}/children") as processes:
            return table.read(), processes.read(), queues, len(os.listdir("/proc/self/fd")), sorted(os.listdir(arena.work))

    before = look()
    for number in range(200):
        running = harness.Running(["ls", "-lR", "/"], harness.control([view.merged]))
        if number % 4 == 0:
            running.status_line()
        if number % 2 == 0:
            harness.signal.pidfd_send_signal(running.pidfd, 9)
        running.finish()
    after = look()
    assert after == before, "left behind: " + repr([pair for pair in zip(before, after) if pair[0] != pair[1]])[:500]
    figures["runs in the jail"] = 200
    # The control: a mount that stays is seen.
    kept = arena.overlay()
    assert look() != before, "the control was not caught"
    kept.remove()
    figures["control"] = "caught"
