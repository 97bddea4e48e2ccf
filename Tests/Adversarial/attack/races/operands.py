"""What stands at an operand, or at an allowed folder, is exchanged between our look at it and the tool's."""

import os

from attack.races.course import SECRET, Course, add, full, pair, paths_of, plant, share
from attack.report import attack


@attack("races")
def operand_becomes_the_root(arena, figures):
    """The operand is a folder, and a link to the root at times: rm may remove the link, and nothing behind it."""
    course = Course(arena)
    arm, moves = ["d home", *pair("home/a", "home/b", "/")], ["home/a", "home/b"]
    course.watched = [os.path.join(course.merged, "bystander")]
    options = {"place": course.merged, "needle": None}
    command = ["/usr/bin/rm", "-rf", "/home/a"]
    course.product(figures, command, course.block(guards=["/home/a"]), share(arena), arm, moves, **options)
    # The control: a slash behind it, no guard, and rm's own look switched off.
    command = ["/usr/bin/rm", "-rf", "--no-preserve-root", "/home/a/"]
    course.control(figures, "no-guard", command, course.block(guards=["/home/a/"]), arm, moves, **options)


@attack("races")
def operand_leads_elsewhere(arena, figures):
    """A folder on the way to the operand, or the operand before its slash, is a link at times. The kernel follows these
    for every tool: who renames folders inside a running instance can make rm remove another one of the same instance.
    That is counted; what must hold is that nothing outside is reached."""
    course = Course(arena)
    arm = ["d home", *pair("home/a", "home/b", "/"), "d home/a/system", "d home/b/system", "d system", "f system/victim-0"]
    moves = ["home/a", "home/b"]
    outside, inside = course.watched, [os.path.join(course.merged, "system/victim-0")]
    protected = {"protected": ["/system"]}
    for operand in ("/home/a/", "/home/a/system"):
        command, block = ["/usr/bin/rm", "-rf", operand], course.block(guards=[operand], **protected)
        options = {"place": course.merged, "needle": SECRET}
        course.watched = outside
        course.product(figures, command, block, share(arena, 4), arm, moves, **options)
        course.watched = inside
        found = course.volley(arena.library_path, command, block, share(arena, 4), arm, moves, **options)
        add(figures, f"steered to a protected folder of the same instance by {operand}", found["deleted"])
        add(figures, "runs", found["runs"])
    # The control: without the jail's root the link leads to the host.
    course.watched = outside
    arm, moves = pair("home/c", "home/d", course.canary), ["home/c", "home/d"]
    command = ["/usr/bin/rm", "-rf", os.path.join(course.home, "c/victim-0")]
    course.control(figures, "open", command, course.block(), arm, moves, place=course.merged)


@attack("races")
def out_of_a_narrowed_view(arena, figures):
    """The tenant's own other folders, behind links and exchanges, for a tool that may see one folder only."""
    course = Course(arena)
    other = plant(os.path.join(course.home, "other"))
    course.watched = paths_of(other)
    course.planted = [course.canary, course.neighbour, other]
    arm = ["d allowed", *pair("allowed/a", "allowed/b", "/home/other"), *pair("door", "window", "other"),
           *full("allowed/t"), *full("allowed/t/1"), *full("moved")]
    moves = ["allowed/a", "allowed/b", "door", "window"]
    paths = ["/home/door", "/home/allowed"]  # the shorter first
    operands = [f"/home/allowed/a/{os.path.basename(path)}" for path in course.watched] + ["/home/allowed/a/", "/home/door/"]
    remove = ["/usr/bin/rm", "-rf", *operands]
    course.product(figures, remove, course.block(paths=paths), share(arena, 3), arm, moves)
    course.product(figures, ["/usr/bin/ls", "-lRL", "/"], course.block(paths=paths, writes=False), share(arena, 3), arm, moves)
    # Moved out of the allowed folder while a tool works in it that trusts "..".
    course.product(figures, [arena.program("naive"), "rm", "/home/allowed/t"], course.block(paths=paths), share(arena, 3), arm,
                   ["allowed/t/1", "moved"], needle=None)
    # The control: the whole instance to be seen.
    course.control(figures, None, remove, course.block(), arm, moves)
