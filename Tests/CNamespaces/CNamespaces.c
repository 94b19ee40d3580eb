#define _GNU_SOURCE
#include "CNamespaces.h"

#include <fcntl.h>
#include <sched.h>

int martlet_namespace_make(void) {
    if (unshare(CLONE_NEWNET) != 0) return -1;
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

int martlet_namespace_enter(int descriptor) {
    return setns(descriptor, CLONE_NEWNET);
}
