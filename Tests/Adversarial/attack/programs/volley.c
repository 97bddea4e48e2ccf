// Runs one tool in the jail again and again, as fast as the spawner can, and counts what became of each run.
//
//   volley --library FILE --block FILE --runs N [--until HITS] [--place DIR --arm FILE] [--watch FILE]… [--needle TEXT]
//          -- TOOL ARGUMENT…
//
// A hit is a run after which a watched file is gone (it is made again), or whose output has the needle in it.
// The lines printed: `hits deleted N`, `hits disclosed N`, `runs N`, and one `outcome COUNT WORDS` for each kind of end.
#include "arm.h"
#include "cjail.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WATCHED = 64, OUTCOMES = 64, CHUNK = 1 << 16, OVERLAP = 256, SECONDS = 30 };

static struct {
    const char *library, *block, *place, *arm, *needle;
    const char *watched[WATCHED];
    int watched_count;
    long runs, until;
} options = {.until = -1};

static struct {
    char words[160];
    long count;
} outcomes[OUTCOMES];

_Noreturn static void die(const char *about) {
    perror(about);
    exit(3);
}

static void count_outcome(const char *words) {
    for (int i = 0; i < OUTCOMES; i++) {
        if (outcomes[i].count > 0 && strcmp(outcomes[i].words, words) != 0) continue;
        snprintf(outcomes[i].words, sizeof outcomes[i].words, "%s", words);
        outcomes[i].count++;
        return;
    }
    exit(4);
}

static int seal_file(const char *path, int executable) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) die(path);
    char *bytes = malloc((size_t)status.st_size + 1);
    if (bytes == NULL || read(file, bytes, (size_t)status.st_size) != status.st_size) die(path);
    close(file);
    int sealed = cjail_seal(bytes, (size_t)status.st_size, "volley", executable);
    free(bytes);
    if (sealed < 0) exit(3);
    return sealed;
}

// Drains both pipes to their ends. True when the needle was in the output.
static int drain(int output, int status, int pidfd, char *line, size_t room) {
    static char buffer[OVERLAP + CHUNK];
    struct pollfd ends[2] = {{.fd = output, .events = POLLIN}, {.fd = status, .events = POLLIN}};
    size_t kept = 0, have = 0, needle = options.needle == NULL ? 0 : strlen(options.needle);
    int found = 0;
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        int ready = poll(ends, 2, SECONDS * 1000);
        if (ready == 0) { // a hang is an outcome, not an end of the volley
            cjail_kill(pidfd);
            snprintf(line, room, "hung");
            return found;
        }
        if (ready < 0 && errno != EINTR) die("poll");
        if (ends[0].fd >= 0 && ends[0].revents != 0) {
            ssize_t got = read(output, buffer + kept, CHUNK);
            if (got <= 0) {
                ends[0].fd = -1;
            } else if (needle > 0) {
                size_t all = kept + (size_t)got;
                found |= memmem(buffer, all, options.needle, needle) != NULL;
                kept = all < needle ? all : needle - 1;
                memmove(buffer, buffer + all - kept, kept);
            }
        }
        if (ends[1].fd >= 0 && ends[1].revents != 0) {
            ssize_t got = read(status, line + have, room - 1 - have);
            if (got <= 0) ends[1].fd = -1;
            else have += (size_t)got;
            line[have] = '\0';
        }
    }
    return found;
}

static int make_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0; }

// One run. True when its output had the needle in it.
static int run_once(struct cjail_spawn request) {
    int output[2], status[2], pidfd;
    pid_t pid;
    if (!make_pipe(output) || !make_pipe(status)) die("pipe");
    request.output = output[1];
    request.error = output[1];
    request.status = status[1];
    int error = cjail_spawn(&request, &pid, &pidfd);
    close(output[1]);
    close(status[1]);
    char line[96] = "", words[160];
    int found = 0;
    if (error != 0) {
        snprintf(words, sizeof words, "not spawned %d", error);
    } else {
        found = drain(output[0], status[0], pidfd, line, sizeof line);
        int code;
        while (waitpid(pid, &code, 0) < 0)
            if (errno != EINTR) die("waitpid");
        close(pidfd);
        line[strcspn(line, "\n")] = '\0';
        if (WIFEXITED(code)) snprintf(words, sizeof words, "%s, exit %d", line, WEXITSTATUS(code));
        else snprintf(words, sizeof words, "%s, signal %d", line, WTERMSIG(code));
    }
    close(output[0]);
    close(status[0]);

    count_outcome(words);
    return found;
}

// Watched files are the canaries: made again when they are gone, so that every run can be caught.
static int look_after(void) {
    int gone = 0;
    for (int i = 0; i < options.watched_count; i++) {
        int file = open(options.watched[i], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
        if (file < 0 && errno == EEXIST) continue;
        if (file >= 0) close(file);
        else if (errno != ENOENT) die(options.watched[i]); // its folder is gone as well: the order has both
        gone = 1;
    }
    return gone;
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"library", 1, NULL, 'l'}, {"block", 1, NULL, 'b'}, {"runs", 1, NULL, 'n'},   {"until", 1, NULL, 'u'},
        {"place", 1, NULL, 'p'},   {"arm", 1, NULL, 'a'},   {"watch", 1, NULL, 'w'},  {"needle", 1, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        if (option == 'l') options.library = optarg;
        else if (option == 'b') options.block = optarg;
        else if (option == 'n') options.runs = atol(optarg);
        else if (option == 'u') options.until = atol(optarg);
        else if (option == 'p') options.place = optarg;
        else if (option == 'a') options.arm = optarg;
        else if (option == 's') options.needle = optarg;
        else if (option == 'w' && options.watched_count < WATCHED) options.watched[options.watched_count++] = optarg;
        else exit(2);
    }
    if (options.library == NULL || options.block == NULL || options.runs < 1 || optind >= argc) exit(2);
    if (options.needle != NULL && strlen(options.needle) > OVERLAP) exit(2);
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    int words = argc - optind;
    const char **arguments = calloc((size_t)words + 2, sizeof *arguments);
    if (arguments == NULL) die("calloc");
    arguments[0] = argv[optind];
    arguments[1] = CJAIL_POISON;
    for (int i = 1; i < words; i++) arguments[i + 1] = argv[optind + i];
    const char *environment[] = {CJAIL_ENV_PRELOAD, CJAIL_ENV_LOCALE, CJAIL_ENV_ZONE, CJAIL_ENV_PATH, NULL};
    struct cjail_spawn request = {
        .path = argv[optind],
        .arguments = arguments,
        .environment = environment,
        .input = open("/dev/null", O_RDWR | O_CLOEXEC),
        .control = seal_file(options.block, 0),
        .network = cjail_network_namespace(),
        .library = seal_file(options.library, 1),
    };
    struct arms arms = {0};
    if (options.arm != NULL) arms_read(&arms, options.place, options.arm);

    long runs = 0, deleted = 0, disclosed = 0;
    arms_set(&arms);
    look_after();
    while (runs < options.runs && (options.until < 0 || deleted + disclosed < options.until)) {
        arms_set(&arms);
        disclosed += run_once(request);
        deleted += look_after();
        runs++;
    }
    printf("runs %ld\nhits deleted %ld\nhits disclosed %ld\n", runs, deleted, disclosed);
    for (int i = 0; i < OUTCOMES && outcomes[i].count > 0; i++)
        printf("outcome %ld %s\n", outcomes[i].count, outcomes[i].words);
    return 0;
}
