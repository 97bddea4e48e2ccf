"""Names of every byte, and the longest."""

import os

from attack.report import attack
from attack.trees.ground import Ground, ended, equal, untouched


def every_name():
    """Each byte that a name can have, alone, in the middle, and 255 times; and what looks like an option or a way up."""
    single = [bytes([byte]) for byte in range(1, 256) if byte != ord("/")]
    names = {byte for byte in single if byte != b"."} | {b"a" + byte + b"z" for byte in single} | {byte * 255 for byte in single}
    return sorted(names | {b"--", b"-rf", b"--help", b"...", b"-", b"*", b"$(reboot)", b"\xf0\x9f\x92\xa9", b"\xe2\x80\xae", b"\xff\xfe"})


@attack("trees")
def names_of_every_byte(arena, figures):
    ground = Ground(arena)
    names = every_name()
    home = os.fsencode(ground.home)
    for name in names:
        open(os.path.join(home, name), "wb").close()
    with untouched(ground, figures):
        wanted = b"".join(name + b"\n" for name in names)
        equal(ground.read("ls", "-A", "/home").out, wanted, "ls")
        found = ground.read("du", "-a", "-0", "/home").out.split(b"\0")
        equal(sorted(line.split(b"\t", 1)[1] for line in found[:-2]), sorted(b"/home/" + name for name in names), "du")
        # The control: a tool that changes what it prints is caught by the same comparison.
        assert ground.read("ls", "-A", "-q", "/home").out != wanted, "the control was not caught"
        figures["control"] = "caught"
        # Each is removed by its own name and nothing else is.
        some = [name for name in names if len(name) < 4]
        ended(ground.write("rm", "-f", "--", *(b"/home/" + name for name in some)), 0, "rm")
        equal(sorted(os.listdir(os.fsencode(ground.view.merged) + b"/home")), sorted(set(names) - set(some)), "what is left")
        ended(ground.write("rm", "-r", "/home"), 0, "rm of all")
    figures["names"] = len(names)
