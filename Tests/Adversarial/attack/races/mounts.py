"""The places of volumes and of the running instance's mounts change while the view is put together."""

import contextlib
import os
import subprocess

from attack.races.course import LEAST_HITS, Course, add, full, pair, paths_of, plant, share
from attack.report import attack


@attack("races")
def place_of_a_volume(arena, figures):
    """A volume that is for reading stays whole, wherever its place is at that moment."""
    course = Course(arena)
    volume = plant(arena.folder("volume"))
    course.planted.append(volume)
    course.watched += paths_of(volume)
    arm = ["d p", "d q", *pair("p/data", "p/link", course.canary), "d q/data", "f q/data/victim-0"]
    moves = ["p/data", "p/link", "p", "q"]
    options = {"volumes": [(volume, "/home/p/data", "r")]}
    command = ["/usr/bin/rm", "-rf", "/home/p", "/home/q"]
    course.product(figures, command, course.block(**options), share(arena), arm, moves, needle=None)
    course.control(figures, "writable-volumes", command, course.block(**options), arm, moves, needle=None)


@contextlib.contextmanager
def container(root, places):
    """A mount namespace of its own with its folders bound, as a running container has them."""
    script = f"cd {root}"
    for source, place in places:
        script += f" && mount --bind {source} {place}"
    process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script + " && echo made && exec cat"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"made\n", "the container could not be made"
    try:
        yield f"/proc/{process.pid}/mountinfo"
    finally:
        process.kill()
        process.communicate()


BATCH = 10  # runs for each container


@attack("races")
def mount_points_of_a_running_instance(arena, figures):
    """Folders above mount points are exchanged. What the host has bound there must stay whole; by its own exchanges a
    tenant can lose a mount of its own, which is counted and is no escape."""
    course = Course(arena)
    bound = plant(arena.folder("bound"))
    course.planted.append(bound)
    course.watched += paths_of(bound)
    harness = arena.harness
    places = [(bound, "home/p/data"), (bound, "home/p/sub")]
    arm = [*full("p"), "d p/data", *full("q"), "d q/data"]
    moves = ["p", "q"]
    command = ["/usr/bin/rm", "-rf", "/home/p", "/home/q"]
    block = course.block(flags=harness.LIVE, blockers=["/" + place for _, place in places])
    lost, total = 0, share(arena)

    def prepared():
        for path in ("p/data", "p/sub", "q/data", "q/sub"):
            os.makedirs(os.path.join(course.home, path), exist_ok=True)

    for _ in range(-(-total // BATCH)):
        prepared()
        with container(course.merged, places) as table:
            before = open(table).read()
            course.product(figures, command, block, BATCH, arm, moves, needle=None)
            lost += open(table).read() != before
    add(figures, "containers that lost a mount by their own exchange", lost)

    # The control: without blockers it needs no luck, but an exchange can come in between.
    hits = runs = 0
    while hits < LEAST_HITS and runs < 4 * LEAST_HITS:
        runs += 1
        prepared()
        with container(course.merged, places) as table:
            before = open(table).read()
            course.volley(arena.weak_path("no-blockers"), command, block, 1, arm, moves, needle=None)
            hits += open(table).read() != before
    figures["control"] = f"{hits} hits in {runs} runs"
    figures["control hits"] = hits
    assert hits >= LEAST_HITS, figures["control"]
