#define _GNU_SOURCE 1

#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

const uint32_t MARTLET_EPOLLIN = EPOLLIN;
const uint32_t MARTLET_EPOLLOUT = EPOLLOUT;
const uint32_t MARTLET_EPOLLERR = EPOLLERR;
const uint32_t MARTLET_EPOLLHUP = EPOLLHUP;
const uint32_t MARTLET_EPOLLRDHUP = EPOLLRDHUP;
const int MARTLET_SOCK_STREAM = SOCK_STREAM;
const int MARTLET_SOCK_DGRAM = SOCK_DGRAM;

int martlet_epoll_add(int epfd, int fd, uint64_t data) {
    struct epoll_event event;
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = data;
    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
}

int martlet_epoll_add_level(int epfd, int fd, uint64_t data, int exclusive) {
    struct epoll_event event;
    event.events = EPOLLIN | (exclusive ? EPOLLEXCLUSIVE : 0);
    event.data.u64 = data;
    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
}

int martlet_epoll_delete(int epfd, int fd) {
    struct epoll_event event = {0};
    return epoll_ctl(epfd, EPOLL_CTL_DEL, fd, &event);
}

int martlet_epoll_wait(int epfd, struct martlet_ready *out, int capacity, int timeout_ms) {
    struct epoll_event events[128];
    int n = epoll_wait(epfd, events, capacity < 128 ? capacity : 128, timeout_ms);
    for (int i = 0; i < n; i++) {
        out[i].data = events[i].data.u64;
        out[i].events = events[i].events;
    }
    return n;
}

int martlet_accept(int fd, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(fd, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int martlet_socket(int family, int type, int protocol) {
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

ssize_t martlet_send(int fd, const void *bytes, size_t count) {
    return send(fd, bytes, count, MSG_NOSIGNAL);
}

ssize_t martlet_send2(int fd, const void *a, size_t a_count, const void *b, size_t b_count) {
    struct iovec vector[2] = {{(void *)a, a_count}, {(void *)b, b_count}};
    struct msghdr message = {0};
    message.msg_iov = vector;
    message.msg_iovlen = 2;
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int martlet_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void martlet_block_sigpipe(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, 0);
}

void martlet_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int martlet_unix_address(struct sockaddr_un *address, const char *path) {
    size_t length = strlen(path);
    if (length >= sizeof(address->sun_path)) return -1;
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return (int)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

int martlet_recv_batch(int fd, uint8_t *buffer, size_t slice, struct sockaddr_storage *peers,
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
