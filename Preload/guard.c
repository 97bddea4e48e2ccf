// Operands that a writer must not be given, whatever their spelling. rm's own guard against removing "/" can be switched
// off; these cannot.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// The protected paths as places: each one, and what it leads to where it is a symbolic link.
static struct place places[2 * CJAIL_PROTECTED_MAX];
static size_t place_count;

// A descriptor, or -1 when there is nothing there: a name that cannot be reached is nothing that could be removed by it.
static int look(const char *path, int flags, struct place *place) {
    int file = open(path, O_PATH | O_CLOEXEC | flags);
    if (file < 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG) return -1;
        jail_fail_errno(CJAIL_STEP_GUARD);
    }
    if (!place_of(file, "", AT_EMPTY_PATH, place)) jail_fail_errno(CJAIL_STEP_GUARD);
    return file;
}

// We are inside the view: a link of the instance leads to something of the instance. All of them stay open until the
// operands have been compared (confine.c closes them): the kernel may forget what nobody has open, and an overlay gives a
// folder that it has forgotten another inode number.
static void look_at_protected(struct strings paths) {
    for (uint32_t i = 0; i < paths.count; i++) {
        const char *path = strings_take(&paths);
        struct place *place = &places[place_count];
        if (look(path, O_NOFOLLOW, place) < 0) continue;
        place_count++;
        if (place->is_link && look(path, 0, place + 1) >= 0) place_count++;
    }
}

void guard_operands(const struct control *control, const struct place *root) {
    if (control->guards.count == 0) return;
    look_at_protected(control->protected);
    struct strings guards = control->guards;
    for (uint32_t i = 0; i < guards.count; i++) {
        // As rm would look: a link at the end is the thing itself, unless a slash follows it. What is missing is rm's to
        // say.
        struct place operand;
        int file = look(strings_take(&guards), O_NOFOLLOW, &operand);
        if (file < 0) continue;
        if (place_is(&operand, root)) jail_fail(CJAIL_STEP_GUARD_ROOT, (int)i);
        for (size_t j = 0; j < place_count; j++)
            if (place_is(&operand, &places[j])) jail_fail(CJAIL_STEP_GUARD_SYSTEM, (int)i);
        if (operand.is_mount_root) jail_fail(CJAIL_STEP_GUARD_MOUNT, (int)i);
        close(file);
    }
}
