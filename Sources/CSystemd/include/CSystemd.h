// The part of sd-bus(3) that following units needs, with all that is variadic in it. libsystemd is opened when it is asked
// for, so that the program starts where it is not installed; its own header says the types.
#ifndef MARTLET_CSYSTEMD_H
#define MARTLET_CSYSTEMD_H

#include <stdint.h>

// What systemd says of one unit (org.freedesktop.systemd1(5)). Texts end with NUL, are cut to their room, and are ""
// where nothing is said.
struct martlet_unit {
    char id[256];
    char load_state[32];
    char active_state[32];
    char sub_state[64];
    // Why it failed: of the kinds that say so.
    char result[64];
    // Of this start of it; zeroes for none.
    uint8_t invocation[16];
    // When it became active: microseconds since 1970; 0 for never.
    uint64_t active_since;
};

// What comes over the bus, told on the thread that calls martlet_bus_process.
struct martlet_bus_handlers {
    void *context;
    // Properties of the unit at an object path changed.
    void (*changed)(void *context, const char *path);
    // The unit at an object path was loaded.
    void (*loaded)(void *context, const char *path);
    // systemd has read all unit files again.
    void (*reloaded)(void *context);
    // systemd came to the bus (1) or left it (0).
    void (*owned)(void *context, int is_there);
    // The answer to a read: `unit`, or NULL and the words of the error.
    void (*answered)(void *context, uint64_t request, const struct martlet_unit *unit, const char *problem);
};

typedef struct martlet_bus martlet_bus;

// Opens libsystemd, if it is not open. Returns NULL, or in words why it cannot be opened.
const char *martlet_systemd_open(void);

// Connects to the system's bus, or the user's, without waiting for it, and asks for signals. `handlers` is copied.
// Returns 0, or a negative errno. martlet_systemd_open must have succeeded.
int martlet_bus_open(int is_user, const struct martlet_bus_handlers *handlers, martlet_bus **bus);

// Asks systemd to send signals to this connection; there is no answer to wait for. Returns 0, or a negative errno.
int martlet_bus_subscribe(martlet_bus *bus);

// Asks for the properties of the unit at an object path; `answered` is told `request`, at the latest after `timeout`
// microseconds. Returns 0, or a negative errno.
int martlet_bus_read(martlet_bus *bus, const char *path, uint64_t request, uint64_t timeout);

// Handles what has come. Returns 0, or a negative errno when the connection is lost.
int martlet_bus_process(martlet_bus *bus);

// What to poll(2) for: the descriptor, the events, and in milliseconds for how long at most (-1: no limit).
// Returns 0, or a negative errno when the connection is lost.
int martlet_bus_wait_for(martlet_bus *bus, int *descriptor, short *events, int *timeout);

void martlet_bus_close(martlet_bus *bus);

#endif
