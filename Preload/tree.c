// What a view is put together from: clones of mounts that carry our flags, a tmpfs, and places that are found without
// following links.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// Every mount of a view has these, and MOUNT_ATTR_RDONLY unless the command writes.
#define ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME)

bool tree_is(int descriptor, long magic) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 && status.f_type == magic;
}

// Believes the kernel's answer, not our request (statvfs(3); Linux fills f_flags in statfs(2) too).
void tree_check(int descriptor, bool writable) {
    unsigned long wanted = ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | (writable ? 0 : ST_RDONLY);
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) jail_fail_errno(CJAIL_STEP_SEAL);
    if (((unsigned long)status.f_flags & wanted) != wanted) jail_fail(CJAIL_STEP_SEAL, EPERM);
}

void tree_seal(int mount, bool writable) {
    struct mount_attr attributes = {
        .attr_set = ATTRIBUTES | (writable ? 0 : MOUNT_ATTR_RDONLY),
        .attr_clr = MOUNT_ATTR__ATIME,
        .propagation = MS_PRIVATE,
    };
    if (mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
        jail_fail_errno(CJAIL_STEP_SEAL);
    tree_check(mount, writable);
}

// With AT_RECURSIVE, what is mounted below comes along.
int tree_clone(int source, unsigned recursive, const char *step) {
    int tree = open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);
    if (tree < 0) jail_fail_errno(step);
    return tree;
}

void tree_attach(int mount, int target, const char *step) {
    if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
        jail_fail_errno(step);
}

// An empty one of our own, not attached anywhere yet and still writable.
int tree_tmpfs(const char *step) {
    int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "size", "65536", 0) != 0 ||
        fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "16384", 0) != 0 ||
        fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0) != 0 ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        jail_fail_errno(step);
    int mount = fsmount(context, FSMOUNT_CLOEXEC, ATTRIBUTES);
    if (mount < 0) jail_fail_errno(step);
    close(context);
    if (!tree_is(mount, TREE_TMPFS)) jail_fail(step, EINVAL);
    return mount;
}

// A place in the tree by its path there: no symbolic link is followed, and nothing leads out. -1 and errno.
int tree_find(int tree, const char *path) {
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, tree, path, &how, sizeof how);
}
