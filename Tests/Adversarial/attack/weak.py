"""The weakened jails that show that the attacks work: each lacks one protection."""

from attack.edits import Edit

WEAK = {
    # The tool keeps the host's file tree, and every other protection.
    "open": [Edit("Preload/main.c", r"view_enter\([^;]*\);", 'place_of(AT_FDCWD, "/", 0, &root);'),
             Edit("Preload/main.c", r'#include "jail.h"', '#include "jail.h"\n#include <fcntl.h>')],
    # Refusals answer what no system call does, so that what reaches the kernel can be told from what does not.
    "marked": [Edit("Preload/seccomp.c", r"SECCOMP_RET_ERRNO \| EPERM", "SECCOMP_RET_ERRNO | 3999")],
    "marked-and-one-more": [
        Edit("Preload/seccomp.c", r"SECCOMP_RET_ERRNO \| EPERM", "SECCOMP_RET_ERRNO | 3999"),
        Edit("Preload/seccomp.c", r"^    ALWAYS\(getpid\),", "    ALWAYS(getpid),\n    ALWAYS(getppid),")],
    "foreign-calls-allowed": [
        Edit("Preload/seccomp.c", r"SECCOMP_RET_KILL_PROCESS", "SECCOMP_RET_ALLOW", times=2)],
    "no-guard": [Edit("Preload/main.c", r"^\s*guard_\w+\([^;]*\);$", "", times=1)],
    "writable-volumes": [Edit("Preload/view.c", r"bool writable = control->writes && [^;]*;", "bool writable = control->writes; (void)mode;")],
    "boundless": [Edit("Preload/confine.c", r"^\s*limit\(RLIMIT_AS,[^;]*;$", "")],
    "shared": [Edit("Preload/namespaces.c", r"^\s*if \(mount\(NULL, \"/\", NULL, MS_REC \| MS_PRIVATE[^;]*;$", "")],
    # FIFOs are opened as they stand.
    "waiting": [Edit("Preload/opening.c", r"flags \| O_NONBLOCK", "flags"),
                Edit("Preload/opening.c", r"S_ISFIFO\(status.st_mode\)", "false")],
    "recursive": [Edit("Preload/view.c", r"tree_clone\((root|source), 0,", r"tree_clone(\1, AT_RECURSIVE,", times=2)],
    "no-blockers": [Edit("Preload/view.c", r"^\s*attach_blockers\([^;]*\);$", "")],
    "careless-seccomp": [
        Edit("Preload/seccomp.c", r"if \((syscall\(SYS_seccomp[^;]*?)\) != 0\) jail_fail_errno\(CJAIL_STEP_SECCOMP\);", r"\1);")],
    "careless-capset": [
        Edit("Preload/confine.c", r"if \((syscall\(SYS_capset[^;]*?)\) != 0\) jail_fail_errno\(step\);", r"\1);"),
        Edit("Preload/confine.c", r"jail_fail\(step, EPERM\);", ";")],
    # Calls by number -1, which is what a call becomes when strace makes it fail, are refused and not deadly.
    "calm": [Edit("Preload/seccomp.c", r"BPF_JMP \| BPF_JGE \| BPF_K, X32_BIT, 0, 1", "BPF_JMP | BPF_JEQ | BPF_K, X32_BIT, 0, 1")],
}
