"""The tools beyond ls, rm and du: what they say in the jail is what they say under a plain chroot."""

import os
import re
import shutil
import subprocess

from harness import LAYERS, MAGIC_DATABASE, Overlay, Skip, chrooted, copy_tools, equal, folder, jailed, plain_root, ready, refused, test, write

TOOLS = ("cat", "head", "tail", "wc", "stat", "find", "grep", "sort", "uniq", "cut", "sha256sum", "md5sum", "tree")

COMMANDS = [
    ["cat", "/etc/passwd", "/texts/words"], ["cat", "-A", "/texts/odd"], ["cat", "-n", "/missing", "/texts"], ["cat", "/texts/long"],
    ["head", "-n3", "/texts/words"], ["head", "-c5", "/texts/words"], ["head", "-n-5", "/texts/words"], ["head", "-c-100", "/texts/words"],
    ["head", "-v", "/etc/passwd", "/etc/group"], ["tail", "-n3", "/texts/words"], ["tail", "-c5", "/texts/long"], ["tail", "-n+4990", "/texts/words"],
    ["wc", "/texts/words", "/texts/long", "/texts/odd"], ["wc", "-l", "/etc/passwd"], ["wc", "-L", "/texts/long"], ["wc", "--files0-from=/texts/list"],
    ["stat", "--format=%a %A %b %B %F %g %G %h %n %N %o %s %u %U %x %y %z", "/etc/passwd", "/home/link", "/home/fifo", "/home/owned-1000"],
    ["stat", "-L", "--format=%s %F", "/home/link", "/home/dangling"], ["stat", "-f", "--format=%n %T", "/"],
    ["stat", "--format=%C", "/texts"], ["find", "/", "-xdev", "-name", "*s*"], ["find", "/home", "-type", "f", "-size", "+0", "-printf", "%p %s %u %g %m %l\n"],
    ["find", "/", "-newermt", "2020-01-01", "-maxdepth", "1"], ["find", "-L", "/home", "-maxdepth", "2"], ["find", "/home", "-user", "alice"],
    ["find", "/home", "-nouser", "-o", "-group", "staff"], ["find", "/home", "-empty"], ["find", "/home", "-ls"],
    ["find", "/home", "-readable"], ["find", "/home", "-samefile", "/home/hard"], ["find", "/missing"], ["find", "/home", "-depth", "-print0"],
    ["find", "/home", "-regex", ".*/own.*[0-9]"], ["find", "/home", "-user", "nobody-at-all"],
    ["grep", "-r", "root", "/etc"], ["grep", "-n", "word 49", "/texts/words"], ["grep", "-c", "", "/texts/words"], ["grep", "-E", "(1|2)+3$", "/texts/words"],
    ["grep", "-P", r"word (\d)\1$", "/texts/words"], ["grep", "-P", "x{200}y", "/texts/long"], ["grep", "-o", "-P", "needle.*?b", "/texts/long"],
    ["grep", "-F", "-f", "/texts/patterns", "/texts/words"], ["grep", "-m2", "-A1", "-B1", "word 5", "/texts/words"], ["grep", "-z", "a", "/texts/list"],
    ["grep", "needle", "/texts/long"], ["grep", "-R", "-l", "alice", "/etc"], ["grep", "-r", "-l", "alice", "/home", "/etc"], ["grep", "-r", "--include=*words", "word 77", "/"],
    ["grep", "-q", "word", "/texts/words"], ["grep", "nothing-like-it", "/texts/words"], ["grep", "root", "/missing", "/home", "/etc/passwd"],
    ["grep", "-D", "read", "-s", "zz", "/texts/odd"], ["grep", "(", "/etc/passwd"], ["grep", "-E", "(", "/etc/passwd"], ["grep", "-P", "(", "/etc/passwd"],
    ["grep", "--color=always", "root", "/etc/passwd"], ["grep", "-a", "odd", "/texts/odd"], ["grep", "odd", "/texts/odd"],
    ["sort", "/texts/words"], ["sort", "-n", "-k2", "-r", "/texts/words"], ["sort", "-u", "-t:", "-k3,3n", "/etc/passwd"], ["sort", "-c", "/texts/words"],
    ["sort", "-h", "/texts/words"], ["sort", "-V", "/etc/passwd"], ["sort", "-m", "/etc/passwd", "/etc/group"], ["sort", "-z", "/texts/list"],
    ["sort", "--files0-from=/texts/list"], ["sort", "--parallel=4", "/texts/many"],
    ["uniq", "-c", "/texts/repeats"], ["uniq", "-d", "/texts/repeats"], ["cut", "-d:", "-f1,3", "/etc/passwd"], ["cut", "-c1-4", "/texts/words"],
    ["sha256sum", "/texts/words", "/texts/long", "/missing"], ["sha256sum", "-c", "/texts/sums"], ["md5sum", "/texts/words"], ["md5sum", "--tag", "/texts/odd"],
    ["tree", "/home"], ["tree", "-a", "-p", "-u", "-g", "-s", "-D", "-l", "/home"], ["tree", "-J", "/texts"], ["tree", "-h", "--du", "/"], ["tree", "-L", "1", "/"],
    ["tree", "-f", "-i", "-F", "--noreport", "/etc"], ["tree", "/missing"],
] + [[tool, "--version"] for tool in TOOLS] + [[tool, "--help"] for tool in TOOLS]


def texts_root():
    root = plain_root()
    write(root, "texts/words", b"".join(b"word %d\n" % (i * 7919 % 5000) for i in range(5000)))
    write(root, "texts/many", b"".join(b"%d\n" % (i * 7919 % 200003) for i in range(200003)))
    write(root, "texts/long", b"x" * (8 << 20) + b"needle" + b"y" * 100000 + b"ab\n")
    write(root, "texts/odd", b"odd\0bytes\xff\xfe\tand no end")
    write(root, "texts/list", b"/etc/passwd\0/texts/words\0")
    write(root, "texts/patterns", b"word 12\nword 4711\n")
    write(root, "texts/repeats", b"".join(b"%d\n" % (i // 3) for i in range(300)))
    write(root, "texts/sums", b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  /texts/empty\n")
    write(root, "texts/empty", b"")
    return root


def installed(tool):
    return shutil.which(tool, path="/usr/bin:/bin") is not None


def without_inodes(command, output):
    """An overlay may number a folder anew for each mount: the first column of `find -ls` says nothing."""
    return re.sub(rb"^ *[0-9]+ ", b"", output, flags=re.M) if command[-1] == "-ls" else output


@test
def tools_equal_gnu():
    root = texts_root()
    copy_tools(root, [tool for tool in TOOLS if installed(tool)])
    view = Overlay(root)
    layers = Overlay(root)
    seen = 0
    for command in COMMANDS:
        if not installed(command[0]):
            continue
        want = chrooted(command, view.merged)
        for got in (ready(jailed(command, view.merged)), ready(jailed(command, [layers.lower], flags=LAYERS))):
            equal((without_inodes(command, got.out), got.err, got.code), (without_inodes(command, want.out), want.err, want.code), command)
        seen += 1
    return f"{seen} commands"


@test
def sort_beyond_its_memory():
    """More than it may keep: it would write files, may not, and says so. One thread does what several would do."""
    root = plain_root()
    lines = [b"%d %s\n" % (i * 7919 % 300007, b"z" * 90) for i in range(300007)]
    write(root, "big", b"".join(lines))
    view = Overlay(root)
    got = ready(jailed(["sort", "--parallel=8", "/big"], view.merged))
    assert got.out == b"".join(sorted(lines)), (got.code, got.err, len(got.out))
    for arguments, memory in ((["sort", "-S1M", "/big"], 512 << 20), (["sort", "/big"], 32 << 20)):
        got = ready(jailed(arguments, view.merged, memory=memory))
        equal((got.code, got.out), (2, b""), got)
        assert b"cannot create temporary file" in got.err, got
    equal(sorted(os.listdir(view.upper)), [])


@test
def large_files():
    """What is read in large pieces, in one line, and by expressions that would be compiled to code."""
    root = plain_root()
    write(root, "line", b"x" * (64 << 20) + b"needle\n")
    with open(root + "/sparse", "wb") as file:
        file.truncate(1 << 40)
    view = Overlay(root)
    equal(ready(jailed(["wc", "-lc", "/line"], view.merged)).out, b"       1 67108871 /line\n")
    equal(ready(jailed(["grep", "-c", "needle$", "/line"], view.merged)).out, b"1\n")
    equal(ready(jailed(["grep", "-c", "-P", "x{9}needle$", "/line"], view.merged)).out, b"1\n")
    equal(ready(jailed(["tail", "-c7", "/line"], view.merged)).out, b"needle\n")
    equal(ready(jailed(["head", "-c3", "/sparse"], view.merged)).out, b"\0\0\0")
    equal(ready(jailed(["tail", "-c3", "/sparse"], view.merged)).out, b"\0\0\0")
    equal(len(ready(jailed(["cat", "/line"], view.merged)).out), (64 << 20) + 7)
    # A line that does not fit the memory that there is: an error, not a crash.
    got = ready(jailed(["grep", "needle", "/line"], view.merged, memory=32 << 20))
    equal((got.code, got.err), (2, b"grep: memory exhausted\n"))


@test
def file_uses_the_hosts_database():
    if not installed("file"):
        raise Skip("file(1) is not installed")
    root = plain_root()
    copy_tools(root, ("file",))
    shutil.copy("/usr/bin/env", root + "/home/program")
    write(root, "home/text", b"hello\n")
    write(root, "home/script", b"#!/bin/sh\necho\n")
    write(root, "home/archive", b"PK\x03\x04" + b"\0" * 100)
    things = [f"/home/{name}" for name in ("program", "text", "script", "archive", "fifo", "null", "link", "dangling", "deep", "missing")]
    host = os.path.realpath("/usr/share/misc/magic.mgc")
    commands = (["file"] + things, ["file", "-i"] + things, ["file", "-b", "-L"] + things, ["file", "-k", "/home/script"], ["file", "-S", "/home/text"])
    write(root, "usr/share/misc/magic.mgc", open(host, "rb").read())
    wants = [chrooted(command, root) for command in commands]
    assert b"ELF 64-bit" in wants[0].out and b"shell script" in wants[0].out, wants[0]
    # The tenant's database calls everything a lie; under chroot it is believed.
    os.unlink(root + "/usr/share/misc/magic.mgc")
    for name in ("etc/magic", "usr/share/misc/magic", "home/liar"):
        write(root, name, b"0 string x TENANT\n0 byte x TENANT\n")
    assert b"TENANT" in chrooted(commands[0], root).out, "the control was not fooled"
    for roots, flags in ((Overlay(root).merged, 0), ([root], LAYERS)):
        for command, want in zip(commands, wants):
            got = ready(jailed(command, roots, flags=flags | MAGIC_DATABASE))
            equal((got.out, got.err, got.code), (want.out, want.err, want.code), command)
        got = ready(jailed(["file", "-m", "/home/liar", "/home/text"], roots, flags=flags | MAGIC_DATABASE))
        equal(got.out, b"/home/text: ASCII text\n")
        got = ready(jailed(["file", "-z", "/home/text"], roots, flags=flags | MAGIC_DATABASE))
        assert b"TENANT" not in got.out, got
        # Without the flag there is no database, not the tenant's.
        got = ready(jailed(["file", "/home/text"], roots, flags=flags))
        equal((got.code, got.out), (1, b""), got)
    # What is compiled must not be written, and nothing is.
    got = ready(jailed(["file", "-C", "-m", "/home/liar"], roots, flags=flags | MAGIC_DATABASE))
    assert not os.path.exists(root + "/liar.mgc"), got


@test
def without_the_hosts_database_there_is_no_file():
    """Before the view is entered; other tools do not miss it."""
    places = [path for path in ("/usr/share/misc/magic.mgc", "/usr/lib/file/magic.mgc") if os.path.exists(path)]
    if not places:
        raise Skip("file(1) is not installed")
    view, empty, hidden = Overlay(plain_root()), write(folder("empty"), "magic.mgc"), []
    try:
        for place in places:
            subprocess.run(["mount", "--bind", empty, os.path.realpath(place)], check=True)
            hidden.append(os.path.realpath(place))
        equal(refused(jailed(["file", "/etc/passwd"], view.merged, flags=MAGIC_DATABASE), "magic"), 22)
        ready(jailed(["ls"], view.merged))
    finally:
        for place in hidden:
            subprocess.run(["umount", place], check=True)
