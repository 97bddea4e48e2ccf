// The view: the instance's file tree as the tool will see it, put together from descriptors in our own mount namespace
// and then made the root. What a tenant can rename or replace meanwhile is never followed: trees are cloned by
// descriptor (open_tree(2)) and places in them are found by openat2(2) without links.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// A tmpfs of our own on top of "/": paths of this process still begin below it, so it hides nothing that we open next.
static struct staging make_staging(void) {
    static const char step[] = CJAIL_STEP_STAGING;
    struct staging staging = {.top = tree_tmpfs(step)};
    if (mkdirat(staging.top, "root", 0755) != 0 || mkdirat(staging.top, "narrow", 0755) != 0 ||
        mkdirat(staging.top, "d", 0555) != 0)
        jail_fail_errno(step);
    int made = openat(staging.top, "f", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
    if (made < 0) jail_fail_errno(step);
    close(made);

    int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) jail_fail_errno(step);
    tree_attach(staging.top, top, step);
    close(top);

    // Sealed once; clones of a mount inherit its flags, so no blocker needs sealing of its own.
    tree_seal(staging.top, false);
    staging.directory = openat(staging.top, "d", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    staging.narrow = openat(staging.top, "narrow", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    staging.file = openat(staging.top, "f", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (staging.directory < 0 || staging.narrow < 0 || staging.file < 0) jail_fail_errno(step);
    return staging;
}

static int open_root(const char *path) {
    int root = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root < 0) jail_fail_errno(CJAIL_STEP_ROOT_OPEN);
    return root;
}

// A running instance: the merged root that the engine mounted, without anything mounted inside it.
static int view_of_merged(const struct control *control, const struct staging *staging) {
    struct strings roots = control->roots;
    int root = open_root(strings_take(&roots));

    // After an instance has stopped, the path may still name the empty directory that the mount was on.
    struct statx status;
    if (statx(root, "", AT_EMPTY_PATH, STATX_TYPE, &status) != 0) jail_fail_errno(CJAIL_STEP_ROOT_KIND);
    if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0 || !tree_is(root, TREE_OVERLAY))
        jail_fail(CJAIL_STEP_ROOT_KIND, EINVAL);

    int view = tree_clone(root, 0, CJAIL_STEP_ROOT_OPEN);
    close(root);
    tree_seal(view, control->writes);
    if (move_mount(view, "", staging->top, "root", MOVE_MOUNT_F_EMPTY_PATH) != 0)
        jail_fail_errno(CJAIL_STEP_ROOT_OPEN);
    return view;
}

// A stopped instance, read: its layers, all as lower ones. Named by descriptor number relative to /proc/self/fd, which
// keeps the option string far below the page that mount(2) takes.
static int view_of_layers(const struct control *control, const struct staging *staging) {
    static const char step[] = CJAIL_STEP_LAYERS;
    char options[sizeof "lowerdir=" + (CJAIL_LAYERS_MAX + 1) * sizeof "1048576"];
    _Static_assert(sizeof options <= 8192, "bounded");
    size_t length = (size_t)sprintf(options, "lowerdir=");
    struct strings roots = control->roots;
    for (uint32_t i = 0; i < roots.count; i++) {
        int layer = open_root(strings_take(&roots));
        length += (size_t)sprintf(options + length, "%s%d", i == 0 ? "" : ":", layer);
    }
    // overlayfs without an upper directory needs two lower ones.
    if (roots.count == 1) length += (size_t)sprintf(options + length, ":%d", staging->directory);
    if (length >= (size_t)sysconf(_SC_PAGESIZE)) jail_fail(step, E2BIG);

    int target = openat(staging->top, "root", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target < 0) jail_fail_errno(step);
    char name[16];
    sprintf(name, "%d", target);
    unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME;
    if (chdir("/proc/self/fd") != 0 || mount("boathook", name, "overlay", flags, options) != 0)
        jail_fail_errno(step);
    close(target);

    int view = openat(staging->top, "root", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (view < 0) jail_fail_errno(step);
    if (!tree_is(view, TREE_OVERLAY)) jail_fail(CJAIL_STEP_ROOT_KIND, EINVAL);
    tree_seal(view, false);
    return view;
}

static void attach_volumes(const struct control *control, int view) {
    static const char step[] = CJAIL_STEP_VOLUME;
    struct strings volumes = control->volumes;
    for (uint32_t i = 0; i < volumes.count; i++) {
        const char *source_path = strings_take(&volumes);
        const char *destination = strings_take(&volumes);
        const char *mode = strings_take(&volumes);
        bool writable = control->writes && mode[0] == 'w';

        int source = open(source_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;
        if (source < 0 || fstat(source, &status) != 0) jail_fail_errno(step);
        if (S_ISLNK(status.st_mode)) jail_fail(step, ELOOP);
        int target = tree_find(view, destination);
        if (target >= 0) {
            int volume = tree_clone(source, 0, step);
            tree_seal(volume, writable);
            tree_attach(volume, target, step);
            close(volume);
            close(target);
        } else if (errno != ENOENT && (errno != ELOOP || control->writes)) {
            jail_fail_errno(step);
        } // else: it never started and has no place for it yet, or a link leads there, which a reader does without
        close(source);
    }
}

// Where the running instance has a mount, ours must have one too: otherwise unlinking that place here would detach the
// mount there. EBUSY is what the kernel says to removing a mount point of one's own.
static void attach_blockers(const struct control *control, const struct staging *staging, int view) {
    static const char step[] = CJAIL_STEP_BLOCKER;
    struct strings blockers = control->blockers;
    for (uint32_t i = 0; i < blockers.count; i++) {
        int target = tree_find(view, strings_take(&blockers));
        if (target < 0) {
            // A place that a tenant just renamed: its mount would lose its protection from a writer.
            bool unprotected = control->writes && (control->live || errno != ENOENT);
            if (!unprotected && (errno == ENOENT || errno == ELOOP)) continue;
            jail_fail_errno(step);
        }
        struct stat status;
        if (fstat(target, &status) != 0) jail_fail_errno(step);
        int blocker = tree_clone(S_ISDIR(status.st_mode) ? staging->directory : staging->file, 0, step);
        tree_check(blocker, false);
        tree_attach(blocker, target, step);
        close(blocker);
        close(target);
    }
}

// pivot_root(".", ".") (pivot_root(2), "NOTES"): the old root ends up on top of the new one, and the staging tmpfs on top
// of that. Both are detached from there, the old root with every other mount of the host.
static void become_root(int view, struct place *root) {
    static const char step[] = CJAIL_STEP_PIVOT;
    if (!place_of(view, "", AT_EMPTY_PATH, root)) jail_fail_errno(step);
    struct place before;
    if (!place_of(AT_FDCWD, "/", 0, &before)) jail_fail_errno(step);
    if (before.mount == root->mount) jail_fail(step, EBUSY);

    if (fchdir(view) != 0 || syscall(SYS_pivot_root, ".", ".") != 0) jail_fail_errno(step);
    for (int mount = 0; mount < 2; mount++)
        if (umount2(".", MNT_DETACH) != 0) jail_fail_errno(step);
    if (chdir("/") != 0) jail_fail_errno(step);

    // The root, what is above it and the working directory are all the view's root, on the view's mount. ("/.." would
    // still find whatever is left on top of the root.)
    static const char *const same[] = {"/", "/..", ".", ".."};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct place after;
        if (!place_of(AT_FDCWD, same[i], 0, &after)) jail_fail_errno(step);
        if (!place_is(&after, root)) jail_fail(step, EXDEV);
    }
}

void view_enter(const struct control *control, struct place *root) {
    struct staging staging = make_staging();
    int view = control->layers ? view_of_layers(control, &staging) : view_of_merged(control, &staging);
    attach_volumes(control, view);
    attach_blockers(control, &staging, view);
    if (control->paths.count > 0) view = narrow_view(control, &staging, view);
    become_root(view, root);
}
