// Spawns one tool with the descriptors that it was given, for a tracer that has attached meanwhile:
//
//   launcher LIBRARY BLOCK TOOL INPUT OUTPUT STATUS
//
// Writes a byte to 1 when it can be attached to, and waits for one from 0. From then on it makes no call that a tool makes
// too, but those of the spawner: a call that was made to fail here instead of there is made again.
// Ends as the tool did: with its code, 128 and the signal's number, or 120 when it was never executed.
#include "cjail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int seal_file(const char *path, int executable) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) _exit(121);
    char *bytes = malloc((size_t)status.st_size + 1);
    if (bytes == NULL || read(file, bytes, (size_t)status.st_size) != status.st_size) _exit(121);
    int sealed = cjail_seal(bytes, (size_t)status.st_size, "launcher", executable);
    if (sealed < 0) _exit(121);
    return sealed;
}

int main(int argc, char **argv) {
    if (argc != 7) return 122;
    const char *arguments[] = {argv[3], CJAIL_POISON, NULL};
    const char *environment[] = {CJAIL_ENV_PRELOAD, CJAIL_ENV_LOCALE, CJAIL_ENV_ZONE, CJAIL_ENV_PATH, NULL};
    struct cjail_spawn request = {
        .path = argv[3],
        .arguments = arguments,
        .environment = environment,
        .input = atoi(argv[4]),
        .output = atoi(argv[5]),
        .error = atoi(argv[5]),
        .control = seal_file(argv[2], 0),
        .status = atoi(argv[6]),
        .network = cjail_network_namespace(),
        .library = seal_file(argv[1], 1),
    };
    char byte = 'r';
    if (write(1, &byte, 1) != 1 || read(0, &byte, 1) != 1) return 122;
    pid_t pid;
    int pidfd, error = EAGAIN, code;
    for (int tries = 0; error != 0 && tries < 4; tries++) error = cjail_spawn(&request, &pid, &pidfd);
    if (error != 0) _exit(120);
    while (waitpid(pid, &code, 0) < 0)
        if (errno != EINTR) _exit(123);
    _exit(WIFEXITED(code) ? WEXITSTATUS(code) : 128 + WTERMSIG(code));
}
