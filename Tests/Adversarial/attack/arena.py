"""Where the attacks happen: a work folder with the jail under attack, weakened ones, and the programs of the attackers.

The jail's own test harness (Tests/Jail/harness.py of the tree under attack) is what starts tools here too.
"""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from attack import edits, sandbox
from attack.report import Skip
from attack.weak import WEAK

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "programs")
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2"]


class Arena:
    """In a sandbox: the work folder is in memory, and gone with it."""

    def __init__(self, races):
        self.races = races
        self.tree = sandbox.TREE
        self.work = tempfile.mkdtemp(prefix="work.", dir="/tmp")
        os.chmod(self.work, 0o755)
        self._libraries, self._programs = {}, {}
        self.raced = False

        subprocess.run([os.path.join(self.tree, "bin/build-jail"), self.work], check=True)
        self.library_path = os.path.join(self.work, "libboathook-jail.so")
        subprocess.run(["cc", *FLAGS, "-fPIC", "-shared", *self.spawner_sources(), "-o", os.path.join(self.work, "libcjail.so")],
                       check=True)
        os.environ["BOATHOOK_JAIL_WORK"] = self.work
        sys.path.insert(0, os.path.join(self.tree, "Tests/Jail"))
        self.harness = importlib.import_module("harness")
        os.umask(0o022)

    # ---- Programs and libraries, made at first use

    def spawner_sources(self):
        folder = os.path.join(self.tree, "Sources/CJail")
        sources = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".c"))
        return ["-I" + os.path.join(folder, "include"), *sources]

    def program(self, name, *also, spawner=False):
        """Compiled from programs/NAME.c, and what else it is made of."""
        if name not in self._programs:
            out = os.path.join(self.work, "program-" + name)
            sources = [os.path.join(PROGRAMS, part + ".c") for part in (name, *also)]
            include = self.spawner_sources()[:1]
            subprocess.run(["cc", *FLAGS, *include, *sources, *(self.spawner_sources()[1:] if spawner else []), "-o", out],
                           check=True)
            self._programs[name] = out
        return self._programs[name]

    def weak_path(self, name):
        if name not in self._libraries:
            self._libraries[name] = edits.build_library(self.tree, self.work, name, WEAK[name])
        return self._libraries[name]

    def weak(self, name):
        """A weakened library, sealed, for the harness."""
        with open(self.weak_path(name), "rb") as file:
            return self.harness.sealed(file.read(), executable=True)

    def busybox(self, applet):
        """busybox under that name, by which it knows what it is."""
        found = shutil.which("busybox", path="/usr/bin:/bin")
        if found is None:
            raise Skip("busybox is not installed")
        link = os.path.join(self.work, "busybox", applet)
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.lexists(link):
            os.symlink(found, link)
        return link

    # ---- Roots

    def folder(self, name):
        path = tempfile.mkdtemp(prefix=name + "-", dir=self.work)
        os.chmod(path, 0o755)
        return path

    def overlay(self, lower=None, base=None):
        """An instance: an overlay whose layers lie in the work folder, or in `base`."""
        base = base or self.folder("instance")
        view = View()
        view.base = base
        view.lower = lower or os.path.join(base, "lower")
        view.upper, view.workdir, view.merged = (os.path.join(base, name) for name in ("upper", "work", "merged"))
        for path in (view.lower, view.upper, view.workdir, view.merged):
            os.makedirs(path, exist_ok=True)
        options = f"lowerdir={view.lower},upperdir={view.upper},workdir={view.workdir}"
        subprocess.run(["mount", "-t", "overlay", "attack", "-o", options, view.merged], check=True)
        return view


class View:
    base = lower = upper = workdir = merged = ""

    def remove(self):
        subprocess.run(["umount", "-l", self.merged], check=True)
        shutil.rmtree(self.base, ignore_errors=True)


class Attacker:
    """A tenant's program that runs beside the tools; `changes` says how much it did."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.changes = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        text, _ = self.process.communicate(timeout=60)
        self.changes = int(text or 0)
