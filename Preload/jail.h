// The parts of the jail library. Each function either succeeds or ends the process through jail_fail: there is no
// half-made jail to return to.
#ifndef JAIL_H
#define JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cjail_control.h"

// Strings of the control block, one after another, each with its NUL.
struct strings {
    const char *next;
    uint32_t count;
};

struct control {
    bool writes;
    bool layers;
    bool live; // blockers stand for a running instance's mounts
    uint64_t capabilities;
    uint64_t cpu_seconds;
    uint64_t address_space;
    uint64_t open_files;
    struct strings roots;
    struct strings volumes; // three strings for each
    struct strings blockers;
    struct strings guards;
};

// Which directory something is: the mount, and the inode in it.
struct place {
    uint64_t mount;
    uint32_t device_major;
    uint32_t device_minor;
    uint64_t inode;
};

// status.c
_Noreturn void jail_fail(const char *step, int error);
_Noreturn void jail_fail_errno(const char *step);
void jail_ready(void);

// control.c
void control_read(struct control *control);
const char *strings_take(struct strings *strings);

// namespaces.c
void namespaces_enter(void);

// view.c: the process's root is the view afterwards.
void view_enter(const struct control *control, struct place *root);
bool place_of(int directory, const char *path, int flags, struct place *place);
bool place_is(const struct place *one, const struct place *other);

// guard.c
void guard_root(const struct control *control, const struct place *root);

// confine.c
void confine_limits(const struct control *control);
void confine_capabilities(const struct control *control);
void confine_descriptors(void);

// seccomp.c
void seccomp_install(bool writes);

#endif
