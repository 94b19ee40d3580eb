/* A load client for the Kubernetes API over TLS.
 *
 *     load [-s STREAMS] [-p PAUSE] [-o FILE] PORT TOKEN SCENARIO CONNECTIONS COUNT FIRST [NAMESPACE [OBJECTS]]
 *
 * Sends COUNT requests about the objects numbered from FIRST in NAMESPACE (bench), of which the first OBJECTS (2000) are
 * read and changed, and prints one line of JSON: requests, failures, seconds, bytes of bodies, and the 50th and 99th
 * percentile of latency in microseconds. Each of CONNECTIONS is a thread that speaks HTTP/1.1; with -s they speak
 * HTTP/2 on one thread, STREAMS requests at a time on each, as client-go does it. -p leaves PAUSE microseconds between a
 * response and the next request of its stream, -o writes the body of the last response to FILE (HTTP/2 both).
 *
 * SCENARIO "watch" opens CONNECTIONS watches instead (with -s: STREAMS on each), prints "ready", and ends when they have
 * seen COUNT events each. "file" asks for the path NAMESPACE. "fsync" sends nothing: it appends 4 KiB COUNT times to the
 * file NAMESPACE and waits for the disk each time. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

Settings settings = {.namespace = "bench", .objects = 2000};
Figures figures;

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

void die(const char *what) {
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

SSL *open_tls(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL *ssl = SSL_new(settings.tls);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1) die("TLS handshake failed");
    return ssl;
}

void note_response(long i, double started, int status) {
    figures.latencies[i] = now() - started;
    if (status >= 200 && status <= 299) return;
    if (atomic_fetch_add(&figures.failures, 1) == 0)
        fprintf(stderr, "load: %s: status %d\n", settings.scenario, status);
}

/* What one fsync costs on the disk that the server writes to. */
static void sync_all(void) {
    static char page[4096];
    int fd = open(settings.namespace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) die("cannot open the file");
    for (long i = 0; i < settings.count; i++) {
        double started = now();
        if (write(fd, page, sizeof page) != sizeof page || fdatasync(fd) != 0) die("cannot write the file");
        figures.latencies[i] = now() - started;
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void read_arguments(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "s:p:o:")) != -1) {
        if (option == 's') settings.streams = atoi(optarg);
        if (option == 'p') settings.pause = atol(optarg);
        if (option == 'o') settings.body_file = optarg;
        if (option == '?') exit(1);
    }
    argv += optind, argc -= optind;
    if (argc < 6 || argc > 8)
        die("usage: load [-s STREAMS] [-p PAUSE] [-o FILE] PORT TOKEN SCENARIO CONNECTIONS COUNT FIRST "
            "[NAMESPACE [OBJECTS]]");
    settings.port = atoi(argv[0]);
    settings.token = argv[1];
    settings.scenario = argv[2];
    settings.connections = atoi(argv[3]);
    settings.count = atol(argv[4]);
    settings.first = atol(argv[5]);
    if (argc > 6) settings.namespace = argv[6];
    if (argc > 7) settings.objects = atol(argv[7]);
}

int main(int argc, char **argv) {
    read_arguments(argc, argv);
    /* The certificate is the server's own and the traffic is loopback's: it is not verified. */
    settings.tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(settings.tls, SSL_MODE_RELEASE_BUFFERS);
    if (settings.streams > 0) SSL_CTX_set_alpn_protos(settings.tls, (const unsigned char *)"\x02h2", 3);
    figures.latencies = calloc(settings.count, sizeof *figures.latencies);
    double started = now();
    if (!strcmp(settings.scenario, "fsync")) {
        sync_all();
    } else if (settings.streams > 0) {
        run_http2();
    } else if (!strcmp(settings.scenario, "watch")) {
        watch_http1();
    } else {
        run_http1();
    }
    double seconds = (now() - started) / 1e6;
    qsort(figures.latencies, settings.count, sizeof *figures.latencies, ascending);
    printf(
        "{\"requests\":%ld,\"failures\":%ld,\"seconds\":%.3f,\"bytes\":%ld,\"p50\":%.0f,\"p99\":%.0f}\n",
        settings.count, (long)figures.failures, seconds, (long)figures.body_bytes,
        figures.latencies[settings.count / 2], figures.latencies[settings.count * 99 / 100]);
    return figures.failures > 0;
}
