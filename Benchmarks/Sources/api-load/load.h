/* What the parts of the load program share: how it was called, and the figures it prints. */
#ifndef LOAD_H
#define LOAD_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stddef.h>

enum { REQUEST_BYTES = 1 << 14 };

typedef struct {
    int port, connections;
    /* Requests, or events that each watch sees. */
    long count;
    /* The number of the first object, and of how many the requests are that need one. */
    long first, objects;
    /* Requests at a time on each connection. */
    int streams;
    /* Microseconds from one request to the next on a stream; 0: at once. */
    long pause;
    const char *token, *scenario, *namespace;
    /* Where the body of the last response goes, NULL for nowhere. */
    const char *body_file;
    SSL_CTX *tls;
} Settings;

typedef struct {
    atomic_long failures, body_bytes;
    /* Microseconds, of each request. */
    double *latencies;
} Figures;

extern Settings settings;
extern Figures figures;

typedef struct {
    const char *method, *type;
    char path[512], body[REQUEST_BYTES];
    int body_length;
} Request;

/* The request about object number `i` that the scenario makes. */
void make_request(Request *request, long i);

/* Microseconds of a clock that only goes forward. */
double now(void);
void die(const char *what);
/* A TLS connection to the server, blocking. */
SSL *open_tls(void);
/* Counts a response, and complains about the first that failed. */
void note_response(long i, double started, int status);

/* One blocking thread and one HTTP/1.1 connection for each client. */
void run_http1(void);
void watch_http1(void);

/* All connections on one thread, each with `streams` requests at a time. */
void run_http2(void);

#endif
