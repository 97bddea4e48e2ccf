"""Taking a protection out of the jail: an edit of its source, found by a regular expression.

Not a patch: the source changes, and an edit that names one statement survives that. One that no longer fits fails loudly.
"""

import os
import re
import shutil
import subprocess
import typing

# What a build of the jail and its tests need of the repository.
PARTS = ("Preload", "Sources/CJail", "Tests/Jail", "bin", "docs")


class Stale(Exception):
    """The source has changed so much that the edit does not fit."""


class Edit(typing.NamedTuple):
    file: str
    pattern: str  # multi-line: ^ and $ are the ends of a line
    replacement: str
    times: int = 1


def apply(tree, edits):
    for edit in edits:
        path = os.path.join(tree, edit.file)
        with open(path) as file:
            text = file.read()
        changed, count = re.subn(edit.pattern, edit.replacement, text, flags=re.M)
        if count != edit.times or changed == text:
            raise Stale(f"{edit.file}: {edit.pattern!r} fits {count} times, not {edit.times}")
        with open(path, "w") as file:
            file.write(changed)


def copy_tree(source, target):
    for part in PARTS:
        shutil.copytree(os.path.join(source, part), os.path.join(target, part),
                        ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)


def quiet_compiler(folder, real=None):
    """A folder with a `cc` that does not complain: what an edit leaves unused is no error."""
    os.makedirs(folder, exist_ok=True)
    compiler = os.path.join(folder, "cc")
    if not os.path.exists(compiler):
        with open(compiler, "w") as file:
            file.write(f'#!/bin/sh\nexec {real or shutil.which("cc")} "$@" -w\n')
        os.chmod(compiler, 0o755)
    return folder


def build_library(source, work, name, edits=()):
    """The jail library of that tree with these edits; the path of the library."""
    tree, out = os.path.join(work, "trees", name), os.path.join(work, "libraries", name)
    copy_tree(source, tree)
    apply(tree, edits)
    compiler = os.path.join(quiet_compiler(os.path.join(work, "compiler")), "cc")
    subprocess.run([os.path.join(tree, "bin/build-jail"), out, compiler if edits else "cc"], check=True)
    return os.path.join(out, "libboathook-jail.so")
