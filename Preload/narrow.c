// A narrowed view: a tmpfs that holds nothing but the way to some of the view's places, and clones of these. What is not
// attached has no name in it, so no link and no ".." that a tenant makes leads there.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char step[] = CJAIL_STEP_PATHS;

static bool is_within(const char *path, const char *outer) {
    size_t length = strlen(outer);
    return strncmp(path, outer, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

// Whether one of the first `count` holds it already.
static bool is_held(const char *path, struct strings paths, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (is_within(path, strings_take(&paths))) return true;
    return false;
}

// What was made in the tmpfs; never what is attached to it.
static int open_made(int directory, const char *name) {
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    int made = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (made < 0) jail_fail_errno(step);
    return made;
}

// The place to attach at, with the folders that lead to it.
static int make_place(int root, const char *path, bool is_directory) {
    char name[NAME_MAX + 1];
    int place = fcntl(root, F_DUPFD_CLOEXEC, 0);
    if (place < 0) jail_fail_errno(step);
    while (*path != '\0') {
        size_t length = strcspn(++path, "/"); // a path begins with a slash, and none is at its end (control.c)
        if (length > NAME_MAX) jail_fail(step, ENAMETOOLONG);
        memcpy(name, path, length);
        name[length] = '\0';
        path += length;
        bool is_file = *path == '\0' && !is_directory;
        int result = is_file ? mknodat(place, name, S_IFREG | 0444, 0) : mkdirat(place, name, 0755);
        if (result != 0 && errno != EEXIST) jail_fail_errno(step);
        int next = open_made(place, name);
        close(place);
        place = next;
    }
    return place;
}

static unsigned long flags_of(int descriptor) {
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) jail_fail_errno(CJAIL_STEP_SEAL);
    return (unsigned long)status.f_flags;
}

// A clone inherits the flags of what it is made from; the volumes and blockers below come along.
static void attach_path(int root, int source, const char *path, bool writes) {
    struct stat status;
    if (fstat(source, &status) != 0) jail_fail_errno(step);
    int target = make_place(root, path, S_ISDIR(status.st_mode));
    int clone = tree_clone(source, AT_RECURSIVE, step);
    tree_attach(clone, target, step);
    tree_check(clone, writes);
    if (flags_of(clone) != flags_of(source)) jail_fail(CJAIL_STEP_SEAL, EPERM);
    close(clone);
    close(target);
}

int narrow_view(const struct control *control, const struct staging *staging, int view) {
    int root = tree_tmpfs(step);
    tree_attach(root, staging->narrow, step);
    struct strings paths = control->paths;
    for (uint32_t i = 0; i < paths.count; i++) {
        const char *path = strings_take(&paths);
        if (is_held(path, control->paths, i)) continue;
        int source = tree_find(view, path);
        if (source < 0) {
            if (errno == ENOENT || errno == ENOTDIR) continue; // the instance has no such thing
            jail_fail_errno(step);
        }
        attach_path(root, source, path, control->writes);
        close(source);
    }
    tree_seal(root, false);
    return root;
}
