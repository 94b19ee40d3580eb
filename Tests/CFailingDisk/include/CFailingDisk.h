// A disk for SQLite that fails when a test says so: a VFS named "failing" in front of the usual one.
#ifndef MARTLET_CFAILINGDISK_H
#define MARTLET_CFAILINGDISK_H

#include <stdint.h>

// What goes wrong.
enum failing_disk_fault {
    FAILING_DISK_NONE = 0,
    // A write finds no room; nothing of it is written.
    FAILING_DISK_FULL,
    // Half of a write is written, then there is an error.
    FAILING_DISK_SHORT_WRITE,
    // An fsync fails, and what it was to bring to disk is there all the same, or not: nobody knows.
    FAILING_DISK_SYNC,
    // A read fails.
    FAILING_DISK_READ,
};

// Registers the VFS; again: does nothing. Gives SQLite's code.
int failing_disk_register(void);

// From now on, of the operations that `fault` is about and on the file at `path`, `after` more succeed and the `count` after
// those fail (-1: all). Files that nobody named work. At most 16 paths at a time; -1 when there are more.
int failing_disk_set(const char *path, enum failing_disk_fault fault, int64_t after, int64_t count);

// How many operations have failed on `path`.
int64_t failing_disk_failures(const char *path);

#endif
