// What Glibc's Swift module does not show: epoll, accept4, eventfd, recvmmsg, splice.
// Header-only; constants that are casts or expressions in C get a plain name here.
#ifndef MARTLET_CLINUX_H
#define MARTLET_CLINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// Glibc packs epoll_event on x86-64, which Swift cannot import: this is the same record with natural alignment.
struct martlet_ready {
    uint64_t data;
    uint32_t events;
};

// Registers `fd` edge-triggered for reading, writing and the peer's half-close; never modified afterwards.
static inline int martlet_epoll_add(int epfd, int fd, uint64_t data) {
    struct epoll_event event;
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = data;
    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
}

// Level-triggered, reading only: listeners and the wake-up descriptor. `exclusive` wakes one of several loops.
static inline int martlet_epoll_add_level(int epfd, int fd, uint64_t data, int exclusive) {
    struct epoll_event event;
    event.events = EPOLLIN | (exclusive ? EPOLLEXCLUSIVE : 0);
    event.data.u64 = data;
    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
}

static inline int martlet_epoll_delete(int epfd, int fd) {
    struct epoll_event event = {0};
    return epoll_ctl(epfd, EPOLL_CTL_DEL, fd, &event);
}

static inline int martlet_epoll_wait(int epfd, struct martlet_ready *out, int capacity, int timeout_ms) {
    struct epoll_event events[128];
    int n = epoll_wait(epfd, events, capacity < 128 ? capacity : 128, timeout_ms);
    for (int i = 0; i < n; i++) {
        out[i].data = events[i].data.u64;
        out[i].events = events[i].events;
    }
    return n;
}

static const uint32_t MARTLET_EPOLLIN = EPOLLIN;
static const uint32_t MARTLET_EPOLLOUT = EPOLLOUT;
static const uint32_t MARTLET_EPOLLERR = EPOLLERR;
static const uint32_t MARTLET_EPOLLHUP = EPOLLHUP;
static const uint32_t MARTLET_EPOLLRDHUP = EPOLLRDHUP;

// A new connection, non-blocking and closed on exec.
static inline int martlet_accept(int fd, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(fd, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline int martlet_socket(int family, int type, int protocol) {
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static const int MARTLET_SOCK_STREAM = SOCK_STREAM;
static const int MARTLET_SOCK_DGRAM = SOCK_DGRAM;

static inline ssize_t martlet_send(int fd, const void *bytes, size_t count) {
    return send(fd, bytes, count, MSG_NOSIGNAL);
}

static inline ssize_t martlet_send2(int fd, const void *a, size_t a_count, const void *b, size_t b_count) {
    struct iovec vector[2] = {{(void *)a, a_count}, {(void *)b, b_count}};
    struct msghdr message = {0};
    message.msg_iov = vector;
    message.msg_iovlen = 2;
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static inline int martlet_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

// OpenSSL's socket BIO uses write(): a broken connection must come back as EPIPE on the loop's own thread.
static inline void martlet_block_sigpipe(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, 0);
}

static inline void martlet_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

static inline uint64_t martlet_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static inline int martlet_unix_address(struct sockaddr_un *address, const char *path) {
    size_t length = strlen(path);
    if (length >= sizeof(address->sun_path)) return -1;
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return (int)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

#define MARTLET_UDP_BATCH 16

// Up to MARTLET_UDP_BATCH datagrams into equal slices of `buffer`; returns how many, or -1 with errno.
static inline int martlet_recv_batch(int fd, uint8_t *buffer, size_t slice, struct sockaddr_storage *peers,
                                     uint32_t *lengths) {
    struct mmsghdr messages[MARTLET_UDP_BATCH];
    struct iovec vectors[MARTLET_UDP_BATCH];
    memset(messages, 0, sizeof(messages));
    for (int i = 0; i < MARTLET_UDP_BATCH; i++) {
        vectors[i].iov_base = buffer + slice * (size_t)i;
        vectors[i].iov_len = slice;
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &peers[i];
        messages[i].msg_hdr.msg_namelen = sizeof(peers[i]);
    }
    int n = recvmmsg(fd, messages, MARTLET_UDP_BATCH, MSG_DONTWAIT, 0);
    for (int i = 0; i < n; i++) lengths[i] = messages[i].msg_len;
    return n;
}

#endif
