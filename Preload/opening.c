// What a tool opens. In the C library's place, because two things of an instance are not for opening:
//   FIFOs: a tool would wait for a writer that never comes, or take from a running instance's reader what is meant for it.
//     It gets ENXIO, as for a socket.
//   What tools read to learn about themselves, grep where its stack ends, df what is mounted: the instance's idea of it
//   could be anything.
// This is for tools that mean well; what seccomp.c forbids is forbidden in any case.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static bool is_about_itself(const char *path) {
    return strcmp(path, "/proc/self/maps") == 0 || strcmp(path, "/proc/self/mountinfo") == 0;
}

static bool is_fifo(int directory, const char *path, int flags) {
    struct stat status;
    return fstatat(directory, path, &status, flags) == 0 && S_ISFIFO(status.st_mode);
}

// Looks before it opens: even a reader that closes at once wakes a writer that waits for one. And looks again at what it
// has opened, as a FIFO may have come meanwhile: O_NONBLOCK opens it without waiting, and changes nothing for files and
// directories.
static int open_checked(int directory, const char *path, int flags, mode_t mode) {
    if (is_about_itself(path)) {
        errno = ENOENT;
        return -1;
    }
    bool is_checked = (flags & (O_PATH | O_DIRECTORY)) == 0;
    if (!is_checked || !is_fifo(directory, path, (flags & O_NOFOLLOW) != 0 ? AT_SYMLINK_NOFOLLOW : 0)) {
        int file = (int)syscall(SYS_openat, directory, path, flags | O_NONBLOCK, mode);
        if (file < 0 || !is_checked || !is_fifo(file, "", AT_EMPTY_PATH)) return file;
        close(file);
    }
    errno = ENXIO;
    return -1;
}

// The mode that follows the flags when something may be created.
#define TAKE_MODE(flags, mode)                                      \
    mode_t mode = 0;                                                \
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {                   \
        va_list rest;                                               \
        va_start(rest, flags);                                      \
        mode = va_arg(rest, mode_t);                                \
        va_end(rest);                                               \
    }

EXPORT int open(const char *path, int flags, ...) {
    TAKE_MODE(flags, mode)
    return open_checked(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int directory, const char *path, int flags, ...) {
    TAKE_MODE(flags, mode)
    return open_checked(directory, path, flags, mode);
}

// What _FORTIFY_SOURCE makes of a call without a mode whose flags the compiler does not know.
EXPORT int __open_2(const char *path, int flags) { return open_checked(AT_FDCWD, path, flags, 0); }
EXPORT int __openat_2(int directory, const char *path, int flags) { return open_checked(directory, path, flags, 0); }

// Streams are for reading: nothing could be written anyway.
static int open_for_stream(const char *path, const char *mode) {
    if (mode[0] == 'r' && strchr(mode, '+') == NULL)
        return open_checked(AT_FDCWD, path, O_RDONLY | (strchr(mode, 'e') != NULL ? O_CLOEXEC : 0), 0);
    errno = EPERM;
    return -1;
}

EXPORT FILE *fopen(const char *path, const char *mode) {
    int file = open_for_stream(path, mode);
    if (file < 0) return NULL;
    FILE *stream = fdopen(file, mode);
    if (stream == NULL) close(file);
    return stream;
}

// du and wc make standard input the list of files that they are given, uniq its file.
EXPORT FILE *freopen(const char *path, const char *mode, FILE *stream) {
    if (path == NULL) {
        errno = EPERM;
        return NULL;
    }
    int file = open_for_stream(path, mode);
    if (file < 0) return NULL;
    int moved = dup2(file, fileno(stream));
    if (moved != file) close(file);
    if (moved < 0) return NULL;
    __fpurge(stream);
    clearerr(stream);
    return stream;
}

// The same on both processors, where off_t has 64 bits.
_Static_assert(sizeof(off_t) == sizeof(off64_t), "one kind of file offset");
EXPORT int open64(const char *path, int flags, ...) __attribute__((alias("open")));
EXPORT int openat64(int directory, const char *path, int flags, ...) __attribute__((alias("openat")));
EXPORT int __open64_2(const char *path, int flags) __attribute__((alias("__open_2")));
EXPORT int __openat64_2(int directory, const char *path, int flags) __attribute__((alias("__openat_2")));
EXPORT FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));
EXPORT FILE *freopen64(const char *path, const char *mode, FILE *stream) __attribute__((alias("freopen")));
