/* HTTP/2 as client-go speaks it: many streams on one connection, windows of 4 MiB for a stream and 1 GiB for the
 * connection, reads of 4 KiB, and each frame a TLS record and a system call of its own: Go's transport flushes behind the
 * head and behind the body of each request, and a response has its caller send the next one while others are still to be
 * read. All connections are on one thread. */
#include <errno.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "load.h"

enum { READ_BYTES = 4096, STREAM_WINDOW = 4 << 20, CONNECTION_WINDOW = 1 << 30 };

typedef struct Connection Connection;

/* A place for one request at a time. */
typedef struct Slot {
    Connection *connection;
    Request request;
    int sent, status;
    /* The number of the request in the order of sending. */
    long number;
    double started;
    /* When the next request goes out, with a pause. */
    double due;
    int waiting;
    FILE *body;
} Slot;

struct Connection {
    SSL *ssl;
    nghttp2_session *session;
    Slot *slots;
    /* What is left of the frame that is being written; nghttp2 keeps it. */
    const uint8_t *frame;
    size_t frame_length;
};

static long started_requests, finished_requests, events_seen, open_watches;
static int watching;

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *out, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *context) {
    (void)session, (void)stream, (void)context;
    Slot *slot = source->ptr;
    size_t n = slot->request.body_length - slot->sent;
    if (n > size) n = size;
    memcpy(out, slot->request.body + slot->sent, n);
    slot->sent += (int)n;
    if (slot->sent == slot->request.body_length) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static nghttp2_nv field(const char *name, const char *value, int flags) {
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), flags};
}

static void submit(Slot *slot) {
    char authority[32], authorization[256], length[16];
    Request *request = &slot->request;
    slot->number = started_requests++;
    slot->waiting = slot->sent = slot->status = 0;
    make_request(request, watching ? 0 : settings.first + slot->number);
    snprintf(authority, sizeof authority, "127.0.0.1:%d", settings.port);
    snprintf(authorization, sizeof authorization, "Bearer %s", settings.token);
    snprintf(length, sizeof length, "%d", request->body_length);
    nghttp2_nv head[] = {
        field(":method", request->method, 0),
        field(":scheme", "https", 0),
        field(":authority", authority, 0),
        field(":path", request->path, 0),
        field("user-agent", "kubectl/v1.36.0 (linux/amd64) kubernetes/abcdef0", 0),
        field("accept", "application/json", 0),
        field("authorization", authorization, 0),
        field("content-type", request->type, 0),
        field("content-length", length, 0),
    };
    const int has_body = request->body_length > 0;
    nghttp2_data_provider body = {.source.ptr = slot, .read_callback = read_body};
    if (settings.body_file && slot->number == settings.count - 1) slot->body = fopen(settings.body_file, "wb");
    slot->started = now();
    if (nghttp2_submit_request(slot->connection->session, NULL, head, has_body ? 9 : 7, has_body ? &body : NULL, slot) < 0)
        die("cannot submit a request");
}

/* The next request of a slot, now or after the pause. */
static void next(Slot *slot) {
    if (started_requests >= settings.count) return;
    if (settings.pause > 0) {
        slot->waiting = 1;
        slot->due = now() + (double)settings.pause;
    } else {
        submit(slot);
    }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *context) {
    (void)value_length, (void)flags, (void)context;
    Slot *slot = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (slot && name_length == 7 && !memcmp(name, ":status", 7)) slot->status = atoi((const char *)value);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context) {
    (void)context;
    if (frame->hd.type == NGHTTP2_GOAWAY) die("the server sent GOAWAY");
    Slot *slot = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (watching && slot && frame->hd.type == NGHTTP2_HEADERS) {
        if (slot->status != 200) die("the watch was refused");
        open_watches++;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t length,
                   void *context) {
    (void)flags, (void)context;
    figures.body_bytes += (long)length;
    if (watching) {
        const uint8_t *end = bytes + length;
        for (const uint8_t *p = bytes; (p = memchr(p, '\n', end - p)); p++) events_seen++;
    }
    Slot *slot = settings.body_file ? nghttp2_session_get_stream_user_data(session, stream) : NULL;
    if (slot && slot->body) fwrite(bytes, 1, length, slot->body);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t error, void *context) {
    (void)context;
    Slot *slot = nghttp2_session_get_stream_user_data(session, stream);
    if (!slot) return 0;
    if (watching) die("a watch ended early");
    note_response(slot->number, slot->started, error ? 599 : slot->status);
    if (slot->body) fclose(slot->body), slot->body = NULL;
    finished_requests++;
    next(slot);
    return 0;
}

static Connection *open_connection(void) {
    static nghttp2_session_callbacks *callbacks;
    if (!callbacks) {
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    }
    Connection *c = calloc(1, sizeof *c);
    c->ssl = open_tls();
    const unsigned char *protocol;
    unsigned length;
    SSL_get0_alpn_selected(c->ssl, &protocol, &length);
    if (length != 2 || memcmp(protocol, "h2", 2)) die("the server does not speak HTTP/2");
    int fd = SSL_get_fd(c->ssl);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    SSL_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    nghttp2_session_client_new(&c->session, callbacks, c);
    nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW}};
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, entries, 2);
    nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
    c->slots = calloc(settings.streams, sizeof *c->slots);
    for (int i = 0; i < settings.streams; i++) {
        c->slots[i].connection = c;
        if (watching || started_requests < settings.count) submit(&c->slots[i]);
    }
    return c;
}

/* Writes what the session has to say until it is silent or the socket is full. */
static void flush(Connection *c) {
    for (;;) {
        if (c->frame_length == 0) {
            ssize_t n = nghttp2_session_mem_send(c->session, &c->frame);
            if (n < 0) die("HTTP/2 send failed");
            if (n == 0) return;
            c->frame_length = n;
        }
        int n = SSL_write(c->ssl, c->frame, (int)c->frame_length);
        if (n <= 0) {
            if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE) die("cannot send");
            return;
        }
        c->frame += n;
        c->frame_length -= n;
    }
}

static void read_all(Connection *c) {
    uint8_t buffer[READ_BYTES];
    for (;;) {
        int n = SSL_read(c->ssl, buffer, READ_BYTES);
        if (n <= 0) {
            if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) die("the server closed a connection");
            return;
        }
        if (nghttp2_session_mem_recv(c->session, buffer, n) != n) die("HTTP/2 receive failed");
        flush(c);
    }
}

/* Submits what is due, and returns in how many milliseconds the next one is, -1 for none. */
static int submit_due(Connection **all) {
    if (settings.pause <= 0) return -1;
    double earliest = -1, time = now();
    for (int i = 0; i < settings.connections; i++) {
        int submitted = 0;
        for (int k = 0; k < settings.streams; k++) {
            Slot *slot = &all[i]->slots[k];
            if (!slot->waiting) continue;
            if (slot->due <= time && started_requests < settings.count) {
                submit(slot);
                submitted = 1;
            } else if (earliest < 0 || slot->due < earliest) {
                earliest = slot->due;
            }
        }
        if (submitted) flush(all[i]);
    }
    return earliest < 0 ? -1 : earliest <= time ? 0 : (int)((earliest - time) / 1000) + 1;
}

void run_http2(void) {
    const long watches = (long)settings.connections * settings.streams;
    int poll = epoll_create1(EPOLL_CLOEXEC), said_ready = 0;
    watching = !strcmp(settings.scenario, "watch");
    Connection **all = calloc(settings.connections, sizeof *all);
    for (int i = 0; i < settings.connections; i++) {
        all[i] = open_connection();
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = all[i]};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, SSL_get_fd(all[i]->ssl), &event) != 0) die("epoll");
    }
    while (watching ? events_seen < settings.count * watches : finished_requests < settings.count) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll, events, 64, submit_due(all));
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            read_all(events[i].data.ptr);
            flush(events[i].data.ptr);
        }
        if (watching && !said_ready && open_watches == watches) {
            said_ready = 1;
            puts("ready");
            fflush(stdout);
        }
    }
}
