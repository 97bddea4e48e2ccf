"""The container engine dies and comes back; its containers may have died with it."""

import os
import signal

from chaos.faults.catalogue import fault
from harness.engine import ROOT, run
from harness.waiting import eventually


def start(folder):
    """Starts the engine; its containerd, which lost its parent, may be dying at this moment and be in the way."""
    for last in (False, True):
        done = run(ROOT / "bin/engine", "start", "--private", folder, check=last)
        if done.returncode == 0:
            return
        for pid in run("pgrep", "--full", f"{folder}/exec/containerd", check=False).stdout.split():
            os.kill(int(pid), signal.SIGKILL)


@fault("engine-restart", 1.7)
def engine_restart(arena, rng):
    folder = arena.engine.folder / "e"
    agent = arena.fleet.agent
    # An agent whose start falls into this moment finds no engine, says so and ends; whoever keeps it up starts it
    # again.
    agent.may_die = True
    try:
        pid = int((folder / "engine.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        eventually("the engine is dead", lambda: not os.path.exists(f"/proc/{pid}"), 10)
        start(folder)
        arena.residue.note_leaks()
        for instance in arena.instances:
            if instance.is_running and not instance.container.is_running:
                instance.container.start()
    finally:
        agent.may_die = False
    if not agent.is_alive:
        arena.exits["agent without its engine"] += 1
        arena.fleet.start("agent")
    # What the agent told before is not true of the containers any more.
    arena.fleet.proxy.recorded.clear()
    return True
