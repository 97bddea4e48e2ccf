// Leaving the agent's namespaces. The PID namespace is already ours: the spawner made this process 1 of a new one.
#include "jail.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

// Ends with the thread that spawned us (PR_SET_PDEATHSIG), and does not start for an agent that is gone: a pipe without
// a reader polls as POLLERR (pipe(7), poll(2)).
static void follow_parent(void) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) jail_fail_errno(CJAIL_STEP_PARENT);
    struct pollfd status = {.fd = CJAIL_FD_STATUS, .events = 0};
    if (poll(&status, 1, 0) != 0) jail_fail(CJAIL_STEP_PARENT, ESRCH);
}

void namespaces_enter(void) {
    // Nobody may attach to us or read our memory from now on, not even through a /proc that a tenant sees.
    if (prctl(PR_SET_DUMPABLE, 0) != 0) jail_fail_errno(CJAIL_STEP_PARENT);
    follow_parent();

    // Process 1 of its namespace: killing it kills all of it, and the tenant cannot see or signal it.
    if (getpid() != 1) jail_fail(CJAIL_STEP_NAMESPACES, ESRCH);
    if (setsid() < 0) jail_fail_errno(CJAIL_STEP_NAMESPACES);
    umask(022);

    if (setns(CJAIL_FD_NETWORK, CLONE_NEWNET) != 0) jail_fail_errno(CJAIL_STEP_NAMESPACES);
    if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) != 0)
        jail_fail_errno(CJAIL_STEP_NAMESPACES);
    static const char name[] = "jail";
    if (sethostname(name, strlen(name)) != 0) jail_fail_errno(CJAIL_STEP_NAMESPACES);

    // What we mount must not appear on the host, and what the host mounts must not appear here.
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) jail_fail_errno(CJAIL_STEP_PRIVATE);
}
