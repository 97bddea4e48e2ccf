// fallocate(2): FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE.
#include "cdisk.h"

#include <errno.h>
#include <fcntl.h>

static int allocate(int descriptor, int mode, long long length) {
    int result;
    do {
        result = fallocate(descriptor, mode, 0, (off_t)length);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int cdisk_reserve(int descriptor, long long length) {
    return allocate(descriptor, FALLOC_FL_KEEP_SIZE, length);
}

int cdisk_blank(int descriptor, long long length) {
    return allocate(descriptor, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, length);
}
