"""What is no file: FIFOs, sockets, devices, links that go round."""

import contextlib
import os
import socket
import stat
import time

from attack.report import attack
from attack.trees.ground import Ground, ended, equal, untouched


@attack("trees")
def fifos_sockets_and_devices(arena, figures):
    ground = Ground(arena)
    nodes = {"fifo": "p", "socket": "s"}
    os.mkfifo(ground.home + "/fifo")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        here = os.open(ground.home, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
    devices = {"char": stat.S_IFCHR, "block": stat.S_IFBLK}
    try:
        for name, kind in devices.items():
            os.mknod(os.path.join(ground.home, name), kind | 0o666, os.makedev(1, 3 if name == "char" else 0))
        nodes.update({"char": "c", "block": "b"})
    except PermissionError:
        figures["left out"] = "devices: mknod is refused here"
    waiting = arena.weak("waiting")
    with untouched(ground, figures):
        listed = ground.read("ls", "-l", "/home")
        ended(listed, 0, "ls")
        kinds = {line.split()[-1].decode(): chr(line[0]) for line in listed.out.splitlines()[1:]}
        equal(kinds, nodes, "the kinds")
        ended(ground.read("du", "-a", "/home"), 0, "du")
        for name in nodes:
            refused = ground.read("du", f"--files0-from=/home/{name}", timeout=20)
            assert not refused.timed_out and refused.code == 1 and refused.err, refused
        # The control: opened as it stands, a FIFO holds a tool up, until it is killed at its time; and then it goes.
        started = time.monotonic()
        running = ground.harness.Running(
            ["du", "--files0-from=/home/fifo"], ground.harness.control([ground.view.merged]), library=waiting)
        equal(running.status_line(), "ready\n", "the status")
        held = running.finish(0.5)
        assert held.timed_out and held.code == -9, f"the control was not caught: {held}"
        assert time.monotonic() - started < 30, "it did not end when it was killed"
        figures["control"] = "caught"
        ended(ground.write("rm", "-r", "/home"), 0, "rm")


@attack("trees")
def links_that_go_round(arena, figures):
    ground = Ground(arena)
    os.symlink("b", ground.home + "/a")
    os.symlink("a", ground.home + "/b")
    os.symlink("self", ground.home + "/self")
    os.symlink(".", ground.home + "/here")
    os.mkdir(ground.home + "/tree")
    os.symlink("..", ground.home + "/tree/up")
    for number in range(60):  # longer than the 40 that the kernel follows
        os.symlink(f"chain-{number + 1}", f"{ground.home}/chain-{number}")
    os.symlink("x" * 4000, ground.home + "/long")
    os.symlink(ground.canary, ground.home + "/out")
    with untouched(ground, figures):
        for command in (["ls", "-lLR", "/home"], ["du", "-aL", "/home"], ["ls", "-l", "/home/a/"], ["du", "/home/chain-0/"]):
            result = ground.read(*command, timeout=60)
            assert not result.timed_out and result.code in (1, 2) and result.err, (command, result)
            assert b"SECRET" not in result.out, (command, result)
        looping = ground.read("ls", "-lL", "/home/a")
        assert looping.code == 2 and b"Too many levels of symbolic links" in looping.err, looping
        # The control: not followed, each is a name like another.
        ended(ground.read("ls", "-lR", "/home"), 0, "the control")
        figures["control"] = "caught"
        ended(ground.write("rm", "-r", "/home"), 0, "rm")
        equal(os.path.lexists(ground.view.merged + "/home"), False, "what is left")
