// User and group names without the name service switch. The C library would read the instance's nsswitch.conf and load
// the modules that it names; these functions take the C library's place and read the instance's passwd and group, in
// its "files" format (passwd(5), group(5); nss/nss_files in the C library), as bytes that someone hostile may have put
// there and may be changing right now.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
enum { LIMIT = 1024 * 1024, FIELDS = 7 };

// One of the two files, read at first use. All zero at the start: memory that is never touched costs nothing.
struct database {
    bool is_read;
    size_t length;
    char text[LIMIT];
    char entry[LIMIT + 1]; // the line found last, cut into fields
};

static struct database users, groups;

// Anything but a regular file of at most LIMIT bytes counts as empty. Read, not mapped: a mapping of a file that
// shrinks is a SIGBUS. O_NONBLOCK: a FIFO without a writer opens at once.
static void read_database(struct database *database) {
    database->is_read = true;
    int file = open(database == &users ? "/etc/passwd" : "/etc/group", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0) return;
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= LIMIT) {
        while (database->length < LIMIT) {
            ssize_t got = read(file, database->text + database->length, LIMIT - database->length);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            database->length += (size_t)got;
        }
    }
    close(file);
}

// Cuts a line at its first colons into at most `count` fields; missing ones are the empty string at its end.
static void cut(char *line, char **fields, int count) {
    for (int i = 0; i < count; i++) {
        fields[i] = line;
        char *colon = i + 1 < count ? strchr(line, ':') : NULL;
        if (colon == NULL) {
            line += strlen(line);
        } else {
            *colon = '\0';
            line = colon + 1;
        }
    }
}

// strtoul(3)'s idea of a number, as in the C library: clipped to 32 bits, and nothing may follow it.
static bool parse_id(const char *field, uint32_t *id) {
    char *end;
    unsigned long value = strtoul(field, &end, 10);
    if (end == field || *end != '\0') return false;
    *id = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
    return true;
}

// What the line must be: `ids` numbers after name and password, the first being `id`, or the name being `name`.
static bool matches(char **fields, int ids, const char *name, uint32_t id) {
    uint32_t number[2] = {0, 0};
    for (int i = 0; i < ids; i++)
        if (!parse_id(fields[2 + i], &number[i])) return false;
    if (fields[0][0] == '+' || fields[0][0] == '-') return false; // compat entries
    return name != NULL ? strcmp(fields[0], name) == 0 : number[0] == id;
}

// The first line that matches, cut into `count` fields; false when there is none.
static bool find(struct database *database, char **fields, int count, int ids, const char *name, uint32_t id) {
    if (!database->is_read) read_database(database);
    const char *end = database->text + database->length;
    for (const char *line = database->text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline != NULL ? newline : end;
        while (line < stop && (*line == ' ' || (*line >= '\t' && *line <= '\r'))) line++;
        if (line < stop && *line != '#') {
            size_t length = strnlen(line, (size_t)(stop - line));
            memcpy(database->entry, line, length);
            database->entry[length] = '\0';
            cut(database->entry, fields, count);
            if (matches(fields, ids, name, id)) return true;
        }
        line = stop + 1;
    }
    return false;
}

static struct passwd *find_user(const char *name, uid_t id) {
    static struct passwd user;
    char *fields[FIELDS];
    if (!find(&users, fields, FIELDS, 2, name, id)) return NULL;
    uint32_t uid, gid;
    if (!parse_id(fields[2], &uid) || !parse_id(fields[3], &gid)) return NULL;
    user = (struct passwd){
        .pw_name = fields[0],
        .pw_passwd = fields[1],
        .pw_uid = uid,
        .pw_gid = gid,
        .pw_gecos = fields[4],
        .pw_dir = fields[5],
        .pw_shell = fields[6],
    };
    return &user;
}

static struct group *find_group(const char *name, gid_t id) {
    static struct group group;
    static char *nobody[] = {NULL}; // no tool here asks for members
    char *fields[4];
    if (!find(&groups, fields, 4, 1, name, id)) return NULL;
    uint32_t gid;
    if (!parse_id(fields[2], &gid)) return NULL;
    group = (struct group){.gr_name = fields[0], .gr_passwd = fields[1], .gr_gid = gid, .gr_mem = nobody};
    return &group;
}

EXPORT struct passwd *getpwuid(uid_t id) { return find_user(NULL, id); }
EXPORT struct passwd *getpwnam(const char *name) { return find_user(name, 0); }
EXPORT struct group *getgrgid(gid_t id) { return find_group(NULL, id); }
EXPORT struct group *getgrnam(const char *name) { return find_group(name, 0); }
