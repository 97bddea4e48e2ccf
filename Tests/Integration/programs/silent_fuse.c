// A file system that stops answering: what a tenant's own FUSE program, or a network file system whose server is gone, is
// to whoever waits for it. Spoken by hand to /dev/fuse (linux/fuse.h; Documentation/filesystems/fuse of Linux).
//
//   silent_fuse POINT OPERATION…      mounts at POINT; operations: lookup getattr statfs open read opendir readdir
//
// It has the folder _data, and in every folder the file notes. Prints "mounted" once the kernel has its answer to INIT.
// From SIGUSR1 on, the named operations are read and never answered; each request from then on is a line, with " silent"
// behind it when it gets no answer. Ends when it is unmounted or its connection is aborted.
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct {
    const char *name;
    uint32_t code;
} operations[] = {
    {"lookup", FUSE_LOOKUP}, {"getattr", FUSE_GETATTR}, {"statfs", FUSE_STATFS},   {"open", FUSE_OPEN},
    {"read", FUSE_READ},     {"opendir", FUSE_OPENDIR}, {"readdir", FUSE_READDIR},
};
enum { KNOWN = sizeof operations / sizeof operations[0], ROOT = FUSE_ROOT_ID, DATA, NOTES };
static const char text[] = "hello\n";

static bool named[KNOWN];
static volatile sig_atomic_t is_silent;

static void fall_silent(int signal) {
    (void)signal;
    is_silent = 1;
}

static int device;

static void answer(const struct fuse_in_header *request, int error, const void *body, size_t size) {
    struct fuse_out_header head = {.len = (uint32_t)(sizeof head + size), .error = -error, .unique = request->unique};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)body, size}};
    // ENOENT: whoever asked has been interrupted. Anything else shows at the next read.
    if (writev(device, parts, 2) < 0 && errno != ENOENT) perror("answer");
}

// Nothing may be remembered by the kernel (its times of validity are 0), so that every look is a request.
static struct fuse_attr attributes(uint64_t node) {
    bool folder = node != NOTES;
    return (struct fuse_attr){
        .ino = node, .mode = folder ? S_IFDIR | 0755 : S_IFREG | 0644, .nlink = 1, .size = folder ? 0 : sizeof text - 1, .blksize = 4096};
}

static void look_up(const struct fuse_in_header *request, const char *name) {
    uint64_t node = strcmp(name, "notes") == 0 ? NOTES : request->nodeid == ROOT && strcmp(name, "_data") == 0 ? DATA : 0;
    struct fuse_entry_out entry = {.nodeid = node, .attr = attributes(node)};
    answer(request, node == 0 ? ENOENT : 0, &entry, node == 0 ? 0 : sizeof entry);
}

static void list(const struct fuse_in_header *request, const struct fuse_read_in *what) {
    char buffer[256] = {0};
    size_t size = 0;
    static const struct {
        uint64_t node;
        uint32_t type;
        const char *name;
    } entries[] = {{NOTES, S_IFREG >> 12, "notes"}, {DATA, S_IFDIR >> 12, "_data"}};
    size_t count = request->nodeid == ROOT ? 2 : 1;
    for (size_t i = what->offset; i < count; i++) {
        struct fuse_dirent *entry = (struct fuse_dirent *)(void *)(buffer + size);
        *entry = (struct fuse_dirent){
            .ino = entries[i].node, .off = i + 1, .namelen = (uint32_t)strlen(entries[i].name), .type = entries[i].type};
        memcpy(entry->name, entries[i].name, entry->namelen);
        size += FUSE_DIRENT_SIZE(entry);
    }
    answer(request, 0, buffer, size);
}

static void serve(const struct fuse_in_header *request, const void *body) {
    switch (request->opcode) {
    case FUSE_INIT: {
        struct fuse_init_out init = {
            .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096, .time_gran = 1};
        answer(request, 0, &init, sizeof init);
        dprintf(STDOUT_FILENO, "mounted\n");
        return;
    }
    case FUSE_LOOKUP: look_up(request, body); return;
    case FUSE_GETATTR: {
        struct fuse_attr_out attr = {.attr = attributes(request->nodeid)};
        answer(request, 0, &attr, sizeof attr);
        return;
    }
    case FUSE_STATFS: {
        struct fuse_statfs_out status = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
        answer(request, 0, &status, sizeof status);
        return;
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
        struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};
        answer(request, 0, &opened, sizeof opened);
        return;
    }
    case FUSE_READ: {
        const struct fuse_read_in *what = body;
        answer(request, 0, text, what->offset == 0 ? sizeof text - 1 : 0);
        return;
    }
    case FUSE_READDIR: list(request, body); return;
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR: answer(request, 0, NULL, 0); return;
    // These want no answer.
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return;
    default: answer(request, ENOSYS, NULL, 0);
    }
}

// Writes down what was asked; whether it shall stay without an answer.
static bool swallow(uint32_t code) {
    for (size_t i = 0; i < KNOWN; i++) {
        if (operations[i].code != code) continue;
        dprintf(STDOUT_FILENO, "%s%s\n", operations[i].name, named[i] ? " silent" : "");
        return named[i];
    }
    if (code != FUSE_FORGET && code != FUSE_BATCH_FORGET && code != FUSE_INTERRUPT) dprintf(STDOUT_FILENO, "%u\n", code);
    return false;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    for (int i = 2; i < argc; i++) {
        size_t which = 0;
        while (which < KNOWN && strcmp(operations[which].name, argv[i]) != 0) which++;
        if (which == KNOWN) return 2;
        named[which] = true;
    }
    struct sigaction action = {.sa_handler = fall_silent, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);

    char options[128];
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
    if (device < 0 || mount("silent", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
        perror(argv[1]);
        return 1;
    }
    static _Alignas(8) char buffer[1 << 17];
    for (;;) {
        ssize_t count = read(device, buffer, sizeof buffer);
        // ENOENT: the request was interrupted before we had it (Documentation/filesystems/fuse).
        if (count < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
        if (count < (ssize_t)sizeof(struct fuse_in_header)) return 0;
        const struct fuse_in_header *request = (const void *)buffer;
        if (is_silent && swallow(request->opcode)) continue;
        serve(request, buffer + sizeof *request);
    }
}
