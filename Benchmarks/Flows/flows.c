// Clients and a server for flows.py: connections, questions over one connection, and as many bytes as pass.
//
//   flows serve PORT              until killed; one process for each connection that lasts
//   flows connect IP PORT COUNT   connections one after another, each closed after the server's first byte
//   flows ask IP PORT COUNT       one byte there, one back, over one connection
//   flows send IP PORT SECONDS    bytes over one connection
//
// A client prints seconds, what it counted, its own CPU seconds, and of `connect` the median and the 99th percentile of the
// milliseconds until a connection was accepted.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int open_to(const char *ip, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, ip, &a.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        perror("connect");
        exit(1);
    }
    return fd;
}

static void reset(int fd) {
    struct linger l = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
    close(fd);
}

static void serve(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    static char buffer[1 << 18];
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 1024) != 0) exit(1);
    for (;;) {
        int c = accept(fd, 0, 0);
        if (c < 0) continue;
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        send(c, "!", 1, MSG_NOSIGNAL);
        // One client at a time: whoever resets has been served.
        ssize_t n;
        while ((n = recv(c, buffer, sizeof(buffer), 0)) > 0)
            if (n == 1) send(c, buffer, 1, MSG_NOSIGNAL);
        close(c);
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3) serve(atoi(argv[2]));
    if (argc != 5) return 64;
    int port = atoi(argv[3]), count = atoi(argv[4]);
    static char buffer[1 << 17];
    double began = now(), done = 0, median = 0, slow = 0;
    if (!strcmp(argv[1], "connect")) {
        double *delays = malloc(count * sizeof(double));
        if (!delays) return 1;
        for (; done < count; done++) {
            double start = now();
            int fd = open_to(argv[2], port);
            delays[(int)done] = (now() - start) * 1000;
            if (recv(fd, buffer, 1, 0) != 1) return 1;
            reset(fd);
        }
        qsort(delays, count, sizeof(double), by_size);
        median = delays[count / 2];
        slow = delays[(int)(count * 0.99)];
    } else {
        int fd = open_to(argv[2], port);
        if (recv(fd, buffer, 1, 0) != 1) return 1;
        if (!strcmp(argv[1], "ask")) {
            for (; done < count; done++)
                if (send(fd, "?", 1, 0) != 1 || recv(fd, buffer, 1, 0) != 1) return 1;
        } else {
            while (now() - began < count) {
                ssize_t n = send(fd, buffer, sizeof(buffer), 0);
                if (n <= 0) return 1;
                done += n;
            }
        }
        reset(fd);
    }
    printf("%f %.0f %f %f %f\n", now() - began, done, cpu(), median, slow);
    return 0;
}
