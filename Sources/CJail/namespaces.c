// One empty network namespace, made once and entered by every jail: making one for each would cost more than the rest
// of the jail together. Nobody in it can make a socket (seccomp), so sharing it shares nothing.
#include "cjail.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>

// unshare(2) is per thread, so it happens on one that ends right after.
static void *make_namespace(void *unused) {
    (void)unused;
    if (unshare(CLONE_NEWNET) != 0) return (void *)(intptr_t)-errno;
    int descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return (void *)(intptr_t)(descriptor < 0 ? -errno : descriptor);
}

int cjail_network_namespace(void) {
    // The thread starts with the mask of its maker: none of the process's signals should land on it.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, NULL, make_namespace, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) return -error;
    void *result;
    error = pthread_join(thread, &result);
    return error != 0 ? -error : (int)(intptr_t)result;
}
