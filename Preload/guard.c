// rm's own guard against removing "/" compares with the root too, but can be switched off; this one cannot.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// Looks at each operand as rm would: a link at the end is the thing itself, unless a slash follows it.
void guard_root(const struct control *control, const struct place *root) {
    struct strings guards = control->guards;
    for (uint32_t i = 0; i < guards.count; i++) {
        int operand = open(strings_take(&guards), O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (operand < 0) continue; // rm will say so itself
        struct place place;
        if (!place_of(operand, "", AT_EMPTY_PATH, &place)) jail_fail_errno(CJAIL_STEP_GUARD_ROOT);
        if (place_is(&place, root)) jail_fail(CJAIL_STEP_GUARD_ROOT, EPERM);
        close(operand);
    }
}
