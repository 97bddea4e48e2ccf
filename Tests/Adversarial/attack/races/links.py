"""A folder and a symbolic link to the host change places on the tool's way."""

import contextlib
import os
import subprocess

from attack.races.course import Course, full, pair, share, victims
from attack.report import attack


def through(arena, figures, climbing):
    """rm is sent to files in a folder that is a link at times: the kernel itself walks through it."""
    course = Course(arena)
    link = course.climbing if climbing else course.canary
    arm, moves = pair("a", "b", link), ["a", "b"]
    operands = [f"home/a/{name}" for name in victims()]
    block = course.block()
    course.product(figures, ["/usr/bin/rm", "-rf"] + ["/" + path for path in operands], block, share(arena), arm, moves)
    course.control(figures, "open", ["/usr/bin/rm", "-rf"] + [f"{course.merged}/{path}" for path in operands], block, arm, moves)


@attack("races")
def rm_through_an_absolute_link(arena, figures):
    through(arena, figures, climbing=False)


@attack("races")
def rm_through_a_climbing_link(arena, figures):
    through(arena, figures, climbing=True)


@attack("races")
def rm_of_a_tree(arena, figures):
    """A whole tree, one of whose folders is a link at times. GNU's rm looks twice; busybox's does not, and is sent in too."""
    course = Course(arena)
    arm, moves = ["d t"] + pair("t/a", "t/b", course.canary), ["t/a", "t/b"]
    busybox, block = arena.busybox("rm"), course.block()
    course.product(figures, ["/usr/bin/rm", "-rf", "/home/t"], block, share(arena, 2), arm, moves)
    course.product(figures, [busybox, "-rf", "/home/t"], block, share(arena, 2), arm, moves)
    course.control(figures, "open", [busybox, "-rf", course.home + "/t"], block, arm, moves)


def read(arena, figures, command):
    course = Course(arena)
    arm, moves = ["d t"] + pair("t/a", "t/b", course.canary), ["t/a", "t/b"]
    block = course.block(writes=False)
    course.product(figures, [*command, "/home/t"], block, share(arena), arm, moves)
    course.control(figures, "open", [*command, course.home + "/t"], block, arm, moves)


@attack("races")
def ls_of_a_tree(arena, figures):
    read(arena, figures, ["/usr/bin/ls", "-lR"])


@attack("races")
def du_that_follows(arena, figures):
    read(arena, figures, ["/usr/bin/du", "-aL"])


@contextlib.contextmanager
def host_user(arena, name, number):
    """The host has this user: a file over its passwd, in our own mount namespace only."""
    path = os.path.join(arena.folder("passwd"), "passwd")
    with open(path, "w") as file:
        file.write(f"root:x:0:0::/:\n{name}:x:{number}:{number}::/:\n")
    subprocess.run(["mount", "--bind", path, "/etc/passwd"], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "/etc/passwd"], check=True)


@attack("races")
def names_of_owners(arena, figures):
    """passwd is a file and a link to the host's at times: ls must not know the host's users."""
    course = Course(arena)
    etc = os.path.join(course.merged, "etc")
    os.mkdir(etc)
    for name, text in (("passwd", "root:x:0:0::/:\n"), ("group", "root:x:0:\n")):
        with open(os.path.join(etc, name), "w") as file:
            file.write(text)
    os.symlink("/" + "../" * 40 + "etc/passwd", os.path.join(etc, "other"))
    owned = os.path.join(course.home, "owned")
    open(owned, "w").close()
    os.chown(owned, 4242, 4242)
    arm, moves, block = full("t"), ["passwd", "other"], course.block(writes=False)
    options = {"place": etc, "needle": " canary-user "}
    with host_user(arena, "canary-user", 4242):
        course.product(figures, ["/usr/bin/ls", "-l", "/home"], block, share(arena), arm, moves, **options)
        course.control(figures, "open", ["/usr/bin/ls", "-l", course.home], block, arm, moves, **options)
