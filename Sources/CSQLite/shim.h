#include <sqlite3.h>

// `sqlite3_db_config` takes a variable number of arguments, which Swift cannot call. With 1 the last connection to close
// leaves the write-ahead log as it lies.
static inline int martlet_sqlite_keep_log(sqlite3 *database, int keep) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, (int *)0);
}
