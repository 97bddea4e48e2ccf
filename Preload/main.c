// The jail library's hook. The dynamic linker has loaded the tool and all its libraries from the host; the tool's start
// code now calls __libc_start_main, which is ours. What follows is the whole jail, top to bottom; then the real one runs
// the tool's main. Any step that fails ends the process.
#include "jail.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

static char *const environment[] = {CJAIL_ENV_LOCALE, CJAIL_ENV_ZONE, CJAIL_ENV_PATH, NULL};

static bool is_expected(const char *entry) {
    if (strcmp(entry, CJAIL_ENV_PRELOAD) == 0) return true;
    for (size_t i = 0; environment[i] != NULL; i++)
        if (strcmp(entry, environment[i]) == 0) return true;
    return false;
}

// The tool's environment is ours, whatever it was started with, and it must not have been started with anything else:
// the dynamic linker has already acted on that.
static void replace_environment(void) {
    for (char **entry = environ; *entry != NULL; entry++)
        if (!is_expected(*entry)) jail_fail(CJAIL_STEP_ARGUMENTS, EINVAL);
    environ = (char **)environment;
}

// Moves the tool's name over the poison, so that argv without its first element is what the tool should see.
static void remove_poison(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], CJAIL_POISON) != 0) jail_fail(CJAIL_STEP_ARGUMENTS, EINVAL);
    argv[1] = argv[0];
}

__attribute__((visibility("default"))) int __libc_start_main(main_function *tool, int argc, char **argv,
                                                             void (*init)(void), void (*fini)(void),
                                                             void (*linker_fini)(void), void *stack_end);

int __libc_start_main(main_function *tool, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*linker_fini)(void), void *stack_end) {
    static struct control control;
    struct place root;
    start_function *start = (start_function *)dlsym(RTLD_NEXT, "__libc_start_main");
    if (start == NULL) jail_fail(CJAIL_STEP_START, ENOSYS);

    control_read(&control);
    remove_poison(argc, argv);
    replace_environment();
    namespaces_enter();
    zone_settle();
    magic_read(&control);
    confine_priority();
    mounts_of(&control);
    view_enter(&control, &root);
    guard_operands(&control, &root);
    confine_limits(&control);
    confine_capabilities(&control);
    confine_descriptors();
    seccomp_install(control.writes);
    jail_ready();
    return start(tool, argc - 1, argv + 1, init, fini, linker_fini, stack_end);
}
