// A tool that trusts the tree: `naive rm PATH` removes one as rm once did (CVE-2002-0435, CVE-2015-1865) – into a folder, and
// out of it by "..", by whatever names it read before. It is what the jail must hold although the tool does not.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int step_into(const char *name) {
    int folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return -1;
    int result = fchdir(folder);
    close(folder);
    return result;
}

// Folders first: what is left to remove when it comes back out is what makes it dangerous.
static void empty(void) {
    DIR *folder = opendir(".");
    if (folder == NULL) return;
    char *names[256];
    int count = 0;
    for (struct dirent *entry; count < 256 && (entry = readdir(folder)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) names[count++] = strdup(entry->d_name);
    closedir(folder);
    for (int folders = 1; folders >= 0; folders--) {
        for (int i = 0; i < count; i++) {
            struct stat status;
            if (names[i] == NULL || fstatat(AT_FDCWD, names[i], &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
            if (!S_ISDIR(status.st_mode)) {
                if (folders == 0) unlinkat(AT_FDCWD, names[i], 0);
            } else if (folders == 1 && step_into(names[i]) == 0) {
                empty();
                if (step_into("..") != 0) return;
                unlinkat(AT_FDCWD, names[i], AT_REMOVEDIR);
            }
        }
    }
    for (int i = 0; i < count; i++) free(names[i]);
}

int main(int argc, char **argv) {
    if (argc != 3 || strcmp(argv[1], "rm") != 0) return 2;
    if (step_into(argv[2]) != 0) return 1;
    empty();
    return 0;
}
