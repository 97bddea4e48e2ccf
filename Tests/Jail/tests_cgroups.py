"""Tools that start in groups of ours, in whatever hierarchies this machine has (cgroups(7))."""

import contextlib
import os
import re
import subprocess

from harness import WORK, NotJoined, Overlay, Running, Skip, control, equal, folder, jailed, plain_root, program, ready, test, write


def hierarchy(controller):
    """Our own group in the controller's hierarchy, and the name of the file to join by: (folder, file, version)."""
    for line in open("/proc/self/mountinfo"):
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split()[:3]
        place = fields.split()[4]
        if kind == "cgroup" and controller in options.split(","):
            ours = re.search(rf"^\d+:(?:[^:]*,)?{controller}(?:,[^:]*)?:(.*)$", open("/proc/self/cgroup").read(), re.M).group(1)
            return place + ours if os.path.isdir(place + ours) else place, "tasks", 1
        if kind == "cgroup2" and controller in open(place + "/cgroup.controllers").read().split():
            return place, "cgroup.procs", 2
    raise Skip(f"no {controller} hierarchy")


@contextlib.contextmanager
def groups(**wanted):
    """A new group in each hierarchy that controls something of this, with these settings: folders and descriptors to join by.

    Version 1 has a hierarchy for each controller; in that of version 2 a process can be in one group only.
    """
    by_hierarchy = {}
    for controller, settings in wanted.items():
        by_hierarchy.setdefault(hierarchy(controller), {})[controller] = settings
    made = []
    try:
        for (parent, name, version), controllers in by_hierarchy.items():
            path = f"{parent}/boathook-test-{os.getpid()}-{'-'.join(controllers)}"
            try:
                for controller in controllers if version == 2 else ():
                    with open(parent + "/cgroup.subtree_control", "w") as file:
                        file.write("+" + controller)
                os.mkdir(path)
            except OSError as error:
                raise Skip(f"no group of our own in {parent}: {error}") from None
            made.append((path, os.open(f"{path}/{name}", os.O_WRONLY | os.O_CLOEXEC)))
            for controller, settings in controllers.items():
                for setting, value in settings.items():
                    with open(f"{path}/{controller}.{setting}", "w") as file:
                        file.write(str(value))
        yield made
    finally:
        for path, descriptor in made:
            os.close(descriptor)
            os.rmdir(path)


@contextlib.contextmanager
def group(controller, **settings):
    """A new group of this controller alone."""
    with groups(**{controller: settings}) as [one]:
        yield one


def limit_memory(path, byte_count):
    """As the agent does, swap included: version 1 counts both together, and that is never less than memory alone."""
    if os.path.exists(path + "/memory.max"):
        settings = (("memory.max", byte_count), ("memory.swap.max", 0))
    else:
        settings = (("memory.memsw.limit_in_bytes", -1), ("memory.limit_in_bytes", byte_count), ("memory.memsw.limit_in_bytes", byte_count))
    for name, value in settings:
        if "sw" not in name or os.path.exists(f"{path}/{name}"):
            with open(f"{path}/{name}", "w") as file:
                file.write(str(value))


def waiting_tool(view, **options):
    running = Running(["ls", "-l", "/many"], control([view.merged]), **options)
    equal(running.status_line(), "ready\n")
    return running


def many_files(count=2000):
    root = plain_root()
    os.mkdir(root + "/many")
    for i in range(count):
        os.close(os.open(f"{root}/many/{'x' * 60}{i:07}", os.O_CREAT, 0o644))
    return Overlay(root)


@test
def tools_are_in_their_groups():
    """In all of them, and only the tool; with pids.max 1 there is room for it and for nothing else."""
    view = many_files()
    with groups(memory={}, cpu={}, pids={"max": 1}) as made:
        for chosen in (made, made[-1:], []):
            running = waiting_tool(view, cgroups=[descriptor for _, descriptor in chosen])
            try:
                inside = [open(path + "/cgroup.procs").read().split() for path, _ in made]
                equal(inside, [[str(running.pid)] if member in chosen else [] for member in made])
                links = [os.readlink(f"/proc/{running.pid}/fd/{fd}") for fd in ("0", "1", "2")]
                assert not any("cgroup" in link or "tasks" in link for link in links), links
                assert set(os.listdir(f"/proc/{running.pid}/fd")) <= {"0", "1", "2", "3"}, "more than its own and the folder that it lists"
            finally:
                result = running.finish()
            equal((result.code, result.out.count(b"\n")), (0, 2001))
        equal({open(path + "/cgroup.procs").read() for path, _ in made}, {""})


@test
def a_group_that_cannot_be_joined():
    """Nothing is executed: not outside the group, and no process or descriptor is left."""
    view = Overlay(plain_root())
    target = view.merged + "/home/hard"
    with group("memory") as (_, memory):
        with group("pids") as (_, pids):
            gone = os.dup(pids)  # of a group that is removed in a moment
        null, plain = os.open("/dev/null", os.O_RDONLY), os.open(write(WORK, "plain"), os.O_RDONLY)
        before = len(os.listdir("/proc/self/fd"))
        for cgroups, error in (([memory, gone], 19), ([gone, memory], 19), ([memory, 9999], 9), ([null], 9), ([plain], 9)):
            try:
                Running(["rm", "/home/hard"], control([view.merged], flags=1), cgroups=cgroups)
                raise AssertionError("it ran")
            except NotJoined as refusal:
                equal(refusal.args[0], error, cgroups)
        for cgroups in ([memory] * 9,):
            try:
                Running(["rm", "/home/hard"], control([view.merged], flags=1), cgroups=cgroups)
                raise AssertionError("it ran")
            except OSError as refusal:
                equal(refusal.errno, 22)
        equal(len(os.listdir("/proc/self/fd")), before)
        try:
            os.waitpid(-1, os.WNOHANG)
            raise AssertionError("a process was left")
        except ChildProcessError:
            pass
        assert os.path.exists(target)
        ready(jailed(["ls"], view.merged, cgroups=[memory] * 8))
        for descriptor in (gone, null, plain):
            os.close(descriptor)


HOG = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
    for (int megabyte = 1; megabyte <= 64; megabyte++) {
        char *more = malloc(1 << 20);
        if (more == NULL) return 3;
        memset(more, 1, 1 << 20);
        printf("%d\n", megabyte);
        fflush(stdout);
    }
    return 0;
}
"""


@test
def memory_of_a_group_is_a_limit():
    """Far below the address space that the tool may have: the group's out-of-memory killer ends it, and nothing else."""
    view = many_files(20000)
    with program("hog", HOG), group("memory") as (path, descriptor):
        limit_memory(path, 16 << 20)
        free = ready(jailed(["hog"], view.merged))
        equal((free.code, free.out.count(b"\n")), (0, 64), "the control")
        got = ready(jailed(["hog"], view.merged, cgroups=[descriptor]))
        equal(got.code, -9, got)
        assert 1 <= got.out.count(b"\n") < 16, got
        # The same with a tool: 20,000 names and what ls knows of each take more than 4 MiB.
        limit_memory(path, 4 << 20)
        equal(ready(jailed(["ls", "-l", "/many"], view.merged, cgroups=[descriptor])).code, -9)
        equal(ready(jailed(["ls", "-l", "/many"], view.merged)).code, 0)
        events = open(path + ("/memory.oom_control" if os.path.exists(path + "/memory.oom_control") else "/memory.events")).read()
        assert int(re.search(r"^oom_kill (\d+)", events, re.M).group(1)) >= 2, events


@test
def what_joining_costs():
    """Not a verdict, figures: 200 spawns each (or BOATHOOK_BENCH_RUNS), in no group and in those of all hierarchies."""
    root = folder("bench")
    for i in range(25):
        write(root, f"entry-{i:02}", b"")
    view = Overlay(root)
    block = write(WORK, "block", control([view.merged]))
    with groups(memory={}, cpu={}, pids={"max": 8}) as made:
        for path, _ in made:
            if os.path.exists(path + "/memory.stat"):
                limit_memory(path, 256 << 20)
        files = [path + ("/tasks" if os.path.exists(path + "/tasks") else "/cgroup.procs") for path, _ in made]
        runs = os.environ.get("BOATHOOK_BENCH_RUNS", "200")
        done = subprocess.run([WORK + "/bench", runs, WORK + "/libboathook-jail.so", block, view.merged] + files, capture_output=True, text=True)
        assert done.returncode == 0, done
        print(f"# groups: {len(made)}; {done.stdout.strip()}")
