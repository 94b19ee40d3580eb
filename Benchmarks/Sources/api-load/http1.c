/* HTTP/1.1 with keep-alive. It parses nothing of the bodies, so that it leaves the processor to the server. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "load.h"

enum { READ_BYTES = 1 << 16 };

static atomic_long next_request;

typedef struct {
    SSL *ssl;
    char buffer[READ_BYTES];
    size_t start, end;
} Connection;

static Connection *open_connection(void) {
    Connection *c = calloc(1, sizeof *c);
    if (!c) die("no memory");
    c->ssl = open_tls();
    return c;
}

static void fill(Connection *c) {
    if (c->start == c->end) c->start = c->end = 0;
    if (c->end == READ_BYTES) {
        memmove(c->buffer, c->buffer + c->start, c->end - c->start);
        c->end -= c->start;
        c->start = 0;
        if (c->end == READ_BYTES) die("a line is too long");
    }
    int n = SSL_read(c->ssl, c->buffer + c->end, READ_BYTES - c->end);
    if (n <= 0) die("the server closed a connection");
    c->end += n;
}

/* The next line, without its CRLF, valid until the next call. */
static char *read_line(Connection *c) {
    size_t seen = 0;
    for (;;) {
        char *found = memchr(c->buffer + c->start + seen, '\n', c->end - c->start - seen);
        if (found) {
            char *line = c->buffer + c->start;
            c->start = found + 1 - c->buffer;
            if (found > line && found[-1] == '\r') found--;
            *found = 0;
            return line;
        }
        seen = c->end - c->start;
        fill(c);
    }
}

/* Passes over `length` bytes and returns how many line ends are among them. */
static long skip(Connection *c, size_t length) {
    long lines = 0;
    while (length > 0) {
        if (c->start == c->end) fill(c);
        size_t n = c->end - c->start < length ? c->end - c->start : length;
        for (char *p = c->buffer + c->start, *e = p + n; (p = memchr(p, '\n', e - p)); p++) lines++;
        c->start += n;
        length -= n;
    }
    return lines;
}

typedef struct {
    int status, chunked;
    size_t length;
} Head;

static Head read_head(Connection *c) {
    Head head = {0};
    char *line = read_line(c);
    if (sscanf(line, "HTTP/1.1 %d", &head.status) != 1) die("not an HTTP response");
    while (*(line = read_line(c))) {
        if (!strncasecmp(line, "content-length:", 15)) head.length = strtoul(line + 15, NULL, 10);
        if (!strncasecmp(line, "transfer-encoding: chunked", 26)) head.chunked = 1;
    }
    return head;
}

static int read_response(Connection *c) {
    Head head = read_head(c);
    size_t total = head.length;
    if (head.chunked) {
        size_t n;
        total = 0;
        do {
            n = strtoul(read_line(c), NULL, 16);
            skip(c, n);
            read_line(c);
            total += n;
        } while (n > 0);
    } else {
        skip(c, head.length);
    }
    atomic_fetch_add(&figures.body_bytes, (long)total);
    return head.status;
}

static int write_request(char *out, long i) {
    Request request;
    make_request(&request, i);
    int n = snprintf(
        out, REQUEST_BYTES,
        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: kubectl/v1.36.0 (linux/amd64) kubernetes/abcdef0\r\n"
        "Accept: application/json\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%.*s",
        request.method, request.path, settings.port, settings.token, request.type, request.body_length,
        request.body_length, request.body);
    if (n >= REQUEST_BYTES) die("a request is too long");
    return n;
}

static void *client(void *unused) {
    char out[REQUEST_BYTES];
    Connection *c = open_connection();
    for (long i; (i = atomic_fetch_add(&next_request, 1)) < settings.count;) {
        int n = write_request(out, settings.first + i);
        double started = now();
        if (SSL_write(c->ssl, out, n) != n) die("cannot send");
        note_response(i, started, read_response(c));
    }
    return unused;
}

void run_http1(void) {
    pthread_t *threads = calloc(settings.connections, sizeof *threads);
    for (int i = 0; i < settings.connections; i++)
        if (pthread_create(&threads[i], NULL, client, NULL) != 0) die("cannot start a thread");
    for (int i = 0; i < settings.connections; i++) pthread_join(threads[i], NULL);
}

/* Passes over the chunks that have arrived, waiting for the end of the last one, and returns their events. */
static long read_events(Connection *c) {
    long events = 0;
    do {
        size_t length = strtoul(read_line(c), NULL, 16);
        if (length == 0) die("a watch ended early");
        events += skip(c, length);
        figures.body_bytes += (long)length;
        read_line(c);
    } while (c->start < c->end || SSL_pending(c->ssl) > 0);
    return events;
}

/* All watches on one thread, as a client with an event loop has them: otherwise the server would be charged with
 * waking a thread of the client for every delivery. */
void watch_http1(void) {
    char out[REQUEST_BYTES];
    Connection **watches = calloc(settings.connections, sizeof *watches);
    int poll = epoll_create1(EPOLL_CLOEXEC), n = write_request(out, 0);
    for (int i = 0; i < settings.connections; i++) {
        Connection *c = watches[i] = open_connection();
        if (SSL_write(c->ssl, out, n) != n) die("cannot send");
        Head head = read_head(c);
        if (head.status != 200 || !head.chunked) die("the watch was refused");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, SSL_get_fd(c->ssl), &event) != 0) die("epoll");
    }
    puts("ready");
    fflush(stdout);
    for (long missing = settings.count * settings.connections; missing > 0;) {
        struct epoll_event events[128];
        int ready = epoll_wait(poll, events, 128, -1);
        for (int i = 0; i < ready; i++) missing -= read_events(events[i].data.ptr);
    }
}
