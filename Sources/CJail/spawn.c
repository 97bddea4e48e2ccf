// Starting a tool in a new PID namespace.
//
// clone(2) rather than unshare(CLONE_NEWPID) around posix_spawn(3): the calling thread keeps its own namespaces, so there
// is no state to put back and no way to fail at that, and the pidfd comes with the process instead of after it.
// The child borrows our memory (CLONE_VM) while we are suspended (CLONE_VFORK), as posix_spawn's does, so it may only
// make system calls and write into `struct child`.
#include "cjail.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PASSED = 7, STACK = 64 * 1024, ABOVE = 32 };

struct child {
    const struct cjail_spawn *request;
    int source[PASSED];
    int error; // written by the child when it could not execute; negated when it could not join a cgroup
};

// Puts source[i] at descriptor i. Sources below PASSED are moved out of the way first, so none is overwritten early.
static int place_descriptors(int source[PASSED]) {
    for (int i = 0; i < PASSED; i++)
        if (source[i] < ABOVE && (source[i] = fcntl(source[i], F_DUPFD, ABOVE)) < 0) return -1;
    for (int i = 0; i < PASSED; i++)
        if (dup2(source[i], i) < 0) return -1;
    return (int)syscall(SYS_close_range, PASSED, ~0U, 0);
}

// "0" is whoever writes it: nothing is looked up, and version 1 takes no lock against forks and exits (cgroup_procs_write
// in kernel/cgroup). Before descriptors are placed, which closes these.
static int join_cgroups(const struct cjail_spawn *request) {
    for (int i = 0; i < request->cgroup_count; i++)
        if (write(request->cgroups[i], "0", 1) != 1) return -1;
    return 0;
}

static int run_child(void *argument) {
    struct child *child = argument;

    // execve(2) keeps ignored signals ignored: an agent ignores SIGPIPE, a tool must not. By the raw call, because
    // glibc's refuses the two signals that it keeps for itself, and those may have been ignored by whoever started us.
    const unsigned long standard[4] = {0}; // the kernel's struct sigaction: SIG_DFL, no flags, an empty mask
    for (int signal = 1; signal <= 64; signal++) syscall(SYS_rt_sigaction, signal, standard, NULL, 8);

    if (join_cgroups(child->request) != 0) {
        child->error = -errno;
        _exit(CJAIL_EXIT);
    }
    if (place_descriptors(child->source) == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(child->request->path, (char *const *)child->request->arguments,
               (char *const *)child->request->environment);
    }
    child->error = errno;
    _exit(CJAIL_EXIT);
}

int cjail_spawn(const struct cjail_spawn *request, pid_t *pid, int *pidfd) {
    if (request->cgroup_count < 0 || request->cgroup_count > CJAIL_CGROUPS_MAX) return EINVAL;
    struct child child = {
        .request = request,
        .source = {request->input, request->output, request->error, request->control, request->status,
                   request->network, request->library},
    };

    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return errno;

    // No handler of ours may run in the child, on borrowed memory.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int descriptor = -1;
    int flags = CLONE_VM | CLONE_VFORK | CLONE_NEWPID | CLONE_PIDFD | SIGCHLD;
    pid_t process = clone(run_child, stack + STACK, flags, &child, &descriptor);
    int error = process < 0 ? errno : child.error;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK);

    if (process < 0) return error;
    if (error != 0) { // it never became the tool: collect it here
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR) continue;
        close(descriptor);
        return error;
    }
    *pid = process;
    *pidfd = descriptor;
    return 0;
}
