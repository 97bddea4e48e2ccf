// Ending and collecting a jailed process through its pidfd, which cannot name another process by mistake.
#include "cjail.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 has it as an enumerator that some headers hide (waitid(2)).
#define PIDFD_ID_TYPE ((idtype_t)3)

int cjail_process(pid_t pid) {
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return pidfd < 0 ? -errno : pidfd;
}

int cjail_kill(int pidfd) {
    return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0 ? 0 : errno;
}

int cjail_collect(int pidfd, int *exit_code, int *signal) {
    siginfo_t info = {0};
    while (waitid(PIDFD_ID_TYPE, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0)
        if (errno != EINTR) return errno;
    if (info.si_pid == 0) return EAGAIN;
    *exit_code = info.si_code == CLD_EXITED ? info.si_status : -1;
    *signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    return 0;
}
