// The one line that the agent reads from the status pipe.
#include "jail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Short enough for a pipe to take it whole (PIPE_BUF, pipe(7)).
static bool send_line(const char *line, size_t length) {
    ssize_t written;
    do written = write(CJAIL_FD_STATUS, line, length);
    while (written < 0 && errno == EINTR);
    return written == (ssize_t)length;
}

_Noreturn void jail_fail(const char *step, int error) {
    char line[128];
    int length = snprintf(line, sizeof line, "failed %s %d\n", step, error);
    if (length > 0 && (size_t)length < sizeof line) send_line(line, (size_t)length);
    _exit(CJAIL_EXIT);
}

_Noreturn void jail_fail_errno(const char *step) { jail_fail(step, errno); }

// The agent must know that the tool started: without a reader it does not start.
void jail_ready(void) {
    if (!send_line(CJAIL_READY, strlen(CJAIL_READY))) jail_fail_errno(CJAIL_STEP_START);
    close(CJAIL_FD_STATUS);
}
