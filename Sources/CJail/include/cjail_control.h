// The contract between the agent and the jail library: which descriptor is which, how the control block is laid out,
// and the words of the status line. Included by both sides (Swift through the module, C directly).
#ifndef CJAIL_CONTROL_H
#define CJAIL_CONTROL_H

#include <stdint.h>

// What the child's descriptors are when the tool is executed. 0, 1 and 2 are the tool's own; the others are gone
// before its main runs.
#define CJAIL_FD_CONTROL 3 // the control block: a sealed memfd
#define CJAIL_FD_STATUS 4 // write end of the status pipe
#define CJAIL_FD_NETWORK 5 // an empty network namespace
#define CJAIL_FD_LIBRARY 6 // the jail library: a sealed memfd

// argv[1] of every tool. The library takes it away; a tool that runs without the library stumbles over it and ends
// before it does anything.
#define CJAIL_POISON "--boathook-not-jailed"

// The tool's whole environment at exec is these four; the library takes the first one away.
#define CJAIL_ENV_PRELOAD "LD_PRELOAD=/proc/self/fd/6"
#define CJAIL_ENV_LOCALE "LC_ALL=C"
#define CJAIL_ENV_ZONE "TZ=UTC0"
#define CJAIL_ENV_PATH "PATH=/usr/bin:/bin"

// The control block: a header, then NUL-terminated strings without gaps, to exactly `length` bytes:
//   root_count       paths on the host: the merged root, or (with CJAIL_LAYERS) the layers, topmost first
//   volume_count     x 3: source on the host (no symbolic link at its end), destination in the view, "r" or "w"
//   blocker_count    paths in the view that get an empty read-only mount, in this order
//   guard_count      operands (rm's, relative to "/") that must be none of the view's root, a protected path, and the
//                    root of a mount
//   protected_count  paths in the view that no guarded operand may be, nor what they lead to as symbolic links
//   path_count       if there are any: the only paths of the instance that the view has. None is "/", none has an
//                    empty, "." or ".." component, and none is shorter than the one before; a path that is another's or
//                    lies below another is passed over
// Byte order and alignment are the host's; the structure has no padding.
#define CJAIL_MAGIC 0x4c4a4842 // "BHJL"
#define CJAIL_VERSION 2

#define CJAIL_WRITES 1 // the view is writable, and files may be unlinked
#define CJAIL_LAYERS 2 // roots are layers, mounted read-only by the library; never together with CJAIL_WRITES
#define CJAIL_LIVE 4 // blockers stand for mounts of a running instance: a writer wants a place for each
#define CJAIL_MAGIC_DATABASE 8 // the tool is file(1): it gets the host's database of magic numbers

struct cjail_header {
    uint32_t magic;
    uint32_t version;
    uint64_t length; // of the whole block, this header included
    uint64_t flags;
    uint64_t capabilities; // kept ones, bit per number; only CAP_DAC_OVERRIDE and CAP_FOWNER are accepted
    uint64_t cpu_seconds; // RLIMIT_CPU, at least 1
    uint64_t address_space; // RLIMIT_AS in bytes, at least 16 MiB
    uint64_t open_files; // RLIMIT_NOFILE, at least 16
    uint32_t root_count;
    uint32_t volume_count;
    uint32_t blocker_count;
    uint32_t guard_count;
    uint32_t protected_count;
    uint32_t path_count;
};

#define CJAIL_CONTROL_MAX 1048576 // bytes in the whole block
#define CJAIL_LAYERS_MAX 500 // what overlayfs stacks at most
#define CJAIL_VOLUMES_MAX 512
#define CJAIL_BLOCKERS_MAX 4096
#define CJAIL_GUARDS_MAX 1024
#define CJAIL_PROTECTED_MAX 256
#define CJAIL_PATHS_MAX 64
#define CJAIL_PATH_MAX 4095 // bytes in one path, without its NUL

// The status pipe carries one line: "ready\n", or "failed STEP NUMBER\n" and the process ends with CJAIL_EXIT.
// STEP is one of these words, in the order in which the steps are taken. NUMBER is an errno; but of the three steps that
// refuse an operand (guard_root, guard_system, guard_mount) it is the operand's index among the guards, from 0.
#define CJAIL_EXIT 125
#define CJAIL_READY "ready\n"
#define CJAIL_STEP_CONTROL "control" // the block is malformed
#define CJAIL_STEP_ARGUMENTS "arguments" // no poison, or an unexpected environment
#define CJAIL_STEP_PARENT "parent" // the agent is gone
#define CJAIL_STEP_NAMESPACES "namespaces"
#define CJAIL_STEP_PRIVATE "private"
#define CJAIL_STEP_MAGIC "magic" // the host has no database for file(1), or it cannot be read
#define CJAIL_STEP_STAGING "staging"
#define CJAIL_STEP_ROOT_OPEN "root_open"
#define CJAIL_STEP_ROOT_KIND "root_kind" // not the root of an overlay mount
#define CJAIL_STEP_LAYERS "layers"
#define CJAIL_STEP_SEAL "seal" // a mount does not have the flags it must have
#define CJAIL_STEP_VOLUME "volume"
#define CJAIL_STEP_BLOCKER "blocker"
#define CJAIL_STEP_PATHS "paths" // a symbolic link stands where one of the view's only paths should, or it cannot be attached
#define CJAIL_STEP_PIVOT "pivot"
#define CJAIL_STEP_GUARD "guard" // an operand or a protected path cannot be looked at; NUMBER is an errno
#define CJAIL_STEP_GUARD_ROOT "guard_root" // an operand is the view's root
#define CJAIL_STEP_GUARD_SYSTEM "guard_system" // an operand is a protected path, or what one leads to
#define CJAIL_STEP_GUARD_MOUNT "guard_mount" // an operand is the root of a mount
#define CJAIL_STEP_LIMITS "limits" // the priorities in it are given up earlier, before staging
#define CJAIL_STEP_CAPABILITIES "capabilities"
#define CJAIL_STEP_DESCRIPTORS "descriptors"
#define CJAIL_STEP_SECCOMP "seccomp"
#define CJAIL_STEP_START "start" // the real __libc_start_main is missing, or "ready" could not be written

#endif
