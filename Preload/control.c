// Reading the control block. It comes from the agent, not from a tenant, but a mistake in it must not become a weaker
// jail: everything is checked, and nothing unknown is accepted.
#include "jail.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char block[CJAIL_CONTROL_MAX] __attribute__((aligned(8)));

_Noreturn static void malformed(void) { jail_fail(CJAIL_STEP_CONTROL, EINVAL); }

static size_t read_block(void) {
    struct stat status;
    if (fstat(CJAIL_FD_CONTROL, &status) != 0) jail_fail_errno(CJAIL_STEP_CONTROL);
    if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof(struct cjail_header) ||
        status.st_size > CJAIL_CONTROL_MAX)
        malformed();
    size_t length = (size_t)status.st_size, have = 0;
    while (have < length) {
        ssize_t got = pread(CJAIL_FD_CONTROL, block + have, length - have, (off_t)have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) malformed();
        have += (size_t)got;
    }
    return length;
}

// Where the scan of the strings is.
struct scan {
    const char *next;
    const char *end;
};

static const char *scan_string(struct scan *scan) {
    const char *string = scan->next;
    const char *nul = memchr(string, '\0', (size_t)(scan->end - string));
    if (nul == NULL || nul - string > CJAIL_PATH_MAX) malformed();
    scan->next = nul + 1;
    return string;
}

static void scan_path(struct scan *scan) {
    if (scan_string(scan)[0] != '/') malformed();
}

static struct strings scan_paths(struct scan *scan, uint32_t count) {
    struct strings strings = {scan->next, count};
    for (uint32_t i = 0; i < count; i++) scan_path(scan);
    return strings;
}

// What is attached at its own place in another tree: spelled in one way only, and never the whole tree. Shorter ones come
// first, so that a path that lies below another comes after it.
static struct strings scan_narrow_paths(struct scan *scan, uint32_t count) {
    struct strings strings = {scan->next, count};
    size_t least = 1;
    for (uint32_t i = 0; i < count; i++) {
        const char *path = scan_string(scan);
        size_t length = strlen(path);
        if (path[0] != '/' || length < least) malformed();
        least = length;
        while (*path == '/') {
            size_t name = strcspn(++path, "/");
            if (name == 0 || strncmp(path, "..", name) == 0) malformed(); // empty, "." and ".."
            path += name;
        }
    }
    return strings;
}

static struct strings scan_volumes(struct scan *scan, uint32_t count) {
    struct strings strings = {scan->next, count};
    for (uint32_t i = 0; i < count; i++) {
        scan_path(scan);
        scan_path(scan);
        const char *mode = scan_string(scan);
        if (strcmp(mode, "r") != 0 && strcmp(mode, "w") != 0) malformed();
    }
    return strings;
}

// Operands are the user's words: any string, even an empty one.
static struct strings scan_operands(struct scan *scan, uint32_t count) {
    struct strings strings = {scan->next, count};
    for (uint32_t i = 0; i < count; i++) scan_string(scan);
    return strings;
}

void control_read(struct control *control) {
    size_t length = read_block();
    struct cjail_header header;
    memcpy(&header, block, sizeof header);

    if (header.magic != CJAIL_MAGIC || header.version != CJAIL_VERSION || header.length != length) malformed();
    if ((header.flags & ~(uint64_t)(CJAIL_WRITES | CJAIL_LAYERS | CJAIL_LIVE | CJAIL_MAGIC_DATABASE)) != 0) malformed();
    control->writes = (header.flags & CJAIL_WRITES) != 0;
    control->layers = (header.flags & CJAIL_LAYERS) != 0;
    control->live = (header.flags & CJAIL_LIVE) != 0;
    control->magic_database = (header.flags & CJAIL_MAGIC_DATABASE) != 0;
    // The library mounts layers for reading only: an upper directory that is also a lower one must not change.
    if (control->writes && control->layers) malformed();

    uint64_t grantable = UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_FOWNER;
    if ((header.capabilities & ~grantable) != 0) malformed();
    control->capabilities = header.capabilities;

    // One second more than cpu_seconds is the hard limit: it must not wrap around.
    if (header.cpu_seconds < 1 || header.cpu_seconds > UINT32_MAX) malformed();
    if (header.address_space < 16 * 1024 * 1024 || header.address_space > INT64_MAX) malformed();
    if (header.open_files < 16 || header.open_files > 1024 * 1024) malformed();
    control->cpu_seconds = header.cpu_seconds;
    control->address_space = header.address_space;
    control->open_files = header.open_files;

    if (header.root_count < 1 || header.root_count > (control->layers ? CJAIL_LAYERS_MAX : 1)) malformed();
    if (header.volume_count > CJAIL_VOLUMES_MAX || header.blocker_count > CJAIL_BLOCKERS_MAX ||
        header.guard_count > CJAIL_GUARDS_MAX || header.protected_count > CJAIL_PROTECTED_MAX ||
        header.path_count > CJAIL_PATHS_MAX)
        malformed();

    struct scan scan = {block + sizeof header, block + length};
    control->roots = scan_paths(&scan, header.root_count);
    control->volumes = scan_volumes(&scan, header.volume_count);
    control->blockers = scan_paths(&scan, header.blocker_count);
    control->guards = scan_operands(&scan, header.guard_count);
    control->protected = scan_paths(&scan, header.protected_count);
    control->paths = scan_narrow_paths(&scan, header.path_count);
    if (scan.next != scan.end) malformed();
}

// The caller knows how many there are.
const char *strings_take(struct strings *strings) {
    const char *string = strings->next;
    strings->next += strlen(string) + 1;
    return string;
}
