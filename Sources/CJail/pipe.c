// pipe2(2), which Swift's Glibc module leaves out: a pipe whose ends no other thread's child inherits by accident.
#include "cjail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int cjail_pipe(int *reader, int *writer) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    *reader = ends[0];
    *writer = ends[1];
    return 0;
}
