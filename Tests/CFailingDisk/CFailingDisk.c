#include "CFailingDisk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

struct rule {
    char path[512];
    enum failing_disk_fault fault;
    int64_t after;
    int64_t count;
    int64_t failures;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[16];

struct failing_file {
    sqlite3_file base;
    sqlite3_file *real;
    char path[512];
};

// Whether this operation is to fail.
static int fails(struct failing_file *file, enum failing_disk_fault fault) {
    int failing = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 16; i++) {
        struct rule *rule = &rules[i];
        if (rule->path[0] == 0 || rule->fault != fault || strcmp(file->path, rule->path) != 0) continue;
        if (rule->after > 0) {
            rule->after--;
        } else if (rule->count != 0) {
            if (rule->count > 0) rule->count--;
            rule->failures++;
            failing = 1;
        }
    }
    pthread_mutex_unlock(&lock);
    return failing;
}

#define REAL(file) (((struct failing_file *)(file))->real)
#define CALL(file, method, ...) REAL(file)->pMethods->method(REAL(file), ##__VA_ARGS__)

static int close_file(sqlite3_file *file) { return CALL(file, xClose); }

static int read_file(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    if (fails((struct failing_file *)file, FAILING_DISK_READ)) return SQLITE_IOERR_READ;
    return CALL(file, xRead, bytes, count, offset);
}

static int write_file(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    if (fails((struct failing_file *)file, FAILING_DISK_FULL)) return SQLITE_FULL;
    if (fails((struct failing_file *)file, FAILING_DISK_SHORT_WRITE)) {
        CALL(file, xWrite, bytes, count / 2, offset);
        return SQLITE_IOERR_WRITE;
    }
    return CALL(file, xWrite, bytes, count, offset);
}

static int sync_file(sqlite3_file *file, int flags) {
    if (fails((struct failing_file *)file, FAILING_DISK_SYNC)) return SQLITE_IOERR_FSYNC;
    return CALL(file, xSync, flags);
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size) { return CALL(file, xTruncate, size); }
static int file_size(sqlite3_file *file, sqlite3_int64 *size) { return CALL(file, xFileSize, size); }
static int lock_file(sqlite3_file *file, int level) { return CALL(file, xLock, level); }
static int unlock_file(sqlite3_file *file, int level) { return CALL(file, xUnlock, level); }
static int check_lock(sqlite3_file *file, int *result) { return CALL(file, xCheckReservedLock, result); }
static int control_file(sqlite3_file *file, int code, void *argument) { return CALL(file, xFileControl, code, argument); }
static int sector_size(sqlite3_file *file) { return CALL(file, xSectorSize); }
static int characteristics(sqlite3_file *file) { return CALL(file, xDeviceCharacteristics); }
static int map_shared(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
    return CALL(file, xShmMap, page, size, extend, memory);
}
static int lock_shared(sqlite3_file *file, int offset, int count, int flags) {
    return CALL(file, xShmLock, offset, count, flags);
}
static void shared_barrier(sqlite3_file *file) { CALL(file, xShmBarrier); }
static int unmap_shared(sqlite3_file *file, int delete) { return CALL(file, xShmUnmap, delete); }

// Version 2: shared memory, which the write-ahead log needs; no memory mapping of the file itself.
static const sqlite3_io_methods methods = {
    2,           close_file, read_file,   write_file,  truncate_file, sync_file,       file_size,   lock_file,
    unlock_file, check_lock, control_file, sector_size, characteristics, map_shared, lock_shared, shared_barrier,
    unmap_shared, 0, 0,
};

static sqlite3_vfs *usual;
static sqlite3_vfs failing;

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    (void)vfs;
    struct failing_file *opened = (struct failing_file *)file;
    memset(opened, 0, sizeof *opened);
    if (name != NULL) strncpy(opened->path, name, sizeof opened->path - 1);
    opened->real = (sqlite3_file *)(opened + 1);
    int code = usual->xOpen(usual, name, opened->real, flags, out);
    if (opened->real->pMethods != NULL) opened->base.pMethods = &methods;
    return code;
}

int failing_disk_register(void) {
    pthread_mutex_lock(&lock);
    int code = SQLITE_OK;
    if (usual == NULL) {
        usual = sqlite3_vfs_find(NULL);
        failing = *usual;
        failing.pNext = NULL;
        failing.zName = "failing";
        failing.szOsFile = (int)sizeof(struct failing_file) + usual->szOsFile;
        failing.xOpen = open_file;
        code = sqlite3_vfs_register(&failing, 0);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

int failing_disk_set(const char *path, enum failing_disk_fault fault, int64_t after, int64_t count) {
    int result = -1;
    pthread_mutex_lock(&lock);
    struct rule *place = NULL;
    for (int i = 0; i < 16; i++) {
        if (strcmp(rules[i].path, path) == 0) place = &rules[i];
    }
    for (int i = 0; i < 16 && place == NULL; i++) {
        if (rules[i].path[0] == 0) place = &rules[i];
    }
    if (place != NULL && strlen(path) < sizeof place->path) {
        memset(place, 0, sizeof *place);
        if (fault != FAILING_DISK_NONE) {
            strcpy(place->path, path);
            place->fault = fault;
            place->after = after;
            place->count = count;
        }
        result = 0;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int64_t failing_disk_failures(const char *path) {
    int64_t failures = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 16; i++) {
        if (strcmp(rules[i].path, path) == 0) failures = rules[i].failures;
    }
    pthread_mutex_unlock(&lock);
    return failures;
}
