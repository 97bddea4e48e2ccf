"""Files that root itself may not remove, and folders that only an owner may."""

import os
import subprocess

from attack.report import Skip, attack
from attack.trees.ground import Ground, ended, equal, untouched


@attack("trees")
def immutable_and_append_only(arena, figures):
    ground = Ground(arena)
    marked = {"immutable": "i", "appended": "a"}
    for name in marked:
        open(os.path.join(ground.home, name), "w").close()
    try:
        for name, letter in marked.items():
            done = subprocess.run(["chattr", "+" + letter, os.path.join(ground.home, name)], capture_output=True, text=True)
            if done.returncode:
                raise Skip(f"chattr does not work here: {done.stderr.strip()}")
        with untouched(ground, figures):
            for name in marked:
                refused = ground.write("rm", "-rf", "/home/" + name)
                assert refused.code == 1 and b"Operation not permitted" in refused.err, refused
            equal(sorted(os.listdir(ground.home)), sorted(marked), "what is left")
            # The control: without the mark the same command removes it.
            for name, letter in marked.items():
                subprocess.run(["chattr", "-" + letter, os.path.join(ground.home, name)], check=True)
            subprocess.run(["umount", ground.view.merged], check=True)  # it remembers the marks
            ground.mount()
            ended(ground.write("rm", "-rf", *("/home/" + name for name in marked)), 0, "the control")
            figures["control"] = "caught"
    finally:
        for name in marked:
            if os.path.exists(os.path.join(ground.home, name)):
                subprocess.run(["chattr", "-ia", os.path.join(ground.home, name)], check=False)


@attack("trees")
def sticky_folders_of_others(arena, figures):
    ground = Ground(arena)
    sticky = ground.home + "/sticky"
    os.mkdir(sticky)
    for name in ("one", "other"):
        open(os.path.join(sticky, name), "w").close()
        os.chown(os.path.join(sticky, name), 1001, 1001)
    os.chown(sticky, 1000, 1000)
    os.chmod(sticky, 0o1777)
    with untouched(ground, figures):
        harness = arena.harness
        # The control: it is CAP_FOWNER that a writer has for this.
        without = ground.write("rm", "-f", "/home/sticky/one", capabilities=1 << harness.DAC_OVERRIDE)
        assert without.code == 1 and b"Operation not permitted" in without.err, without
        figures["control"] = "caught"
        equal(ground.read("rm", "-f", "/home/sticky/one").code, 1, "a reader")
        ended(ground.write("rm", "-f", "/home/sticky/one"), 0, "a writer")
        equal(os.listdir(sticky), ["other"], "what is left")
