// What Swift calls. Every function is safe on any thread, and changes nothing on the thread that calls it.
#ifndef CJAIL_H
#define CJAIL_H

#include <stddef.h>
#include <sys/types.h>

#include "cjail_control.h"

struct cjail_spawn {
    const char *path; // absolute
    const char *const *arguments; // NULL-terminated, the tool's name first, CJAIL_POISON second
    const char *const *environment; // NULL-terminated
    int input; // becomes 0
    int output; // becomes 1
    int error; // becomes 2
    int control; // becomes CJAIL_FD_CONTROL
    int status; // becomes CJAIL_FD_STATUS
    int network; // becomes CJAIL_FD_NETWORK
    int library; // becomes CJAIL_FD_LIBRARY
    const int *cgroups; // `tasks` (v1) or `cgroup.procs` (v2), open for writing: the groups that the tool starts in
    int cgroup_count; // at most CJAIL_CGROUPS_MAX; 0 leaves it in the caller's
};

#define CJAIL_CGROUPS_MAX 8

// Starts the tool as process 1 of a new PID namespace, with exactly the seven descriptors, default signal actions and
// no blocked signal. On success: 0, the process id as seen from here, and a pidfd (close-on-exec) to wait with.
// On failure: the errno, or, when one of the cgroups could not be joined, the errno negated; nothing was executed and no
// process is left behind. The caller keeps its descriptors.
int cjail_spawn(const struct cjail_spawn *request, pid_t *pid, int *pidfd);

// A descriptor (close-on-exec) of a new, empty network namespace, or -errno.
int cjail_network_namespace(void);

// A sealed memfd (close-on-exec) with these bytes, or -errno. Nobody can change it, whoever else has it open.
// `executable` is for the library; a control block needs it not.
int cjail_seal(const void *bytes, size_t length, const char *name, int executable);

// Kills the process (SIGKILL, which process 1 of a PID namespace cannot refuse from outside). 0 or the errno.
int cjail_kill(int pidfd);

// Sends a signal to the process, or to the group that bears its number. 0 or the errno: ESRCH when there is none, EINVAL
// when the kernel reaches no group by a pidfd (before 6.9).
int cjail_signal(int pidfd, int signal);
int cjail_signal_group(int pidfd, int signal);

// A pidfd (close-on-exec) of any process by its number, or -errno.
int cjail_process(pid_t pid);

// Collects the process if it has ended: 0, and its exit code (-1 if a signal ended it) and that signal (or 0).
// EAGAIN while it runs; another errno if there is nothing to collect.
int cjail_collect(int pidfd, int *exit_code, int *signal);

// The same, with the processor time that it used. A tool whose time is up is killed by SIGKILL a second later
// (setrlimit(2); process 1 of a namespace survives SIGXCPU): by that time alone can it be told from others.
int cjail_collect_timed(int pidfd, int *exit_code, int *signal, int64_t *cpu_milliseconds);

// A pipe, both ends close-on-exec. 0 or the errno.
int cjail_pipe(int *reader, int *writer);

#endif
