"""A folder is moved upwards while a tool works in it (CVE-2002-0435): its ".." is another folder then."""

import os

from attack.races.course import Course, full, paths_of, plant, share
from attack.report import attack


@attack("races")
def moved_upwards(arena, figures):
    """rm, and a tool that trusts ".." altogether, which only the root of the view holds back."""
    course = Course(arena)
    # From HOME/t/1/2 to above HOME: coming out of it twice leads out of the instance.
    arm = ["d home", *full("home/t"), *full("home/t/1"), *full("home/t/1/2"), *full("home/t/1/2/3"), *full("moved")]
    moves = ["home/t/1/2", "moved"]
    outside = plant(course.instance.base)  # what is above the root
    course.watched = paths_of(outside)
    naive, block = arena.program("naive"), course.block()
    options = {"place": course.merged, "needle": None}
    course.product(figures, ["/usr/bin/rm", "-rf", "/home/t"], block, share(arena, 2), arm, moves, **options)
    course.product(figures, [naive, "rm", "/home/t"], block, share(arena, 2), arm, moves, **options)
    course.control(figures, "open", [naive, "rm", os.path.join(course.home, "t")], block, arm, moves, **options)
