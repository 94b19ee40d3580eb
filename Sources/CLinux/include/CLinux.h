// What Glibc's Swift module does not show: epoll, accept4, eventfd, recvmmsg, splice.
// The functions are defined in CLinux.c, so that _GNU_SOURCE stays there: with it Glibc's headers declare some types
// differently, which clashes with the C modules that Foundation brings. Constants that are casts or expressions in C
// get a plain name here.
#ifndef MARTLET_CLINUX_H
#define MARTLET_CLINUX_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>

// Glibc packs epoll_event on x86-64, which Swift cannot import: this is the same record with natural alignment.
struct martlet_ready {
    uint64_t data;
    uint32_t events;
};

// Registers `fd` edge-triggered for reading, writing and the peer's half-close; never modified afterwards.
int martlet_epoll_add(int epfd, int fd, uint64_t data);

// Level-triggered, reading only: listeners and the wake-up descriptor. `exclusive` wakes one of several loops.
int martlet_epoll_add_level(int epfd, int fd, uint64_t data, int exclusive);

int martlet_epoll_delete(int epfd, int fd);

int martlet_epoll_wait(int epfd, struct martlet_ready *out, int capacity, int timeout_ms);

extern const uint32_t MARTLET_EPOLLIN;
extern const uint32_t MARTLET_EPOLLOUT;
extern const uint32_t MARTLET_EPOLLERR;
extern const uint32_t MARTLET_EPOLLHUP;
extern const uint32_t MARTLET_EPOLLRDHUP;

// A new connection, non-blocking and closed on exec.
int martlet_accept(int fd, struct sockaddr_storage *address, socklen_t *length);

int martlet_socket(int family, int type, int protocol);

extern const int MARTLET_SOCK_STREAM;
extern const int MARTLET_SOCK_DGRAM;

ssize_t martlet_send(int fd, const void *bytes, size_t count);

ssize_t martlet_send2(int fd, const void *a, size_t a_count, const void *b, size_t b_count);

int martlet_eventfd(void);

// OpenSSL's socket BIO uses write(): a broken connection must come back as EPIPE on the loop's own thread.
void martlet_block_sigpipe(void);

void martlet_name_thread(const char *name);

int martlet_unix_address(struct sockaddr_un *address, const char *path);

#define MARTLET_UDP_BATCH 16

// Up to MARTLET_UDP_BATCH datagrams into equal slices of `buffer`; returns how many, or -1 with errno.
int martlet_recv_batch(int fd, uint8_t *buffer, size_t slice, struct sockaddr_storage *peers,
                       uint32_t *lengths);

// Whom a datagram came from and which of this machine's addresses it was sent to: an answer takes the way back.
struct martlet_datagram_path {
    // A sockaddr_in or sockaddr_in6.
    uint64_t peer[4];
    uint32_t peer_length;
    uint32_t control_length;
    uint64_t control[6];
};

#define MARTLET_ANSWER_BATCH 32

// Has every received datagram say which address it was sent to. `family` is the socket's.
int martlet_tell_destination(int fd, int family);

// Up to MARTLET_ANSWER_BATCH datagrams into equal slices of `buffer`; a length above `slice` means one that was cut.
int martlet_recv_paths(int fd, uint8_t *buffer, size_t slice, struct martlet_datagram_path *paths, uint32_t *lengths);

// Sends the slices whose length is not 0 back along their paths; returns how many the kernel took.
int martlet_send_paths(int fd, uint8_t *buffer, size_t slice, struct martlet_datagram_path *paths,
                       const uint32_t *lengths, int count);

// Has the kernel disbelieve what ICMP says about the size that passes on a path: datagrams are split only where they
// exceed the MTU of the interface itself.
int martlet_ignore_path_mtu(int fd, int family);

// Has received datagrams say whether they came in pieces (Linux 4.9). `family` is the socket's.
int martlet_tell_pieces(int fd, int family);

// One datagram of at most `size` bytes; `in_pieces` becomes 1 for one that was put together from fragments, where the
// socket was told to say so. Returns its length, or -1 with errno.
ssize_t martlet_recv_pieces(int fd, uint8_t *buffer, size_t size, int *in_pieces);

// Signs the segments to and from `peer` with an MD5 key of up to 80 bytes (RFC 2385).
int martlet_tcp_md5(int fd, const struct sockaddr *peer, socklen_t length, const uint8_t *key, size_t key_length);

// `hops` is the TTL of what is sent; with `only_from_hops` above 0 the kernel drops what comes with a smaller one
// (RFC 5082). `family` is the socket's.
int martlet_hops(int fd, int family, int hops, int only_from_hops);

// Has received datagrams say the TTL they came with.
int martlet_tell_hops(int fd, int family);

// One datagram of at most `size` bytes, its sender and its TTL (-1: not said); returns its length, or -1 with errno.
ssize_t martlet_recv_hops(int fd, uint8_t *buffer, size_t size, struct sockaddr_storage *peer, int *hops);

// The system call bpf(2), which Glibc has no function for: a command and its `union bpf_attr`.
int martlet_bpf(int command, void *attributes, size_t size);

#endif
