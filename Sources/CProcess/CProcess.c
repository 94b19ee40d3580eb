#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int martlet_set_parent_death_signal(int signal_number) {
    return prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0);
}

int martlet_keep_capabilities(uint64_t kept) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    if (syscall(SYS_capget, &header, sets) != 0) return -1;
    // Of the bounding set first, which takes CAP_SETPCAP. Who lacks that has nothing to lose by executing a file either:
    // no_new_privs below sees to it.
    for (int number = 0; number < 64; number++) {
        if (kept >> number & 1) continue;
        if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0 && errno != EPERM) break;  // EINVAL: there are no more.
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, number, 0, 0);
    }
    for (int half = 0; half < 2; half++) {
        uint32_t bits = (uint32_t)(kept >> (32 * half));
        sets[half].permitted &= bits;
        sets[half].effective &= bits;
        sets[half].inheritable &= bits;
    }
    if (syscall(SYS_capset, &header, sets) != 0) return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void martlet_trim_heap(void) {
    malloc_trim(0);
}

void martlet_keep_heap(int growth, int slack, int largest) {
    mallopt(M_TOP_PAD, growth);
    mallopt(M_TRIM_THRESHOLD, slack);
    mallopt(M_MMAP_THRESHOLD, largest);
}

void martlet_map_large_blocks(int least) {
    mallopt(M_MMAP_THRESHOLD, least);
}

ssize_t martlet_receive_from_process(int descriptor, void *buffer, size_t length, pid_t *sender) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *sender = 0;
    ssize_t count = recvmsg(descriptor, &message, MSG_CMSG_CLOEXEC);
    if (count < 0) return count;
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each != NULL; each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_CREDENTIALS) continue;
        struct ucred credentials;
        memcpy(&credentials, CMSG_DATA(each), sizeof credentials);
        *sender = credentials.pid;
    }
    return count;
}

int martlet_pass_credentials(int descriptor) {
    int on = 1;
    return setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

long martlet_heap_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return (long)(info.uordblks + info.hblkhd);
}

long martlet_page_size(void) {
    return sysconf(_SC_PAGESIZE);
}

#ifndef MARTLET_COMMIT
#define MARTLET_COMMIT ""
#endif

const char *martlet_commit(void) {
    return MARTLET_COMMIT;
}
