"""Layers with the overlay's own marks in them, as an image could bring them: opaque, redirect, metacopy, whiteouts."""

import os
import stat

from attack.report import attack
from attack.trees.ground import Ground, equal, untouched


@attack("trees")
def marks_of_the_overlay(arena, figures):
    ground = Ground(arena)
    lower = os.path.join(ground.base, "lower")
    for folder in ("plain", "elsewhere", "covered"):
        os.makedirs(os.path.join(lower, folder))
        open(os.path.join(lower, folder, "of-" + folder), "w").close()
    climbing = "../" * 40 + ground.canary.lstrip("/")
    marks = {
        # name: (attribute, value); each on a folder of the upper layer
        "inside": ("redirect", b"/elsewhere"),
        "absolute": ("redirect", os.fsencode(ground.canary)),
        "climbing": ("redirect", climbing.encode()),
        "slashes": ("redirect", b"/../../../.." + os.fsencode(ground.canary)),
        "dots": ("redirect", b".."),
        "empty": ("redirect", b""),
        "long": ("redirect", b"/" + b"x" * 4000),
        "covered": ("opaque", b"y"),
        "odd": ("opaque", b"\xff" * 64),
        "impure": ("impure", b"y"),
        "origin": ("origin", b"\x00\xfb\x1d\x00" + b"\xff" * 24),
        "upper": ("upper", b"\xff" * 32),
    }
    for prefix in ("trusted", "user"):
        for name, (attribute, value) in marks.items():
            folder = os.path.join(ground.upper, name if prefix == "trusted" else "user-" + name)
            os.makedirs(folder, exist_ok=True)
            os.setxattr(folder, f"{prefix}.overlay.{attribute}", value)
    for name, target in (("meta-out", os.fsencode(os.path.join(ground.canary, "SECRET"))), ("meta-in", b"/elsewhere/of-elsewhere")):
        path = os.path.join(ground.upper, name)
        open(path, "w").close()
        os.truncate(path, 5)
        os.setxattr(path, "trusted.overlay.metacopy", b"")
        os.setxattr(path, "trusted.overlay.redirect", target)
    try:
        os.mknod(os.path.join(ground.upper, "plain"), stat.S_IFCHR, os.makedev(0, 0))  # a whiteout
    except PermissionError:
        figures["left out"] = "whiteouts: mknod is refused here"

    with untouched(ground, figures):
        harness = arena.harness
        figures["marks"] = len(marks) * 2 + 2
        names = sorted(os.listdir(ground.upper))
        # Running: the overlay that an engine has mounted. Stopped: all layers as lower ones.
        stopped = {"roots": [ground.upper, lower], "flags": harness.LAYERS}
        running = {"roots": [ground.view.merged], "flags": 0}
        for options in (running, stopped):
            roots = options.pop("roots")
            for name in [".", *names]:
                for command in (["ls", "-laRL", "/" + name], ["du", "-aL", "/" + name]):
                    result = harness.Running(command, harness.control(roots, **options)).finish()
                    assert result.status == "ready\n" and not result.timed_out, (command, result)
                    assert b"SECRET" not in result.out, (command, result)
        # The control: such marks do work, where they lead to something of the same layers.
        shown = harness.Running(["ls", "/inside"], harness.control([ground.upper, lower], flags=harness.LAYERS)).finish()
        covered = harness.Running(["ls", "/covered"], harness.control([ground.upper, lower], flags=harness.LAYERS)).finish()
        equal((shown.out, covered.out), (b"of-elsewhere\n", b""), "the control")
        figures["control"] = "caught"
        # A writer removes what it is told to; what the marks name stays.
        for name in names:
            if not name.startswith("meta") and name != "home":
                ground.write("rm", "-rf", "/" + name)
        equal(os.listdir(os.path.join(lower, "elsewhere")), ["of-elsewhere"], "what a redirect led to")
        # The kernel may refuse to list the folder that such marks were in; it says so, and at once.
        last = ground.read("ls", "/", timeout=60)
        assert not last.timed_out and (last.code == 0 or last.err), last
