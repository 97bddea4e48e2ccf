// Times are UTC's, whatever the instance has. The C library looks for a file by the name of the zone before it takes
// "UTC0" for a rule (tzset(3)), and keeps what it found for as long as TZ does not change: so it looks while /usr is the
// host's, and TZ does not change. Dates among the arguments may ask for another zone ('TZ="…"', in find -newermt); they
// are not understood.
#include "jail.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

void zone_settle(void) { tzset(); }

EXPORT int setenv(const char *name, const char *value, int replace) {
    (void)name;
    (void)value;
    (void)replace;
    errno = EPERM;
    return -1;
}

EXPORT int unsetenv(const char *name) {
    (void)name;
    errno = EPERM;
    return -1;
}
