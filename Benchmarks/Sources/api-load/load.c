/* A load client for the Kubernetes API: one blocking thread and one TLS connection (HTTP/1.1, keep-alive) for each of
 * CONNECTIONS clients. It parses nothing of the bodies, so that it leaves the processor to the server.
 *
 *     load PORT TOKEN SCENARIO CONNECTIONS COUNT FIRST [NAMESPACE [OBJECTS]]
 *
 * Sends COUNT requests about the objects numbered from FIRST in NAMESPACE (bench), of which the first OBJECTS (2000) are
 * read and changed, and prints one line of JSON: requests, failures, seconds, bytes of bodies, and the 50th and 99th
 * percentile of latency in microseconds. SCENARIO "watch" opens CONNECTIONS watches instead, prints "ready", and ends
 * when they have seen COUNT events each. "fsync" sends nothing: it appends 4 KiB COUNT times to the file NAMESPACE and
 * waits for the disk each time. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16, REQUEST_BYTES = 1 << 14 };

static int port, connections;
static long count, first, objects = 2000;
static const char *token, *scenario, *namespace = "bench";
static SSL_CTX *tls;
static atomic_long next_request, failures, body_bytes;
static double *latencies;

typedef struct {
    SSL *ssl;
    char buffer[READ_BYTES];
    size_t start, end;
} Connection;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void die(const char *what) {
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

static Connection *open_connection(void) {
    Connection *c = calloc(1, sizeof *c);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!c || fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->ssl = SSL_new(tls);
    SSL_set_fd(c->ssl, fd);
    if (SSL_connect(c->ssl) != 1) die("TLS handshake failed");
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
    atomic_fetch_add(&body_bytes, (long)total);
    return head.status;
}

static int service_body(char *out, size_t size, long i, double stamp) {
    return snprintf(
        out, size,
        "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"svc-%06ld\",\"namespace\":\"%s\","
        "\"labels\":{\"app.kubernetes.io/name\":\"app-%ld\",\"app.kubernetes.io/part-of\":\"shop\",\"tier\":\"web\"},"
        "\"annotations\":{\"example.com/owner\":\"team-%ld\",\"example.com/changed\":\"%.0f\"}},"
        "\"spec\":{\"selector\":{\"app.kubernetes.io/name\":\"app-%ld\"},\"ports\":[{\"name\":\"http\","
        "\"protocol\":\"TCP\",\"port\":80,\"targetPort\":8080},{\"name\":\"metrics\",\"protocol\":\"TCP\","
        "\"port\":9090,\"targetPort\":\"metrics\"}]}}",
        i, namespace, i, i % 17, stamp, i);
}

static int slice_body(char *out, size_t size, long i, double stamp) {
    int n = snprintf(
        out, size,
        "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"svc-%06ld-abcde\","
        "\"namespace\":\"%s\",\"labels\":{\"kubernetes.io/service-name\":\"svc-%06ld\","
        "\"endpointslice.kubernetes.io/managed-by\":\"bench.example.com\"},"
        "\"annotations\":{\"example.com/changed\":\"%.0f\"}},\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"http\","
        "\"protocol\":\"TCP\",\"port\":8080},{\"name\":\"metrics\",\"protocol\":\"TCP\",\"port\":9090}],"
        "\"endpoints\":[",
        i, namespace, i, stamp);
    for (int k = 0; k < 10; k++)
        n += snprintf(
            out + n, size - n,
            "%s{\"addresses\":[\"10.%ld.%ld.%d\"],\"conditions\":{\"ready\":true,\"serving\":true,"
            "\"terminating\":false},\"targetRef\":{\"kind\":\"Pod\",\"namespace\":\"%s\","
            "\"name\":\"svc-%06ld-%d\",\"uid\":\"0e8b4f5c-7d1e-4a39-9c55-%06ld%06d\"},\"nodeName\":\"node-%ld\","
            "\"zone\":\"zone-%d\"}",
            k ? "," : "", i / 250, i % 250, k + 1, namespace, i, k, i, k, (i + k) % 40, k % 3);
    return n + snprintf(out + n, size - n, "]}");
}


static int request(char *out, long i) {
    char body[REQUEST_BYTES] = "", services[128], slices[128], path[512];
    const char *method = "GET", *type = "application/json";
    int n = 0;
    long known = i % objects;
    snprintf(services, sizeof services, "/api/v1/namespaces/%s/services", namespace);
    snprintf(slices, sizeof slices, "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices", namespace);
    if (!strcmp(scenario, "namespace")) {
        method = "POST";
        strcpy(path, "/api/v1/namespaces");
        n = snprintf(body, sizeof body, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}", namespace);
    } else if (!strcmp(scenario, "create-service")) {
        method = "POST";
        strcpy(path, services);
        n = service_body(body, sizeof body, i, now());
    } else if (!strcmp(scenario, "create-slice")) {
        method = "POST";
        strcpy(path, slices);
        n = slice_body(body, sizeof body, i, now());
    } else if (!strcmp(scenario, "get")) {
        snprintf(path, sizeof path, "%s/svc-%06ld", services, known);
    } else if (!strcmp(scenario, "update")) {
        method = "PUT";
        snprintf(path, sizeof path, "%s/svc-%06ld", services, known);
        n = service_body(body, sizeof body, known, now());
    } else if (!strcmp(scenario, "update-slice")) {
        method = "PUT";
        snprintf(path, sizeof path, "%s/svc-%06ld-abcde", slices, known);
        n = slice_body(body, sizeof body, known, now());
    } else if (!strcmp(scenario, "patch")) {
        method = "PATCH";
        type = "application/merge-patch+json";
        snprintf(path, sizeof path, "%s/svc-%06ld", services, known);
        n = snprintf(body, sizeof body, "{\"metadata\":{\"annotations\":{\"example.com/changed\":\"%.0f\"}}}", now());
    } else if (!strcmp(scenario, "apply")) {
        method = "PATCH";
        type = "application/apply-patch+yaml";
        snprintf(path, sizeof path, "%s/svc-%06ld?fieldManager=bench&force=true", services, known);
        n = service_body(body, sizeof body, known, now());
    } else if (!strcmp(scenario, "list")) {
        strcpy(path, slices);
    } else if (!strcmp(scenario, "list-label")) {
        snprintf(path, sizeof path, "%s?labelSelector=kubernetes.io%%2Fservice-name%%3Dsvc-%06ld", slices, known);
    } else if (!strcmp(scenario, "watch")) {
        snprintf(path, sizeof path, "%s?watch=1&resourceVersion=0&timeoutSeconds=3600&sendInitialEvents=false"
                                    "&resourceVersionMatch=NotOlderThan", slices);
    } else {
        die("no such scenario");
    }
    n = snprintf(
        out, REQUEST_BYTES,
        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: kubectl/v1.36.0 (linux/amd64) kubernetes/abcdef0\r\n"
        "Accept: application/json\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
        method, path, port, token, type, n, body);
    if (n >= REQUEST_BYTES) die("a request is too long");
    return n;
}

static void *client(void *unused) {
    char out[REQUEST_BYTES];
    Connection *c = open_connection();
    for (long i; (i = atomic_fetch_add(&next_request, 1)) < count;) {
        int n = request(out, first + i);
        double started = now();
        if (SSL_write(c->ssl, out, n) != n) die("cannot send");
        int status = read_response(c);
        latencies[i] = now() - started;
        if (status < 200 || status > 299) {
            if (atomic_fetch_add(&failures, 1) == 0) fprintf(stderr, "load: %s: status %d\n", scenario, status);
        }
    }
    return unused;
}

/* Passes over the chunks that have arrived, waiting for the end of the last one, and returns their events. */
static long read_events(Connection *c) {
    long events = 0;
    do {
        size_t length = strtoul(read_line(c), NULL, 16);
        if (length == 0) die("a watch ended early");
        events += skip(c, length);
        body_bytes += (long)length;
        read_line(c);
    } while (c->start < c->end || SSL_pending(c->ssl) > 0);
    return events;
}

/* All watches on one thread, as a client with an event loop has them: otherwise the server would be charged with
 * waking a thread of the client for every delivery. */
static void watch_all(void) {
    char out[REQUEST_BYTES];
    Connection **watches = calloc(connections, sizeof *watches);
    int poll = epoll_create1(EPOLL_CLOEXEC), n = request(out, 0);
    for (int i = 0; i < connections; i++) {
        Connection *c = watches[i] = open_connection();
        if (SSL_write(c->ssl, out, n) != n) die("cannot send");
        Head head = read_head(c);
        if (head.status != 200 || !head.chunked) die("the watch was refused");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, SSL_get_fd(c->ssl), &event) != 0) die("epoll");
    }
    puts("ready");
    fflush(stdout);
    for (long missing = count * connections; missing > 0;) {
        struct epoll_event events[128];
        int ready = epoll_wait(poll, events, 128, -1);
        for (int i = 0; i < ready; i++) missing -= read_events(events[i].data.ptr);
    }
}

/* What one fsync costs on the disk that the server writes to. */
static void sync_all(void) {
    static char page[4096];
    int fd = open(namespace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) die("cannot open the file");
    for (long i = 0; i < count; i++) {
        double started = now();
        if (write(fd, page, sizeof page) != sizeof page || fdatasync(fd) != 0) die("cannot write the file");
        latencies[i] = now() - started;
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc < 7 || argc > 9) die("usage: load PORT TOKEN SCENARIO CONNECTIONS COUNT FIRST [NAMESPACE [OBJECTS]]");
    port = atoi(argv[1]);
    token = argv[2];
    scenario = argv[3];
    connections = atoi(argv[4]);
    count = atol(argv[5]);
    first = atol(argv[6]);
    if (argc > 7) namespace = argv[7];
    if (argc > 8) objects = atol(argv[8]);
    /* The certificate is the server's own and the traffic is loopback's: it is not verified. */
    tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    latencies = calloc(count, sizeof *latencies);
    pthread_t *threads = calloc(connections, sizeof *threads);
    double started = now();
    if (!strcmp(scenario, "watch")) {
        watch_all();
    } else if (!strcmp(scenario, "fsync")) {
        sync_all();
    } else {
        for (int i = 0; i < connections; i++)
            if (pthread_create(&threads[i], NULL, client, NULL) != 0) die("cannot start a thread");
        for (int i = 0; i < connections; i++) pthread_join(threads[i], NULL);
    }
    double seconds = (now() - started) / 1e6;
    qsort(latencies, count, sizeof *latencies, ascending);
    printf("{\"requests\":%ld,\"failures\":%ld,\"seconds\":%.3f,\"bytes\":%ld,\"p50\":%.0f,\"p99\":%.0f}\n", count,
           (long)failures, seconds, (long)body_bytes, latencies[count / 2], latencies[count * 99 / 100]);
    return failures > 0;
}
