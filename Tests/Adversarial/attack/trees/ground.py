"""What the trees have in common: an instance beside a neighbour, and a look at both sides before and after."""

import contextlib
import os
import time

from attack.canary import Snapshot


class Ground:
    def __init__(self, arena):
        self.arena, self.harness = arena, arena.harness
        self.base = arena.folder("instance")
        for name in ("lower", "upper"):
            os.mkdir(os.path.join(self.base, name))
        self.upper = os.path.join(self.base, "upper")  # filled before it is mounted: an overlay makes names slowly
        self.home = os.path.join(self.upper, "home")
        os.mkdir(self.home)
        self.canary = arena.folder("canary")
        for name in ("SECRET", "victim"):
            with open(os.path.join(self.canary, name), "w") as file:
                file.write("alive")
        self.view = None

    def mount(self):
        self.view = self.arena.overlay(base=self.base)
        return self.view

    def read(self, *command, timeout=60, **options):
        return self.run(command, timeout, **options)

    def write(self, *command, timeout=60, **options):
        harness = self.harness
        options.setdefault("capabilities", 1 << harness.DAC_OVERRIDE | 1 << harness.FOWNER)
        return self.run(command, timeout, flags=harness.WRITES, **options)

    def run(self, command, timeout, library=None, **options):
        if self.view is None:
            self.mount()
        block = self.harness.control([self.view.merged], **options)
        more = {} if library is None else {"library": library}
        running = self.harness.Running(list(command), block, **more)
        result = running.finish(timeout)
        assert result.status == "ready\n", result
        return result


def own_state():
    """What every run must leave as it was."""
    with open("/proc/self/mountinfo") as file:
        mounts = len(file.readlines())
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return mounts, len(os.listdir("/proc/self/fd")), file.read()


@contextlib.contextmanager
def untouched(ground, figures):
    """Around all runs on a tree."""
    ground.mount()
    before, state, started = Snapshot([ground.canary]), own_state(), time.monotonic()
    yield
    assert own_state() == state, f"left behind: {state} became {own_state()}"
    changed = before.differences(Snapshot([ground.canary]))
    assert not changed, f"changed outside: {changed}"
    figures["seconds in the jail"] = round(time.monotonic() - started, 1)
    ground.view.remove()


def equal(one, other, about):
    assert one == other, f"{about}: {str(one)[:300]} is not {str(other)[:300]}"


def ended(result, code, about):
    assert (result.code, result.timed_out) == (code, False), f"{about}: {result}"
