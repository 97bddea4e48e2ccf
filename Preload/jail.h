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
    struct strings protected;
    struct strings paths; // none: the whole view
    bool magic_database;
};

// Which file or directory something is: the mount, and the inode in it; and what there is to know of it.
struct place {
    uint64_t mount;
    uint32_t device_major;
    uint32_t device_minor;
    uint64_t inode;
    bool is_link;
    bool is_mount_root;
};

// Where a view is put together.
struct staging {
    int top; // a tmpfs on top of the old root: holds those below
    int narrow; // an empty directory for a narrowed view to stand on
    int directory; // an empty directory, to block directories with
    int file; // an empty file, to block everything else with
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

// place.c
bool place_of(int directory, const char *path, int flags, struct place *place);
bool place_is(const struct place *one, const struct place *other);

// tree.c
enum { TREE_OVERLAY = 0x794c7630, TREE_TMPFS = 0x01021994 }; // statfs(2); linux/magic.h has the second only
bool tree_is(int descriptor, long magic);
void tree_check(int descriptor, bool writable);
void tree_seal(int mount, bool writable);
int tree_clone(int source, unsigned recursive, const char *step);
void tree_attach(int mount, int target, const char *step);
int tree_tmpfs(const char *step);
int tree_find(int tree, const char *path);

// view.c: the process's root is the view afterwards.
void view_enter(const struct control *control, struct place *root);

// mounts.c: what the table of mounts is made from.
void mounts_of(const struct control *control);

// zone.c, magic.c: what a tool would otherwise read of the instance, read on the host.
void zone_settle(void);
void magic_read(const struct control *control);

// narrow.c
int narrow_view(const struct control *control, const struct staging *staging, int view);

// guard.c
void guard_operands(const struct control *control, const struct place *root);

// confine.c
void confine_priority(void);
void confine_limits(const struct control *control);
void confine_capabilities(const struct control *control);
void confine_descriptors(void);

// seccomp.c
void seccomp_install(bool writes);

#endif
