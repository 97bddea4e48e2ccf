// The table of mounts. df, and others for -fstype and the like, would read the instance's /proc/self/mountinfo
// (opening.c) or /etc/mtab, which someone hostile may have written; they get what the view is really made of. It is text
// in the format of fstab(5), made when it is asked for; the C library's own getmntent(3) reads it.
#include "jail.h"

#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#define EXPORT __attribute__((visibility("default")))

static const struct control *view;

void mounts_of(const struct control *control) { view = control; }

static bool have(struct strings strings, const char *wanted) {
    for (uint32_t i = 0; i < strings.count; i++)
        if (strcmp(strings_take(&strings), wanted) == 0) return true;
    return false;
}

// Blanks, line ends and the backslash are written as three octal digits.
static void write_escaped(FILE *table, const char *place) {
    for (; *place != '\0'; place++)
        if (strchr(" \t\n\\", *place) != NULL)
            fprintf(table, "\\%03o", (unsigned)(unsigned char)*place);
        else
            fputc(*place, table);
}

// Only what was attached and can still be found: df complains of anything else.
static void write_mount(FILE *table, const char *place) {
    struct statx status;
    struct statfs system;
    if (statx(AT_FDCWD, place, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &status) != 0 ||
        (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0 || statfs(place, &system) != 0)
        return;
    const char *kind = system.f_type == TREE_OVERLAY ? "overlay" : "volume";
    if (strcmp(place, "/") == 0 && view->paths.count > 0) kind = "none"; // of no interest, to df too
    fprintf(table, "%s ", kind);
    write_escaped(table, place);
    fprintf(table, " %s %s 0 0\n", kind, ((unsigned long)system.f_flags & ST_RDONLY) != 0 ? "ro" : "rw");
}

static void write_table(FILE *table) {
    write_mount(table, "/");
    struct strings paths = view->paths;
    for (uint32_t i = 0; i < paths.count; i++) {
        const char *path = strings_take(&paths);
        if (!have(view->blockers, path)) write_mount(table, path);
    }
    struct strings volumes = view->volumes;
    for (uint32_t i = 0; i < volumes.count; i++) {
        strings_take(&volumes);
        const char *destination = strings_take(&volumes);
        strings_take(&volumes);
        if (!have(view->paths, destination)) write_mount(table, destination);
    }
}

EXPORT FILE *setmntent(const char *name, const char *mode) {
    (void)name;
    (void)mode;
    char *text = NULL;
    size_t length = 0;
    FILE *table = open_memstream(&text, &length);
    if (table == NULL) return NULL;
    write_table(table);
    if (fclose(table) != 0) return NULL;
    return fmemopen(text, length, "re"); // the text stays: endmntent(3) knows nothing of it
}
