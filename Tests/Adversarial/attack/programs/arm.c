#include "arm.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_beneath(int place, const char *path, int flags, unsigned mode) {
    struct open_how how = {
        .flags = (unsigned long long)(flags | O_CLOEXEC | O_NOFOLLOW),
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    return (int)syscall(SYS_openat2, place, path, &how, sizeof how);
}

// The folder that PATH is in, and PATH's last name.
static int open_parent(int place, const char *path, const char **name) {
    const char *slash = strrchr(path, '/');
    *name = slash == NULL ? path : slash + 1;
    char parent[4096];
    int length = slash == NULL ? snprintf(parent, sizeof parent, ".") : snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    return length < (int)sizeof parent ? open_beneath(place, parent, O_PATH | O_DIRECTORY, 0) : -1;
}

static void set_folder(int place, const char *path) {
    const char *name;
    int parent = open_parent(place, path, &name);
    if (parent < 0) return;
    mkdirat(parent, name, 0755);
    close(parent);
}

static void set_file(int place, const char *path) {
    int file = open_beneath(place, path, O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (file >= 0) close(file);
}

static void set_pair(int place, const char *one, const char *other, const char *link) {
    const char *names[2] = {one, other}, *last;
    int parent = open_parent(place, one, &last), have_folder = 0, have_link = 0;
    if (parent < 0) return;
    for (int i = 0; i < 2; i++) {
        struct stat status;
        const char *name = strrchr(names[i], '/');
        names[i] = name == NULL ? names[i] : name + 1;
        if (fstatat(parent, names[i], &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        have_folder |= S_ISDIR(status.st_mode);
        have_link |= S_ISLNK(status.st_mode);
    }
    // Looked at one after the other while they change places, two may look like one: then nothing fits, and the next
    // run tries again.
    for (int i = 0; i < 2 && !have_folder; i++) have_folder = mkdirat(parent, names[i], 0755) == 0;
    for (int i = 0; i < 2 && !have_link; i++) have_link = symlinkat(link, parent, names[i]) == 0;
    close(parent);
}

void arms_read(struct arms *arms, const char *place, const char *file) {
    FILE *stream = fopen(file, "re");
    char line[8192];
    arms->place = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (stream == NULL || arms->place < 0) exit(3);
    while (fgets(line, sizeof line, stream) != NULL) {
        arms->lines = realloc(arms->lines, (size_t)(arms->count + 1) * sizeof *arms->lines);
        line[strcspn(line, "\n")] = '\0';
        arms->lines[arms->count++] = strdup(line);
    }
    fclose(stream);
}

void arms_set(const struct arms *arms) {
    for (int i = 0; i < arms->count; i++) {
        char kind, one[4096], other[4096], link[4096];
        int words = sscanf(arms->lines[i], "%c %4095s %4095s %4095s", &kind, one, other, link);
        if (kind == 'd' && words == 2) set_folder(arms->place, one);
        else if (kind == 'f' && words == 2) set_file(arms->place, one);
        else if (kind == 'p' && words == 4) set_pair(arms->place, one, other, link);
        else exit(3);
    }
}
