// The database of file(1). libmagic reads it when the tool asks, which is inside the view, where it would be the
// instance's. So the host's is read before the view is entered, and libmagic gets the bytes. They are read, not mapped:
// a mapping of a file that is replaced by a shorter one is a SIGBUS.
#include "jail.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
enum { LIMIT = 64 * 1024 * 1024 };

// As in <magic.h>, which is not on every host that builds this.
struct magic_set;
typedef int load_buffers_function(struct magic_set *, void **, size_t *, size_t);
EXPORT int magic_load(struct magic_set *magic, const char *path);

// Where distributions put the compiled database.
static const char *const places[] = {"/usr/share/misc/magic.mgc", "/usr/lib/file/magic.mgc"};

static void *database;
static size_t database_length;

static int open_database(void) {
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int file = open(places[i], O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (file >= 0) return file;
        if (errno != ENOENT) break;
    }
    jail_fail_errno(CJAIL_STEP_MAGIC);
}

void magic_read(const struct control *control) {
    if (!control->magic_database) return;
    int file = open_database();
    struct stat status;
    if (fstat(file, &status) != 0) jail_fail_errno(CJAIL_STEP_MAGIC);
    if (!S_ISREG(status.st_mode) || status.st_size < 1 || status.st_size > LIMIT) jail_fail(CJAIL_STEP_MAGIC, EINVAL);
    size_t length = (size_t)status.st_size;
    char *bytes = malloc(length);
    if (bytes == NULL) jail_fail_errno(CJAIL_STEP_MAGIC);
    while (database_length < length) {
        ssize_t got = read(file, bytes + database_length, length - database_length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) jail_fail_errno(CJAIL_STEP_MAGIC);
        if (got == 0) jail_fail(CJAIL_STEP_MAGIC, EIO);
        database_length += (size_t)got;
    }
    close(file);
    database = bytes;
}

// Whatever path is asked for. -1 is libmagic's word for failure.
EXPORT int magic_load(struct magic_set *magic, const char *path) {
    (void)path;
    load_buffers_function *load = (load_buffers_function *)dlsym(RTLD_NEXT, "magic_load_buffers");
    if (database == NULL || load == NULL) return -1;
    return load(magic, &database, &database_length, 1);
}
