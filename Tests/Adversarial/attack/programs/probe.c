// Tries system calls from where a tool's main would be.
//
//   probe numbers FROM TO             each number with all arguments -1, and with all 0
//   probe argument NUMBER INDEX FILE  the call with each value (a line of FILE, hexadecimal) as that argument
//   probe x32 NUMBER                  one call by an x32 number
//   probe int80 NUMBER                one call by the 32-bit entry
//
// A line for each try is written before it, since it may be the last: `try NUMBER`. Then `answer ERRNO`, 0 for success.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int output; // not 1: a try may close that

static void say(const char *word, long number) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %ld\n", word, number);
    if (write(output, line, (size_t)length) != length) _exit(9);
}

static void try_call(long number, const unsigned long arguments[6]) {
    errno = 0;
    say("try", number);
    long result = syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    say("answer", result == -1 ? errno : 0);
}

static void try_numbers(long from, long to) {
    unsigned long ones[6], zeros[6] = {0};
    memset(ones, 0xff, sizeof ones);
    for (long number = from; number < to; number++) {
        try_call(number, ones);
        try_call(number, zeros);
    }
}

// Everything else is such that the call does nothing: no descriptor, no address, no length.
static void try_argument(long number, int index, const char *path) {
    FILE *values = fopen(path, "re");
    if (values == NULL) _exit(8);
    char line[64];
    while (fgets(line, sizeof line, values) != NULL) {
        unsigned long arguments[6] = {0};
        if (number == SYS_fcntl || number == SYS_ioctl) arguments[0] = ~0UL;
        if (number == SYS_mmap) arguments[4] = ~0UL;
        arguments[index] = strtoul(line, NULL, 16);
        try_call(number, arguments);
    }
}

#if defined(__x86_64__)
static long call_int80(long number) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
}
#endif

int main(int argc, char **argv) {
    output = fcntl(1, F_DUPFD, 200);
    if (output < 0 || argc < 3) return 2;
    long number = strtol(argv[2], NULL, 10);
    if (strcmp(argv[1], "numbers") == 0 && argc == 4) {
        try_numbers(number, strtol(argv[3], NULL, 10));
    } else if (strcmp(argv[1], "argument") == 0 && argc == 5) {
        try_argument(number, atoi(argv[3]), argv[4]);
#if defined(__x86_64__)
    } else if (strcmp(argv[1], "x32") == 0) {
        say("try", number);
        say("answer", syscall(number | 0x40000000, -1, -1, -1, -1, -1, -1) == -1 ? errno : 0);
    } else if (strcmp(argv[1], "int80") == 0) {
        say("try", number);
        long result = call_int80(number);
        say("answer", result < 0 ? -result : 0);
#endif
    } else {
        return 2;
    }
    say("end", 0);
    return 0;
}
