// A tool that cannot be overlooked: it says that it ran, removes /home/marker, says what kind of jail it is in, and waits
// for its input to end, so that it can be looked at from outside. Like any tool, it refuses an option that it does not know.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

static void say_tried(const char *what, long result) { printf("%s %d\n", what, result < 0 ? errno : 0); }

static void say_descriptors(void) {
    printf("descriptors");
    for (int descriptor = 0; descriptor < 1024; descriptor++)
        if (fcntl(descriptor, F_GETFD) >= 0) printf(" %d", descriptor);
    printf("\n");
}

static void say_limits(void) {
    int copies = 0;
    while (copies < 2048 && fcntl(0, F_DUPFD, 0) >= 0) copies++;
    printf("copies of a descriptor %d\n", copies);
    void *memory = mmap(NULL, (size_t)4 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("much memory %d\n", memory == MAP_FAILED ? errno : 0);
}

int main(int argc, char **argv) {
    if (argc > 1 && strncmp(argv[1], "--", 2) == 0) return 2;
    printf("MAIN\n");
    say_tried("marker", unlink("/home/marker"));

    struct stat root, above;
    struct statfs flags;
    struct utsname name;
    char value[64];
    printf("root %d\n", stat("/", &root) == 0 && stat("/..", &above) == 0 && root.st_ino == above.st_ino && root.st_dev == above.st_dev);
    say_tried("of the view", access("/home/of-the-view", F_OK));
    say_tried("blocked", access("/home/blocked/inside", F_OK));
    say_tried("volume", access("/home/volume/inside", F_OK));
    if (statfs("/", &flags) == 0)
        printf("mount flags %lx\n", (unsigned long)flags.f_flags & (ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_NOATIME | ST_RDONLY));
    if (uname(&name) == 0) printf("host %s\n", name.nodename);
    printf("process %ld\n", (long)getpid());
    say_tried("foreign call", syscall(SYS_getppid));
    say_tried("privileged attribute", lgetxattr("/home/of-the-view", "trusted.attack", value, sizeof value));
    say_descriptors();
    say_limits();
    for (char **entry = environ; *entry != NULL; entry++) printf("environment %s\n", *entry);
    printf("END\n");
    fflush(stdout);
    while (read(0, value, sizeof value) > 0) continue;
    return 0;
}
