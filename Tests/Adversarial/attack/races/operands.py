"""What stands at an operand, or at an allowed folder, is exchanged between our look at it and the tool's."""

import os

from attack.races.course import SECRET, Course, full, pair, paths_of, plant, share
from attack.report import Skip, attack


@attack("races")
def operand_becomes_the_root(arena, figures):
    """"a/" is a folder, and a link to the root at times. rm's own comparison stands behind ours."""
    course = Course(arena)
    arm, moves = ["d home", *pair("home/a", "home/b", "/")], ["home/a", "home/b"]
    bystander = os.path.join(course.merged, "bystander")
    course.watched = [bystander]
    options = {"place": course.merged, "needle": None}
    block = course.block(guards=["/home/a/"])
    course.product(figures, ["/usr/bin/rm", "-rf", "/home/a/"], block, share(arena), arm, moves, **options)
    course.control(figures, "no-guard", ["/usr/bin/rm", "-rf", "--no-preserve-root", "/home/a/"], block, arm, moves, **options)


@attack("races")
def out_of_a_narrowed_view(arena, figures):
    """The tenant's own other folders, behind links and exchanges, for a tool that may see one folder only."""
    if not arena.has("paths"):
        raise Skip("this tree's jail has no narrowed views")
    course = Course(arena)
    other = plant(os.path.join(course.home, "other"))
    course.watched = paths_of(other)
    course.planted = [course.canary, course.neighbour, other]
    arm = ["d allowed", *pair("allowed/a", "allowed/b", "/home/other"), *pair("door", "window", "other"),
           *full("allowed/t"), *full("allowed/t/1"), *full("moved")]
    moves = ["allowed/a", "allowed/b", "door", "window"]
    narrow, wide = course.block(paths=["/home/allowed", "/home/door"]), course.block
    operands = [f"/home/allowed/a/{os.path.basename(path)}" for path in course.watched] + ["/home/allowed/a/", "/home/door/"]
    course.product(figures, ["/usr/bin/rm", "-rf", *operands], narrow, share(arena, 3), arm, moves, needle=SECRET)
    course.product(figures, ["/usr/bin/ls", "-lRL", "/"], course.block(paths=["/home/allowed", "/home/door"]), share(arena, 3), arm,
                   moves, needle=SECRET)
    course.product(figures, [arena.program("naive"), "rm", "/home/allowed/t"], narrow, share(arena, 3), arm,
                   ["allowed/t/1", "moved"], needle=None)
    course.control(figures, None, ["/usr/bin/rm", "-rf", *operands], wide(), arm, moves, needle=SECRET)
