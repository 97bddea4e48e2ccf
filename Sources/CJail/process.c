// Ending and collecting a jailed process through its pidfd, which cannot name another process by mistake.
#include "cjail.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

// P_PIDFD (waitid(2)): an enumerator that some headers hide.
#define PIDFD_ID_TYPE 3
// PIDFD_SIGNAL_PROCESS_GROUP (linux/pidfd.h), which older headers do not have.
#define GROUP_OF_PIDFD (1U << 2)

int cjail_process(pid_t pid) {
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return pidfd < 0 ? -errno : pidfd;
}

int cjail_kill(int pidfd) {
    return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0 ? 0 : errno;
}

int cjail_signal(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : errno;
}

int cjail_signal_group(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, GROUP_OF_PIDFD) == 0 ? 0 : errno;
}

static int64_t milliseconds(struct timeval time) { return (int64_t)time.tv_sec * 1000 + time.tv_usec / 1000; }

// By the raw call, whose last argument the C library leaves out (waitid(2), "C library/kernel differences").
int cjail_collect_timed(int pidfd, int *exit_code, int *signal, int64_t *cpu_milliseconds) {
    siginfo_t info = {0};
    struct rusage usage = {0};
    while (syscall(SYS_waitid, PIDFD_ID_TYPE, pidfd, &info, WEXITED | WNOHANG, &usage) != 0)
        if (errno != EINTR) return errno;
    if (info.si_pid == 0) return EAGAIN;
    *exit_code = info.si_code == CLD_EXITED ? info.si_status : -1;
    *signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    *cpu_milliseconds = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
    return 0;
}

int cjail_collect(int pidfd, int *exit_code, int *signal) {
    int64_t unused;
    return cjail_collect_timed(pidfd, exit_code, signal, &unused);
}
