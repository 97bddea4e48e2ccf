"""Operands that a writer is not given: the root, protected paths, roots of mounts. The status line names which it was."""

import os
import subprocess
import time

from harness import Overlay, equal, folder, plain_root, ready, refused, test, write, writing


def refusal(step, operand, view, **options):
    """Index 1 of three, so that neither an errno nor a count can stand for it."""
    guards = ["missing", operand, "also-missing"]
    equal(refused(writing(["rm", "-rf", "--no-preserve-root", operand], view.merged, guards=guards, **options), step), 1, operand)


def usr_merged():
    root = plain_root()
    os.makedirs(root + "/usr/share/deep")
    os.symlink("usr/bin", root + "/bin")
    os.symlink("/usr/share", root + "/absolute")
    os.symlink("nowhere", root + "/broken")
    os.symlink("circle", root + "/circle")
    os.symlink("../../../../../../usr/share", root + "/home/up")
    os.symlink("/", root + "/everything")
    return root


@test
def protected_paths_cannot_be_removed():
    view = Overlay(usr_merged())
    protected = ["/bin", "/usr", "/etc/passwd", "/absent", "/etc/passwd/below", "/broken", "/circle", "/" + "x" * 300, "/absolute"]
    before = sorted(os.listdir(view.merged)), sorted(os.listdir(view.merged + "/usr"))
    for operand in ("bin", "/bin", "bin/", "/bin/.", "usr/bin", "/usr/bin", "rootlink/usr/bin/", "usr", "usr/bin/..", "/home/../usr//", "etc/passwd",
                    "/rootlink/etc/passwd", "home/link/", "/broken", "/circle", "absolute", "/absolute/", "/usr/share", "home/up/"):
        if operand == "home/link/":  # a slash after what leads to a file is nothing to rm either
            ready(writing(["rm", "-f", operand], view.merged, guards=[operand], protected=protected))
            continue
        refusal("guard_system", operand, view, protected=protected)
    equal((sorted(os.listdir(view.merged)), sorted(os.listdir(view.merged + "/usr"))), before)
    # What leads to a protected path, what lies in it and what only resembles it is not protected.
    for operand in ("home/link", "home/up", "usr/share/deep", "everything"):
        equal(ready(writing(["rm", "-r", operand], view.merged, guards=[operand], protected=protected)).code, 0)
        assert not os.path.lexists(view.merged + "/" + operand), operand
    # The control: unprotected, the same operand goes.
    equal(ready(writing(["rm", "-r", "/usr/bin/"], view.merged, guards=["/usr/bin"], protected=["/etc"])).code, 0)
    assert not os.path.lexists(view.merged + "/usr/bin")


@test
def a_protected_link_to_everything_protects_the_root_only():
    """A tenant's link must not make the guard refuse, or let pass, anything but what it leads to."""
    view = Overlay(usr_merged())
    refusal("guard_root", "rootlink/", view, protected=["/everything", "/bin"])
    refusal("guard_system", "everything", view, protected=["/everything"])
    equal(ready(writing(["rm", "/home/hard"], view.merged, guards=["/home/hard"], protected=["/everything"])).code, 0)


@test
def roots_of_mounts_cannot_be_removed():
    lower = plain_root()
    os.makedirs(lower + "/data")
    os.makedirs(lower + "/proc")
    os.symlink("data", lower + "/to-data")
    view = Overlay(lower)
    volume = folder("volume")
    write(volume, "kept", b"v")
    options = dict(volumes=[(volume, "/data", "w")], blockers=["/proc", "/etc/group"])
    for operand in ("data", "/data/", "/data/.", "to-data/", "proc", "/etc/group"):
        refusal("guard_mount", operand, view, **options)
    equal(os.listdir(volume), ["kept"])
    # A link to it and what is in it are none; and without guards GNU's rm empties the volume before it learns that it is one.
    equal(ready(writing(["rm", "to-data"], view.merged, guards=["to-data"], **options)).code, 0)
    equal(ready(writing(["rm", "-r", "data"], view.merged, **options)).err, b"rm: cannot remove 'data': Device or resource busy\n")
    equal(os.listdir(volume), [])


@test
def many_operands_and_protected_paths():
    """The bounds: 1,024 operands, 256 protected paths that are all links."""
    root = plain_root()
    protected = []
    for i in range(256):
        os.makedirs(f"{root}/kept/{i}")
        os.symlink(f"../kept/{i}", f"{root}/home/{i}")
        protected.append(f"/home/{i}")
    view = Overlay(root)
    operands = ["/home/hard"] * 1023
    equal(ready(writing(["rm", "-f", "/home/hard"], view.merged, guards=operands, protected=protected)).code, 0)
    equal(refused(writing(["rm", "-rf", "/kept/255"], view.merged, guards=operands + ["/kept/255"], protected=protected), "guard_system"), 1023)
    assert os.path.isdir(view.merged + "/kept/255")


FORGET = """
while True:
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("2")
"""


@test
def protected_folders_that_the_kernel_forgets():
    """An overlay whose layers are on different file systems numbers a folder anew when it was forgotten."""
    root = plain_root()
    protected = ["/usr"]
    for i in range(250):
        os.makedirs(f"{root}/kept/{i}")
        protected.append(f"/kept/{i}")
    base = folder("tmpfs")
    subprocess.run(["mount", "-t", "tmpfs", "test", base], check=True)
    view = Overlay(root, base)
    guards = ["/home/deep/a"] * 1000 + ["/usr"]
    number = os.lstat(view.merged + "/usr").st_ino
    tries, renumbered, patience = 0, 0, time.monotonic() + 120
    forgetting = subprocess.Popen(["python3", "-c", FORGET])
    try:
        # A kernel with much to forget takes seconds for the first time, and forgets nothing of ours meanwhile.
        while tries < 60 or (renumbered < 10 and time.monotonic() < patience):
            equal(refused(writing(["rm", "-rf", "/usr/none"], view.merged, guards=guards, protected=protected), "guard_system"), 1000)
            tries += 1
            last, number = number, os.lstat(view.merged + "/usr").st_ino
            renumbered += number != last
    finally:
        forgetting.kill()
        forgetting.wait()
    assert renumbered >= 10, f"the control: the folder has kept its number but for {renumbered} of {tries} tries"
    return f"{tries} tries, renumbered after {renumbered}"
