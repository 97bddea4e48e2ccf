// Medians of spawning `ls -l /`: bench RUNS LIBRARY BLOCK ROOT [CGROUP…]
// Bare: the same spawner, the host's ls on the same directory, no library. Jailed: with the library and this block.
// Joined: in these cgroups in addition (their `tasks` or `cgroup.procs`).
#include "cjail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 10000, KINDS = 3 };

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
    int runs = argc < 5 || argc > 5 + CJAIL_CGROUPS_MAX ? 0 : atoi(argv[1]);
    if (runs < 1 || runs > RUNS_MAX) return 2;
    const char *jailed[] = {"ls", CJAIL_POISON, "-l", "/", NULL};
    const char *bare[] = {"ls", "-l", argv[4], NULL};
    const char *environment[] = {CJAIL_ENV_PRELOAD, CJAIL_ENV_LOCALE, CJAIL_ENV_ZONE, CJAIL_ENV_PATH, NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct cjail_spawn requests[KINDS];
    requests[1] = (struct cjail_spawn){
        .path = "/usr/bin/ls",
        .arguments = jailed,
        .environment = environment,
        .input = null,
        .error = null,
        .control = seal_file(argv[3], 0),
        .network = cjail_network_namespace(),
        .library = seal_file(argv[2], 1),
    };
    requests[0] = requests[2] = requests[1];
    requests[0].arguments = bare;
    requests[0].environment = environment + 1;
    int cgroups[CJAIL_CGROUPS_MAX], kinds = argc > 5 ? 3 : 2;
    for (int i = 5; i < argc; i++)
        if ((cgroups[i - 5] = open(argv[i], O_WRONLY | O_CLOEXEC)) < 0) return 3;
    requests[2].cgroups = cgroups;
    requests[2].cgroup_count = argc - 5;

    // Interleaved, so that whatever else the machine does falls on all of them.
    static const char *const names[KINDS] = {"bare", "jailed", "joined"};
    static double times[KINDS][RUNS_MAX];
    for (int i = 0; i < runs; i++)
        for (int kind = 0; kind < kinds; kind++) times[kind][i] = run(requests[kind], 26);
    for (int kind = 0; kind < kinds; kind++) {
        double *sorted = times[kind];
        qsort(sorted, (size_t)runs, sizeof *sorted, compare);
        printf("%s%s %.2f ms (p90 %.2f, p99 %.2f)", kind == 0 ? "" : ", ", names[kind], sorted[runs / 2],
               sorted[runs * 9 / 10], sorted[runs * 99 / 100]);
    }
    puts("");
    return 0;
}
