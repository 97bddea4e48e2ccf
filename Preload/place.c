// Which file or directory something is, whatever path led to it.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

bool place_of(int directory, const char *path, int flags, struct place *place) {
    struct statx status;
    if (statx(directory, path, flags | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO | STATX_MNT_ID, &status) != 0)
        return false;
    if ((status.stx_mask & STATX_MNT_ID) == 0 ||
        (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0) { // before Linux 5.8
        errno = ENOSYS;
        return false;
    }
    *place = (struct place){
        .mount = status.stx_mnt_id,
        .device_major = status.stx_dev_major,
        .device_minor = status.stx_dev_minor,
        .inode = status.stx_ino,
        .is_link = S_ISLNK(status.stx_mode),
        .is_mount_root = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0,
    };
    return true;
}

bool place_is(const struct place *one, const struct place *other) {
    return one->mount == other->mount && one->device_major == other->device_major &&
           one->device_minor == other->device_minor && one->inode == other->inode;
}
