// The system calls that a tool may make from main on (seccomp(2)): what GNU's ls, rm, du, cat, head, tail, wc, stat, df,
// find, grep, sort, uniq, cut, sha256sum and md5sum, file(1), tree(1) and glibc were seen to need or can be read to need,
// and no more. Everything else answers EPERM; a call in another architecture's convention ends the process. One table
// serves x86-64 and arm64: calls that only the older one has are conditional.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000 // the x32 calls share the architecture's number
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "no system call table for this architecture"
#endif

// A call is allowed by a rule when (argument & mask) == value, of its lower half, and the upper half is 0 where that is
// asked for. Several rules for one call are alternatives.
// Both architectures are little-endian. An argument that is an int to the kernel has nothing in its upper half.
struct rule {
    uint32_t call;
    uint32_t argument;
    uint32_t mask;
    uint32_t value;
    bool upper_is_zero;
};

#define ALWAYS(name) {SYS_##name, 0, 0, 0, false}
#define NO_BITS(name, argument, bits) {SYS_##name, argument, (uint32_t)(bits), 0, false}
#define ONLY(name, argument, value) {SYS_##name, argument, UINT32_MAX, (uint32_t)(value), false}
#define NO_POINTER(name, argument) {SYS_##name, argument, UINT32_MAX, 0, true}

// Opening is for reading, and creates nothing: no bit outside these, and O_RDONLY is no bit at all.
#define OPEN_FLAGS (O_CLOEXEC | O_DIRECTORY | O_NOATIME | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_PATH)

static const struct rule reading[] = {
    // Output, and reading files and directories.
    ALWAYS(read),
    ALWAYS(pread64),
    ALWAYS(write),
    ALWAYS(writev), // stdio, for what does not fit its buffer; the C library's messages
    ALWAYS(lseek), // stdio, when it closes its streams; seekdir
    ALWAYS(close),
    ALWAYS(getdents64),
    ALWAYS(fadvise64), // fdopen'ed lists (du --files0-from), read ahead
    NO_BITS(openat, 2, ~OPEN_FLAGS),
    // What files are.
    ALWAYS(fstat),
    ALWAYS(newfstatat),
    ALWAYS(statx),
    ALWAYS(readlinkat),
    ALWAYS(faccessat), // rm asks whether a file is writable before it asks the user
    ALWAYS(faccessat2),
    ALWAYS(statfs), // fts (rm, du), to choose an order of traversal
    ALWAYS(fstatfs),
    ALWAYS(getxattr), // ls -l: the "+" of an ACL, the "." of a security context
    ALWAYS(lgetxattr),
    ALWAYS(fgetxattr),
    ALWAYS(listxattr), // the same, since coreutils 9.6
    ALWAYS(llistxattr),
    ALWAYS(flistxattr),
    // Where we are.
    ALWAYS(fchdir), // fts, without *at
    ALWAYS(chdir), // df and stat, when they look for the mount that a file is on
    ALWAYS(getcwd), // ls --hyperlink
    // Memory, never executable.
    ALWAYS(brk),
    NO_BITS(mmap, 2, PROT_EXEC),
    NO_BITS(mprotect, 2, PROT_EXEC), // the dynamic linker's last step, malloc
    ALWAYS(munmap),
    ALWAYS(mremap), // realloc of a large table
    ALWAYS(madvise), // malloc giving memory back
    ALWAYS(getrandom), // malloc's and the hash tables' keys
    ALWAYS(sysinfo), // qsort asks for the size of memory
    NO_POINTER(prlimit64, 2), // sort asks for the limits of memory, and sets none
    ALWAYS(sched_getaffinity), // sort counts processors; the C library would count them in the instance's /sys
    ONLY(futex, 1, FUTEX_WAKE_PRIVATE), // pthread_once wakes whoever waits; there is nobody to wait for
    // Descriptors: copies and flags, nothing about owners, leases, notices or pipe sizes.
    ALWAYS(dup),
    ALWAYS(dup3), // freopen (du --files0-from)
    ONLY(fcntl, 1, F_DUPFD),
    ONLY(fcntl, 1, F_DUPFD_CLOEXEC),
    ONLY(fcntl, 1, F_GETFD),
    ONLY(fcntl, 1, F_SETFD),
    ONLY(fcntl, 1, F_GETFL),
    ONLY(ioctl, 1, TCGETS), // is the output a terminal, and how wide
    ONLY(ioctl, 1, TIOCGWINSZ),
    ONLY(ioctl, 1, FIONREAD), // cat -A asks whether there is more, before it writes
    // Itself.
    ALWAYS(getpid),
    ALWAYS(getuid),
    ALWAYS(geteuid), // rm
    ALWAYS(getgid),
    ALWAYS(getegid),
    ALWAYS(uname), // ls --hyperlink names the host
    ALWAYS(clock_gettime), // where the vDSO cannot answer: ls prints years or hours by it
    ALWAYS(rt_sigaction), // ls --color
    ALWAYS(rt_sigprocmask),
    ALWAYS(rt_sigreturn),
    ALWAYS(restart_syscall), // what the kernel makes of a call that a stop interrupted
    ALWAYS(exit),
    ALWAYS(exit_group),
    // The same in older spellings, which arm64 never had.
#ifdef SYS_open
    NO_BITS(open, 1, ~OPEN_FLAGS),
#endif
#ifdef SYS_stat
    ALWAYS(stat),
#endif
#ifdef SYS_lstat
    ALWAYS(lstat),
#endif
#ifdef SYS_readlink
    ALWAYS(readlink),
#endif
#ifdef SYS_access
    ALWAYS(access),
#endif
#ifdef SYS_dup2
    ALWAYS(dup2),
#endif
};

static const struct rule writing[] = {
    ALWAYS(unlinkat),
#ifdef SYS_unlink
    ALWAYS(unlink),
#endif
#ifdef SYS_rmdir
    ALWAYS(rmdir),
#endif
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { PER_RULE = 8, AROUND = 8 };

struct program {
    struct sock_filter code[(COUNT(reading) + COUNT(writing)) * PER_RULE + AROUND];
    unsigned short length;
};

static void emit(struct program *program, struct sock_filter instruction) {
    program->code[program->length++] = instruction;
}

#define LOAD(field) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field))
#define ANSWER(action) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action))
#define IF_EQUAL(value, yes, no) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no))

// Before and after each rule the accumulator holds the call's number.
static void emit_rule(struct program *program, const struct rule *rule) {
    if (rule->mask == 0) {
        emit(program, IF_EQUAL(rule->call, 0, 1));
        emit(program, ANSWER(SECCOMP_RET_ALLOW));
        return;
    }
    uint32_t argument = (uint32_t)(offsetof(struct seccomp_data, args) + rule->argument * sizeof(uint64_t));
    uint8_t upper = rule->upper_is_zero ? 2 : 0; // instructions for it
    emit(program, IF_EQUAL(rule->call, 0, (uint8_t)(5 + upper)));
    emit(program, LOAD(argument));
    emit(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, rule->mask));
    emit(program, IF_EQUAL(rule->value, 0, (uint8_t)(1 + upper)));
    if (rule->upper_is_zero) {
        emit(program, LOAD(argument + (uint32_t)sizeof(uint32_t)));
        emit(program, IF_EQUAL(0, 0, 1));
    }
    emit(program, ANSWER(SECCOMP_RET_ALLOW));
    emit(program, LOAD(offsetof(struct seccomp_data, nr)));
}

void seccomp_install(bool writes) {
    static struct program program;
    emit(&program, LOAD(offsetof(struct seccomp_data, arch)));
    emit(&program, IF_EQUAL(NATIVE, 1, 0));
    emit(&program, ANSWER(SECCOMP_RET_KILL_PROCESS));
    emit(&program, LOAD(offsetof(struct seccomp_data, nr)));
#ifdef X32_BIT
    emit(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    emit(&program, ANSWER(SECCOMP_RET_KILL_PROCESS));
#endif
    for (size_t i = 0; i < COUNT(reading); i++) emit_rule(&program, &reading[i]);
    for (size_t i = 0; writes && i < COUNT(writing); i++) emit_rule(&program, &writing[i]);
    emit(&program, ANSWER(SECCOMP_RET_ERRNO | EPERM));

    struct sock_fprog filter = {.len = program.length, .filter = program.code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) jail_fail_errno(CJAIL_STEP_SECCOMP);
}
