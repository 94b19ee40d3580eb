#define _GNU_SOURCE 1

#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
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

int martlet_tell_destination(int fd, int family) {
    int on = 1;
    if (family == AF_INET) return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
    return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
}

// What was received names the destination and the interface; what is sent names the source. The interface is kept only
// for link-local addresses: elsewhere the routing table knows better.
static void turn_around(struct msghdr *header) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);
            info->ipi_ifindex = 0;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(c);
            if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) info->ipi6_ifindex = 0;
        }
    }
}

int martlet_recv_paths(int fd, uint8_t *buffer, size_t slice, struct martlet_datagram_path *paths, uint32_t *lengths) {
    struct mmsghdr messages[MARTLET_ANSWER_BATCH];
    struct iovec vectors[MARTLET_ANSWER_BATCH];
    memset(messages, 0, sizeof(messages));
    for (int i = 0; i < MARTLET_ANSWER_BATCH; i++) {
        vectors[i].iov_base = buffer + slice * (size_t)i;
        vectors[i].iov_len = slice;
        struct msghdr *header = &messages[i].msg_hdr;
        header->msg_iov = &vectors[i];
        header->msg_iovlen = 1;
        header->msg_name = paths[i].peer;
        header->msg_namelen = sizeof(paths[i].peer);
        header->msg_control = paths[i].control;
        header->msg_controllen = sizeof(paths[i].control);
    }
    int n = recvmmsg(fd, messages, MARTLET_ANSWER_BATCH, MSG_DONTWAIT, 0);
    for (int i = 0; i < n; i++) {
        struct msghdr *header = &messages[i].msg_hdr;
        lengths[i] = header->msg_flags & MSG_TRUNC ? (uint32_t)slice + 1 : messages[i].msg_len;
        paths[i].peer_length = header->msg_namelen;
        turn_around(header);
        paths[i].control_length = (uint32_t)header->msg_controllen;
    }
    return n;
}

int martlet_send_paths(int fd, uint8_t *buffer, size_t slice, struct martlet_datagram_path *paths,
                       const uint32_t *lengths, int count) {
    struct mmsghdr messages[MARTLET_ANSWER_BATCH];
    struct iovec vectors[MARTLET_ANSWER_BATCH];
    int used = 0;
    for (int i = 0; i < count && i < MARTLET_ANSWER_BATCH; i++) {
        if (lengths[i] == 0) continue;
        vectors[used].iov_base = buffer + slice * (size_t)i;
        vectors[used].iov_len = lengths[i];
        struct msghdr *header = &messages[used].msg_hdr;
        memset(&messages[used], 0, sizeof(messages[used]));
        header->msg_iov = &vectors[used];
        header->msg_iovlen = 1;
        header->msg_name = paths[i].peer;
        header->msg_namelen = paths[i].peer_length;
        if (paths[i].control_length) {
            header->msg_control = paths[i].control;
            header->msg_controllen = paths[i].control_length;
        }
        used++;
    }
    int sent = 0, skipped = 0;
    while (sent + skipped < used) {
        int n = sendmmsg(fd, messages + sent + skipped, (unsigned)(used - sent - skipped), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            sent += n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            break;
        } else {
            // This one cannot be sent; the others can.
            skipped++;
        }
    }
    return sent;
}

int martlet_ignore_path_mtu(int fd, int family) {
    // IP_PMTUDISC_OMIT and IPV6_PMTUDISC_OMIT: 5.
    int value = 5;
    if (family == AF_INET) return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof(value));
    return setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, sizeof(value));
}

int martlet_tell_pieces(int fd, int family) {
    // IP_RECVFRAGSIZE and IPV6_RECVFRAGSIZE, which Glibc's headers lack.
    int on = 1;
    if (family == AF_INET) return setsockopt(fd, IPPROTO_IP, 25, &on, sizeof(on));
    return setsockopt(fd, IPPROTO_IPV6, 77, &on, sizeof(on));
}

ssize_t martlet_recv_pieces(int fd, uint8_t *buffer, size_t size, int *in_pieces) {
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    *in_pieces = 0;
    ssize_t count = recvmsg(fd, &message, 0);
    if (count < 0) return count;
    for (struct cmsghdr *entry = CMSG_FIRSTHDR(&message); entry; entry = CMSG_NXTHDR(&message, entry)) {
        // The kernel says the size of the largest piece, and nothing of what came whole.
        if ((entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == 25) ||
            (entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == 77))
            *in_pieces = 1;
    }
    return count;
}

int martlet_tcp_md5(int fd, const struct sockaddr *peer, socklen_t length, const uint8_t *key, size_t key_length) {
    struct tcp_md5sig signature;
    if (length > sizeof(signature.tcpm_addr) || key_length > sizeof(signature.tcpm_key)) {
        errno = EINVAL;
        return -1;
    }
    memset(&signature, 0, sizeof(signature));
    memcpy(&signature.tcpm_addr, peer, length);
    signature.tcpm_keylen = (uint16_t)key_length;
    memcpy(signature.tcpm_key, key, key_length);
    return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &signature, sizeof(signature));
}

int martlet_hops(int fd, int family, int hops, int only_from_hops) {
    // IPV6_MINHOPCOUNT: 73, of linux/in6.h, which does not go together with netinet/in.h.
    int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    int send = family == AF_INET ? IP_TTL : IPV6_UNICAST_HOPS;
    int least = family == AF_INET ? IP_MINTTL : 73;
    if (setsockopt(fd, level, send, &hops, sizeof(hops)) != 0) return -1;
    if (only_from_hops <= 0) return 0;
    return setsockopt(fd, level, least, &only_from_hops, sizeof(only_from_hops));
}

int martlet_tell_hops(int fd, int family) {
    int on = 1;
    if (family == AF_INET) return setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on));
    return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
}

ssize_t martlet_recv_hops(int fd, uint8_t *buffer, size_t size, struct sockaddr_storage *peer, int *hops) {
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {
        .msg_name = peer,
        .msg_namelen = sizeof(*peer),
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    *hops = -1;
    ssize_t count = recvmsg(fd, &message, 0);
    if (count < 0) return count;
    for (struct cmsghdr *entry = CMSG_FIRSTHDR(&message); entry; entry = CMSG_NXTHDR(&message, entry)) {
        int is_hops = (entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_TTL) ||
                      (entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == IPV6_HOPLIMIT);
        if (is_hops) memcpy(hops, CMSG_DATA(entry), sizeof(*hops));
    }
    return count;
}

int martlet_bpf(int command, void *attributes, size_t size) {
    return (int)syscall(SYS_bpf, command, attributes, size);
}
