// Medians of spawning `ls -l /`: bench LIBRARY BLOCK ROOT
// Bare: the same spawner, the host's ls on the same directory, no library. Jailed: with the library and this block.
#include "cjail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 200 };

static int seal_file(const char *path, int executable) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) exit(3);
    char *bytes = malloc((size_t)status.st_size);
    if (bytes == NULL || read(file, bytes, (size_t)status.st_size) != status.st_size) exit(3);
    close(file);
    int sealed = cjail_seal(bytes, (size_t)status.st_size, "bench", executable);
    free(bytes);
    if (sealed < 0) exit(3);
    return sealed;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int compare(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

// From before the spawn to the end of the output and of the process.
static double run(struct cjail_spawn request, int expected) {
    char buffer[65536];
    int output[2], status[2], pidfd;
    pid_t pid;
    double start = now();
    if (pipe2(output, O_CLOEXEC) != 0 || pipe2(status, O_CLOEXEC) != 0) exit(3);
    request.output = output[1];
    request.status = status[1];
    if (cjail_spawn(&request, &pid, &pidfd) != 0) exit(3);
    close(output[1]);
    close(status[1]);
    ssize_t got, lines = 0;
    while ((got = read(output[0], buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < got; i++) lines += buffer[i] == '\n';
    int code;
    waitpid(pid, &code, 0);
    double time = now() - start;
    close(output[0]);
    close(status[0]);
    close(pidfd);
    if (code != 0 || lines < expected) exit(4);
    return time;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    const char *jailed[] = {"ls", CJAIL_POISON, "-l", "/", NULL};
    const char *bare[] = {"ls", "-l", argv[3], NULL};
    const char *environment[] = {CJAIL_ENV_PRELOAD, CJAIL_ENV_LOCALE, CJAIL_ENV_ZONE, CJAIL_ENV_PATH, NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct cjail_spawn request = {
        .path = "/usr/bin/ls",
        .arguments = jailed,
        .environment = environment,
        .input = null,
        .error = null,
        .control = seal_file(argv[2], 0),
        .network = cjail_network_namespace(),
        .library = seal_file(argv[1], 1),
    };
    struct cjail_spawn plain = request;
    plain.arguments = bare;
    plain.environment = environment + 1;

    // Interleaved, so that whatever else the machine does falls on both.
    static double times[2][RUNS];
    for (int i = 0; i < RUNS; i++) {
        times[0][i] = run(plain, 26);
        times[1][i] = run(request, 26);
    }
    for (int i = 0; i < 2; i++) qsort(times[i], RUNS, sizeof times[i][0], compare);
    printf("bare %.2f ms (p90 %.2f), jailed %.2f ms (p90 %.2f)\n", times[0][RUNS / 2], times[0][RUNS * 9 / 10],
           times[1][RUNS / 2], times[1][RUNS * 9 / 10]);
    return 0;
}
