#define _GNU_SOURCE
#include "CNamespaces.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// Switches the loopback interface of this thread's namespace on.
static int raise_loopback(void) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int result = ioctl(descriptor, SIOCSIFFLAGS, &request);
    close(descriptor);
    return result;
}

int martlet_namespace_make(void) {
    if (unshare(CLONE_NEWNET) != 0 || raise_loopback() != 0) return -1;
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

int martlet_namespace_enter(int descriptor) {
    return setns(descriptor, CLONE_NEWNET);
}
