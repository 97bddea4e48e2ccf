"""The jail with one protection taken away at a time, and which tests are to catch it.

Tests of Tests/Jail are named by their function; those of this folder begin with "attack:".
"""

import typing

from attack.edits import Edit
from attack.weak import WEAK


class Mutant(typing.NamedTuple):
    name: str
    edits: list
    hunters: tuple  # tried first; if none of them catches it, everything is tried
    lives: bool = True  # a jail that refuses everything is caught by anything, and shows nothing; these cannot but


def gone(file, pattern):
    """The statement is not there."""
    return Edit(file, r"^[ \t]*" + pattern + r"[^;]*;.*$", "")


def call_gone(name, file="Preload/main.c"):
    return [gone(file, name + r"\(")]


VIEW, CONFINE, SECCOMP, CONTROL = "Preload/view.c", "Preload/confine.c", "Preload/seccomp.c", "Preload/control.c"
NAMESPACES, GUARD, TREE, NARROW, NAMES = (f"Preload/{name}.c" for name in ("namespaces", "guard", "tree", "narrow", "names"))
OPENING, MOUNTS, ZONE, MAGIC, STATUS, MAIN = (f"Preload/{name}.c" for name in ("opening", "mounts", "zone", "magic", "status", "main"))
SPAWN, SEAL = "Sources/CJail/spawn.c", "Sources/CJail/library.c"

SEEN, CALLS, BLOCKS = ("seen_from_outside",), ("calls_that_are_refused",), ("malformed_control_blocks",)
PROBE, ASKED, GUARDS = ("attack:every-number",), ("attack:protections-asked-for",), ("the_root_cannot", "roots_of_mounts", "protected_paths")


def flag(name):
    """A flag of all mounts is neither set nor looked for."""
    return [Edit(TREE, rf"MOUNT_ATTR_{name}\b( \| )?", r"0\1"), Edit(TREE, rf"\bST_{name}\b( \| )?", r"0\1")]


def unchecked(condition, replacement="false"):
    return [Edit(CONTROL, condition, replacement)]


MUTANTS = [
    # The view.
    Mutant("no-pivot", WEAK["open"], ("links_resolve_inside",), lives=False),
    Mutant("old-root-kept", [Edit(VIEW, r"mount < 2; mount\+\+", "mount < 0; mount++"),
                             Edit(VIEW, r"if \(!place_is\(&after, root\)\) jail_fail\(step, EXDEV\);", "")], SEEN),
    Mutant("mounts-without-nosuid", flag("NOSUID"), SEEN),
    Mutant("mounts-without-nodev", flag("NODEV"), SEEN),
    Mutant("mounts-without-noexec", flag("NOEXEC"), SEEN),
    Mutant("mounts-without-noatime", flag("NOATIME"), SEEN + ("reading_leaves",)),
    Mutant("reader-may-write", [Edit(TREE, r"\(writable \? 0 : MOUNT_ATTR_RDONLY\)", "0"),
                                Edit(TREE, r"\(writable \? 0 : ST_RDONLY\)", "0")], SEEN),
    Mutant("volumes-for-reading-are-writable", WEAK["writable-volumes"], ("volumes_where_they_belong",)),
    Mutant("no-blockers", WEAK["no-blockers"], ("mounts_of_a_running",)),
    Mutant("blockers-may-be-missing", [Edit(VIEW, r"bool unprotected = [^;]*;", "bool unprotected = false;")], ("blockers_meet_links",)),
    Mutant("places-through-links", [Edit(TREE, r"RESOLVE_NO_SYMLINKS \| ", "")], ("volumes_refuse_links", "blockers_meet_links")),
    Mutant("root-through-a-link", [Edit(VIEW, r"(open\(path, O_PATH \| O_DIRECTORY \|) O_NOFOLLOW \|", r"\1")], ("only_overlay_mount_roots",)),
    Mutant("volume-through-a-link", [Edit(VIEW, r"(open\(source_path, O_PATH \|) O_NOFOLLOW \|", r"\1")], ("volumes_refuse_links",)),
    Mutant("root-of-any-kind", [Edit(VIEW, r"if \(\(status.stx_attributes & STATX_ATTR_MOUNT_ROOT\) == 0 [^;]*;", ";")], ("only_overlay_mount_roots",)),
    Mutant("root-inside-a-mount", [Edit(VIEW, r"\(status.stx_attributes & STATX_ATTR_MOUNT_ROOT\) == 0 \|\|", "false ||")], ("only_overlay_mount_roots",)),
    Mutant("clones-with-what-is-mounted-below", WEAK["recursive"], ("attack:mounts-below-are-left-out",)),
    Mutant("mounts-are-shared-with-the-host", WEAK["shared"], ("attack:mounts-of-a-host-that-shares-them",)),
    Mutant("layers-with-writes", unchecked(r"control->writes && control->layers"), BLOCKS),
    # Narrowed views.
    Mutant("paths-are-not-looked-at", [Edit(VIEW, r"if \(control->paths.count > 0\) ", "if (false) ")], ("nothing_but_the_paths",)),
    Mutant("narrow-root-is-writable", [gone(NARROW, r"tree_seal\(root,")], ("flags_of_a_narrowed_view",)),
    Mutant("narrow-without-what-is-below", [Edit(NARROW, r"tree_clone\(source, AT_RECURSIVE,", "tree_clone(source, 0,")], ("volumes_and_blockers_below",)),
    Mutant("paths-of-any-spelling", unchecked(r"name == 0 \|\| strncmp\(path, \"..\", name\) == 0"), BLOCKS),
    # Operands.
    Mutant("no-guard", WEAK["no-guard"], GUARDS),
    Mutant("root-may-be-an-operand", [gone(GUARD, r"if \(place_is\(&operand, root\)\)")], GUARDS),
    Mutant("protected-may-be-an-operand", [Edit(GUARD, r"if \(place_is\(&operand, &places\[j\]\)\)", "if (false)")], GUARDS),
    Mutant("mount-may-be-an-operand", [gone(GUARD, r"if \(operand.is_mount_root\)")], GUARDS),
    Mutant("protected-links-lead-nowhere", [Edit(GUARD, r"place->is_link && look", "false && look")], GUARDS),
    Mutant("guard-forgets-errors", [Edit(GUARD, r"^\s*jail_fail_errno\(CJAIL_STEP_GUARD\);", "return false;")], ("attack:setup-in-short",)),
    # Namespaces.
    Mutant("ipc-of-the-host", [Edit(NAMESPACES, r"CLONE_NEWIPC \| ", "")], SEEN),
    Mutant("host-name-of-the-host", [Edit(NAMESPACES, r"CLONE_NEWUTS \| ", "")], SEEN),
    Mutant("cgroups-of-the-host", [Edit(NAMESPACES, r" \| CLONE_NEWCGROUP", "")], SEEN),
    Mutant("network-of-the-host", [gone(NAMESPACES, r"if \(setns\(CJAIL_FD_NETWORK,")], SEEN),
    Mutant("process-of-any-number", [gone(NAMESPACES, r"if \(getpid\(\) != 1\)")], ("not_in_the_hosts_pid",)),
    Mutant("processes-of-the-host", [Edit(SPAWN, r"CLONE_NEWPID \| ", ""), gone(NAMESPACES, r"if \(getpid\(\) != 1\)")], SEEN),
    Mutant("session-of-the-agent", [gone(NAMESPACES, r"if \(setsid\(\) < 0\)")], ASKED),
    Mutant("umask-of-the-agent", [gone(NAMESPACES, r"umask\(")], ASKED),
    Mutant("outlives-the-agent", [gone(NAMESPACES, r"if \(prctl\(PR_SET_PDEATHSIG")], ("ends_with_the_thread",)),
    Mutant("starts-without-an-agent", [gone(NAMESPACES, r"if \(poll\(")], ("the_spawner_reports", "attack:protections-asked-for")),
    Mutant("memory-is-open", [gone(NAMESPACES, r"if \(prctl\(PR_SET_DUMPABLE")], ("its_memory_is_closed",)),
    # Limits.
    *(Mutant(f"no-limit-of-{name.lower()}", [gone(CONFINE, rf"limit\(RLIMIT_{name},")], SEEN)
      for name in ("CPU", "AS", "NOFILE", "FSIZE", "CORE", "MEMLOCK", "MSGQUEUE")),
    Mutant("no-priority", call_gone("confine_priority"), SEEN),
    # Capabilities.
    Mutant("all-capabilities", call_gone("confine_capabilities"), SEEN),
    Mutant("all-capabilities-effective", [gone(CONFINE, r"if \(syscall\(SYS_capset"), Edit(CONFINE, r"jail_fail\(step, EPERM\);", ";")], SEEN),
    Mutant("bounding-set-kept", call_gone("drop_bounding_set", CONFINE), SEEN),
    Mutant("any-capability-may-be-asked-for", unchecked(r"\(header.capabilities & ~grantable\) != 0"), BLOCKS),
    # seccomp(2) wants it of whoever has no capabilities: the jail then refuses everything.
    Mutant("new-privileges", [gone(CONFINE, r"if \(prctl\(PR_SET_NO_NEW_PRIVS")], SEEN, lives=False),
    Mutant("no-secure-bits", [gone(CONFINE, r"if \(prctl\(PR_SET_SECUREBITS")], ASKED),
    Mutant("ambient-set-kept", [gone(CONFINE, r"if \(prctl\(PR_CAP_AMBIENT")], ASKED),
    # Descriptors.
    Mutant("descriptors-kept", call_gone("confine_descriptors"), SEEN),
    Mutant("spawner-passes-descriptors", [Edit(SPAWN, r"return \(int\)syscall\(SYS_close_range, PASSED, ~0U, 0\);", "return 0;"),
                                          *call_gone("confine_descriptors")], SEEN),
    # System calls.
    Mutant("no-seccomp", call_gone("seccomp_install"), CALLS),
    Mutant("seccomp-allows-what-it-does-not-know", [Edit(SECCOMP, r"SECCOMP_RET_ERRNO \| EPERM", "SECCOMP_RET_ALLOW")], CALLS),
    Mutant("x32-calls", [Edit(SECCOMP, r"^#ifdef X32_BIT$", "#if 0")], CALLS),
    Mutant("calls-of-other-conventions", [Edit(SECCOMP, r"IF_EQUAL\(NATIVE, 1, 0\)", "IF_EQUAL(NATIVE, 1, 1)")], ("attack:calls-of-other-conventions",)),
    Mutant("readers-may-unlink", [Edit(SECCOMP, r"writes && i < COUNT", "i < COUNT")], CALLS + PROBE),
    Mutant("any-ioctl", [Edit(SECCOMP, r"ONLY\(ioctl, 1, TIOCGWINSZ\)", "ALWAYS(ioctl)")], CALLS),
    Mutant("any-fcntl", [Edit(SECCOMP, r"ONLY\(fcntl, 1, F_GETFL\)", "ALWAYS(fcntl)")], CALLS),
    Mutant("any-open", [Edit(SECCOMP, r"NO_BITS\(openat, 2, ~OPEN_FLAGS\)", "ALWAYS(openat)")], CALLS),
    Mutant("executable-memory", [Edit(SECCOMP, r"NO_BITS\(mmap, 2, PROT_EXEC\)", "ALWAYS(mmap)")], CALLS),
    Mutant("memory-made-executable", [Edit(SECCOMP, r"NO_BITS\(mprotect, 2, PROT_EXEC\)", "ALWAYS(mprotect)")], CALLS),
    Mutant("any-futex", [Edit(SECCOMP, r"ONLY\(futex, 1, FUTEX_WAKE_PRIVATE\)", "ALWAYS(futex)")], CALLS),
    Mutant("one-call-more", [Edit(SECCOMP, r"^    ALWAYS\(getpid\),", "    ALWAYS(getpid),\n    ALWAYS(getppid),")], PROBE),
    Mutant("a-rule-skips-the-wrong-way", [Edit(SECCOMP, r"emit\(program, IF_EQUAL\(rule->call, 0, 1\)\);", "emit(program, IF_EQUAL(rule->call, 0, 0));")], CALLS + PROBE),
    # Arguments, environment, control block, status.
    Mutant("poison-not-checked", [Edit(MAIN, r"if \(argc < 2 \|\| strcmp\(argv\[1\], CJAIL_POISON\) != 0\)", "if (argc < 2)")], ("arguments_and_environment",)),
    Mutant("any-environment", [gone(MAIN, r"if \(!is_expected\(\*entry\)\)")], ("arguments_and_environment",)),
    Mutant("environment-kept", [gone(MAIN, r"environ = ")], ("attack:what-the-tool-is-given",)),
    Mutant("any-magic-or-version", unchecked(r"header.magic != CJAIL_MAGIC \|\| header.version != CJAIL_VERSION \|\|", "false ||"), BLOCKS),
    Mutant("any-length", [Edit(CONTROL, r" \|\| header.length != length", "")], BLOCKS),
    Mutant("unknown-flags", unchecked(r"\(header.flags & ~\(uint64_t\)\([^)]*\)\) != 0"), BLOCKS),
    Mutant("something-behind-the-strings", unchecked(r"scan.next != scan.end"), BLOCKS),
    Mutant("any-mode-of-a-volume", unchecked(r"strcmp\(mode, \"r\"\) != 0 && strcmp\(mode, \"w\"\) != 0"), BLOCKS),
    Mutant("relative-paths", unchecked(r"scan_string\(scan\)\[0\] != '/'", "scan_string(scan)[0] == 1"), BLOCKS),
    Mutant("too-many-of-anything", [Edit(CONTROL, r"if \(header.volume_count > CJAIL_VOLUMES_MAX[^;]*;", ";")], BLOCKS),
    Mutant("too-many-roots", [Edit(CONTROL, r" \|\| header.root_count > \(control->layers \? CJAIL_LAYERS_MAX : 1\)", "")], BLOCKS),
    Mutant("no-time-at-all", unchecked(r"header.cpu_seconds < 1 \|\| header.cpu_seconds > UINT32_MAX"), BLOCKS),
    Mutant("a-failure-goes-on", [Edit(STATUS, r"_exit\(CJAIL_EXIT\);", "static int once; if (once++ == 0) return; _exit(CJAIL_EXIT);"),
                                 Edit(STATUS, r"^_Noreturn ", "", times=2), Edit("Preload/jail.h", r"^_Noreturn ", "", times=2),
                                 Edit(CONTROL, r"^_Noreturn ", "")], BLOCKS, lives=False),
    Mutant("ready-before-it-is", [Edit(MAIN, r"^(\s*)control_read\(&control\);", r"\1if (write(CJAIL_FD_STATUS, CJAIL_READY, 6) != 6) return 1;\n\1control_read(&control);"),
                                  gone(STATUS, r"if \(!send_line\(CJAIL_READY,")], BLOCKS),
    Mutant("ready-is-not-looked-at", [Edit(STATUS, r"if \(!send_line\(CJAIL_READY, strlen\(CJAIL_READY\)\)\)[^;]*;", "send_line(CJAIL_READY, strlen(CJAIL_READY));")],
           ("attack:setup-in-short",)),
    # What tools read.
    Mutant("names-by-the-instances-modules", [Edit(NAMES, r"^EXPORT struct passwd \*getpwuid", "static struct passwd *getpwuid_unused")], ("hostile_name_files",)),
    Mutant("names-from-anything", [Edit(NAMES, r"S_ISREG\(status.st_mode\) && status.st_size <= LIMIT", "true"), Edit(NAMES, r"O_RDONLY \| O_NONBLOCK \|", "O_RDONLY |"),
                                   *WEAK["waiting"]], ("hostile_name_files",)),
    Mutant("fifos-are-waited-for", WEAK["waiting"], ("fifos_do_not_open", "attack:fifos-sockets-and-devices")),
    Mutant("instances-own-mountinfo", [Edit(OPENING, r"if \(is_about_itself\(path\)\)", "if (false)")], ("the_instances_tables", "fifos_at_the_tables")),
    Mutant("instances-own-table-of-mounts", [Edit(MOUNTS, r"^EXPORT FILE \*setmntent", "static FILE *setmntent_unused")], ("the_instances_tables", "df_without")),
    Mutant("instances-own-zone", [Edit(MAIN, r"zone_settle\(\);", "")], ("times_are_utc",)),
    Mutant("zone-may-be-changed", [Edit(ZONE, r"^EXPORT int setenv", "static int setenv_unused")], ("times_are_utc",)),
    Mutant("instances-own-magic", [Edit(MAGIC, r"^EXPORT int magic_load\(struct magic_set \*magic, const char \*path\) \{", "static int magic_load_unused(struct magic_set *magic, const char *path) {")],
           ("file_uses_the_hosts",)),
    # The spawner.
    Mutant("ignored-signals-stay-ignored", [Edit(SPAWN, r"signal <= 64; signal\+\+", "signal <= 0; signal++")], ("seen_from_outside", "attack:what-the-tool-is-given")),
    Mutant("blocked-signals-stay-blocked", [Edit(SPAWN, r"sigprocmask\(SIG_SETMASK, &none, NULL\);", "")], SEEN),
    Mutant("cgroups-need-not-be-joined", [Edit(SPAWN, r"!= 1\) return -1;", "!= 1) continue;")], ("a_group_that_cannot",)),
    Mutant("memory-files-are-not-sealed", [Edit(SEAL, r"fcntl\(descriptor, F_ADD_SEALS, [^)]*\) != 0", "0")], ("attack:what-the-tool-is-given",)),
]
