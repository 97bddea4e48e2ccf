// The view: the instance's file tree as the tool will see it, put together from descriptors in our own mount namespace
// and then made the root. What a tenant can rename or replace meanwhile is never followed: trees are cloned by
// descriptor (open_tree(2)) and places in them are found by openat2(2) without links.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { OVERLAY = 0x794c7630, TMPFS = 0x01021994 }; // linux/magic.h has the second only

// Every mount of a view has these, and MOUNT_ATTR_RDONLY unless the command writes.
#define ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME)

struct staging {
    int top; // the tmpfs: holds the three below
    int directory; // an empty directory, to block directories with
    int file; // an empty file, to block everything else with
};

// ---- Places

bool place_of(int directory, const char *path, int flags, struct place *place) {
    struct statx status;
    if (statx(directory, path, flags | AT_NO_AUTOMOUNT, STATX_INO | STATX_MNT_ID, &status) != 0) return false;
    if ((status.stx_mask & STATX_MNT_ID) == 0) { // before Linux 5.8
        errno = ENOSYS;
        return false;
    }
    *place = (struct place){status.stx_mnt_id, status.stx_dev_major, status.stx_dev_minor, status.stx_ino};
    return true;
}

bool place_is(const struct place *one, const struct place *other) {
    return one->mount == other->mount && one->device_major == other->device_major &&
           one->device_minor == other->device_minor && one->inode == other->inode;
}

// ---- Flags of mounts

static bool is_file_system(int descriptor, long magic) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 && status.f_type == magic;
}

// Believes the kernel's answer, not our request (statvfs(3); Linux fills f_flags in statfs(2) too).
static void check_sealed(int descriptor, bool writable) {
    unsigned long wanted = ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | (writable ? 0 : ST_RDONLY);
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) jail_fail_errno(CJAIL_STEP_SEAL);
    if (((unsigned long)status.f_flags & wanted) != wanted) jail_fail(CJAIL_STEP_SEAL, EPERM);
}

static void seal(int mount, bool writable) {
    struct mount_attr attributes = {
        .attr_set = ATTRIBUTES | (writable ? 0 : MOUNT_ATTR_RDONLY),
        .attr_clr = MOUNT_ATTR__ATIME,
        .propagation = MS_PRIVATE,
    };
    if (mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
        jail_fail_errno(CJAIL_STEP_SEAL);
    check_sealed(mount, writable);
}

// ---- Small steps

static int clone_mount(int source, const char *step) {
    int tree = open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (tree < 0) jail_fail_errno(step);
    return tree;
}

static void attach(int mount, int target, const char *step) {
    if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
        jail_fail_errno(step);
}

// A place in the view by its path there: no symbolic link is followed, and nothing leads out.
static int find_in(int view, const char *path) {
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, view, path, &how, sizeof how);
}

// ---- The steps

// A tmpfs of our own on top of "/": paths of this process still begin below it, so it hides nothing that we open next.
static struct staging make_staging(void) {
    static const char step[] = CJAIL_STEP_STAGING;
    int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "size", "65536", 0) != 0 ||
        fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0) != 0 ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        jail_fail_errno(step);
    struct staging staging = {.top = fsmount(context, FSMOUNT_CLOEXEC, ATTRIBUTES)};
    if (staging.top < 0) jail_fail_errno(step);
    close(context);
    if (!is_file_system(staging.top, TMPFS)) jail_fail(step, EINVAL);

    if (mkdirat(staging.top, "root", 0755) != 0 || mkdirat(staging.top, "d", 0555) != 0) jail_fail_errno(step);
    int made = openat(staging.top, "f", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
    if (made < 0) jail_fail_errno(step);
    close(made);

    int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) jail_fail_errno(step);
    attach(staging.top, top, step);
    close(top);

    // Sealed once; clones of a mount inherit its flags, so no blocker needs sealing of its own.
    seal(staging.top, false);
    staging.directory = openat(staging.top, "d", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    staging.file = openat(staging.top, "f", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (staging.directory < 0 || staging.file < 0) jail_fail_errno(step);
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
    if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0 || !is_file_system(root, OVERLAY))
        jail_fail(CJAIL_STEP_ROOT_KIND, EINVAL);

    int view = clone_mount(root, CJAIL_STEP_ROOT_OPEN);
    close(root);
    seal(view, control->writes);
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
    if (!is_file_system(view, OVERLAY)) jail_fail(CJAIL_STEP_ROOT_KIND, EINVAL);
    seal(view, false);
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
        int target = find_in(view, destination);
        if (target >= 0) {
            int volume = clone_mount(source, step);
            seal(volume, writable);
            attach(volume, target, step);
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
        int target = find_in(view, strings_take(&blockers));
        if (target < 0) {
            // A place that a tenant just renamed: its mount would lose its protection from a writer.
            bool unprotected = control->writes && (control->live || errno != ENOENT);
            if (!unprotected && (errno == ENOENT || errno == ELOOP)) continue;
            jail_fail_errno(step);
        }
        struct stat status;
        if (fstat(target, &status) != 0) jail_fail_errno(step);
        int blocker = clone_mount(S_ISDIR(status.st_mode) ? staging->directory : staging->file, step);
        check_sealed(blocker, false);
        attach(blocker, target, step);
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
    become_root(view, root);
}
