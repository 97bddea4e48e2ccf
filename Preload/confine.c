// Giving up resources, capabilities and descriptors.
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- Whose turn it is

// Last among those that want the disk, and first of all when the host runs out of memory. While /proc is the host's.
void confine_priority(void) {
    int lowest = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7);
    if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, lowest) != 0) jail_fail_errno(CJAIL_STEP_LIMITS);
    static const char most[] = "1000";
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0 || write(score, most, strlen(most)) != (ssize_t)strlen(most)) jail_fail_errno(CJAIL_STEP_LIMITS);
    close(score);
}

// ---- Limits (setrlimit(2))

// Never above what we have: raising a hard limit takes a capability that the agent may lack.
static void limit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit have;
    if (getrlimit((__rlimit_resource_t)resource, &have) != 0) jail_fail_errno(CJAIL_STEP_LIMITS);
    struct rlimit want = {
        .rlim_cur = soft < have.rlim_max ? soft : have.rlim_max,
        .rlim_max = hard < have.rlim_max ? hard : have.rlim_max,
    };
    if (setrlimit((__rlimit_resource_t)resource, &want) != 0) jail_fail_errno(CJAIL_STEP_LIMITS);
}

void confine_limits(const struct control *control) {
    // Process 1 survives the soft limit's SIGXCPU; the hard limit's SIGKILL reaches it.
    limit(RLIMIT_CPU, control->cpu_seconds, control->cpu_seconds + 1);
    limit(RLIMIT_AS, control->address_space, control->address_space);
    limit(RLIMIT_NOFILE, control->open_files, control->open_files);
    limit(RLIMIT_FSIZE, 0, 0); // output goes to pipes
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_MEMLOCK, 0, 0);
    limit(RLIMIT_MSGQUEUE, 0, 0);
}

// ---- Capabilities (capabilities(7)), by the raw calls: no library is linked for two of them

static void drop_bounding_set(uint64_t kept) {
    for (int capability = 0; capability < 64; capability++) {
        if ((kept >> capability & 1) != 0) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        // Past the last one that this kernel knows, it is not in the set either; else something else refused.
        int error = errno;
        if (error == EINVAL && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == -1 && errno == EINVAL) return;
        errno = error;
        jail_fail_errno(CJAIL_STEP_CAPABILITIES);
    }
}

void confine_capabilities(const struct control *control) {
    static const char step[] = CJAIL_STEP_CAPABILITIES;
    uint64_t kept = control->capabilities;

    // Being user 0 stops giving capabilities, for good.
    unsigned long securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                               SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                               SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, securebits, 0, 0, 0) != 0) jail_fail_errno(step);
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) jail_fail_errno(step);
    drop_bounding_set(kept);

    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct want[2] = {
        {.effective = (uint32_t)kept, .permitted = (uint32_t)kept},
        {.effective = (uint32_t)(kept >> 32), .permitted = (uint32_t)(kept >> 32)},
    };
    if (syscall(SYS_capset, &header, want) != 0) jail_fail_errno(step);

    struct __user_cap_data_struct have[2];
    if (syscall(SYS_capget, &header, have) != 0) jail_fail_errno(step);
    for (int i = 0; i < 2; i++)
        if (have[i].effective != want[i].effective || have[i].permitted != want[i].permitted ||
            have[i].inheritable != 0)
            jail_fail(step, EPERM);

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) jail_fail_errno(step);
}

// ---- Descriptors

// Leaves 0 to 2 and the status pipe. The library's own file goes too: its code is mapped by now.
void confine_descriptors(void) {
    if (syscall(SYS_close_range, CJAIL_FD_CONTROL, CJAIL_FD_CONTROL, 0) != 0 ||
        syscall(SYS_close_range, CJAIL_FD_STATUS + 1, ~0U, 0) != 0)
        jail_fail_errno(CJAIL_STEP_DESCRIPTORS);
}
