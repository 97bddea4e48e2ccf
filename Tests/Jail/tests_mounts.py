"""The table of mounts that tools see is ours, whatever the instance has at its places."""

import os

from harness import LAYERS, Overlay, chrooted, copy_tools, equal, folder, jailed, plain_root, ready, test

PLAIN = (["df"], ["df", "-h"], ["df", "-h", "/"], ["df", "-i"], ["df", "-aT"], ["df", "--output=source,fstype,target"], ["df", "/home/hard", "/etc"],
         ["df", "-P", "/home/deep/a/b"], ["df", "--total"], ["df", "-l"])
WHOLE = ["df", "-a", "--output=source,fstype,target"]


def table(roots, **options):
    """What df lists: source, type and place, without the head."""
    got = ready(jailed(WHOLE, roots, **options))
    equal((got.code, got.err), (0, b""), got)
    return sorted(tuple(line.split(None, 2)) for line in got.out.decode().splitlines()[1:])


@test
def df_without_operands():
    view = Overlay(plain_root())
    for roots, flags in ((view.merged, 0), ([view.lower], LAYERS)):
        for command in PLAIN:
            got = ready(jailed(command, roots, flags=flags))
            equal((got.code, got.err), (0, b""), command)
            assert len(got.out.splitlines()) >= 2, (command, got)
        equal(table(roots, flags=flags), [("overlay", "overlay", "/")])
    status = os.statvfs(view.merged)
    got = ready(jailed(["df", "-B1", "--output=size,used"], view.merged)).out.split()[-2:]
    equal(int(got[0]), status.f_blocks * status.f_frsize)


@test
def the_table_is_what_was_attached():
    lower = plain_root()
    for name in ("data", "gone", "with blank\tand\\more\nlines", "blocked", "up/inner"):
        os.makedirs(f"{lower}/{name}")
    os.symlink("/home", lower + "/linked")
    view = Overlay(lower)
    volumes = [(folder("volume"), "/data", "w"), (folder("volume"), "/never/there", "w"), (folder("volume"), "/with blank\tand\\more\nlines", "r"),
               (folder("volume"), "/linked", "r"), (folder("volume"), "/up/inner", "r"), (folder("volume"), "/up", "r")]
    options = dict(volumes=volumes, blockers=["/blocked", "/home"])
    everything = [("overlay", "overlay", "/"), ("volume", "volume", "/data"), ("volume", "volume", "/up"), ("volume", "volume", r"/with blank?and\more?lines")]
    equal(table(view.merged, **options), everything)  # /up hides /up/inner
    for command in PLAIN[:5]:
        equal(ready(jailed(command, view.merged, **options)).err, b"")
    equal(ready(jailed(["stat", "--format=%m", "/data", "/etc/passwd", "/up"], view.merged, **options)).out, b"/data\n/\n/up\n")
    equal(ready(jailed(["find", "/data", "/etc/passwd", "-maxdepth", "0", "-printf", "%p %F\n"], view.merged, **options)).out,
          b"/data volume\n/etc/passwd overlay\n")
    equal(ready(jailed(["find", "/", "-maxdepth", "1", "-fstype", "volume", "-name", "d*"], view.merged, **options)).out, b"/data\n")
    # Narrowed: only the paths and what is attached in them.
    equal(table(view.merged, paths=["/etc", "/data", "/gone", "/blocked"], **options),
          [("none", "none", "/"), ("overlay", "overlay", "/etc"), ("overlay", "overlay", "/gone"), ("volume", "volume", "/data")])
    equal(table(view.merged, paths=["/not/there"], **options), [("none", "none", "/")])
    got = ready(jailed(["df", "-h"], view.merged, paths=["/etc", "/data"], **options))
    equal((got.code, got.err, b" /data\n" in got.out), (0, b"", True), got)


def lying_root(make):
    """/proc/self/mountinfo, /proc/self/maps, /etc/mtab and /proc/mounts as the tenant wants them."""
    root = plain_root()
    copy_tools(root, ("df", "find", "stat", "grep"))
    for place in ("proc/self/mountinfo", "proc/self/maps", "proc/mounts", "proc/self/mounts", "etc/mtab", "etc/fstab", "proc/stat"):
        os.makedirs(os.path.dirname(f"{root}/{place}"), exist_ok=True)
        make(f"{root}/{place}")
    return root


LIE = b"36 35 98:0 / / rw,noatime master:1 - evil TENANT rw\n"


def ten_megabytes(path):
    with open(path, "wb") as file:
        file.write(LIE * 200000 if "mountinfo" in path else b"TENANT / evil rw 0 0\n" * 500000)


@test
def the_instances_tables_are_not_read():
    root = lying_root(ten_megabytes)
    assert b"TENANT" in chrooted(WHOLE, root).out, "the control did not read it"
    for roots, flags in ((Overlay(root).merged, 0), ([root], LAYERS)):
        equal(table(roots, flags=flags), [("overlay", "overlay", "/")])
        for command in PLAIN + (["stat", "--format=%m", "/etc/passwd"], ["find", "/home", "-fstype", "evil"], ["find", "/home", "-printf", "%F\n"]):
            got = ready(jailed(command, roots, flags=flags))
            assert b"TENANT" not in got.out + got.err and b"evil" not in got.out and got.code == 0, (command, got)


@test
def fifos_at_the_tables_places_do_not_hang():
    root = lying_root(os.mkfifo)
    for command in (["df"], ["grep", "root", "/etc/passwd"]):
        assert chrooted(command, root, timeout=1).timed_out, f"the control did not hang: {command}"
    for roots, flags in ((Overlay(root).merged, 0), ([root], LAYERS)):
        equal(table(roots, flags=flags), [("overlay", "overlay", "/")])
        for command in (["df", "-h"], ["grep", "root", "/etc/passwd"], ["stat", "--format=%m", "/"], ["sort", "--parallel=2", "/etc/passwd"],
                        ["find", "/home", "-fstype", "evil"]):
            got = ready(jailed(command, roots, flags=flags, timeout=20))
            equal((got.code, got.timed_out, got.err), (0, False, b""), command)
