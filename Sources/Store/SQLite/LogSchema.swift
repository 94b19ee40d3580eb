/// How the store lies in its SQLite file.
///
/// `log` has a row for each write, numbered by its revision; `value` is NULL for a delete, and `previous` is the revision
/// of the row that an update or delete replaced. A key's state at revision N is its last row at or before N. `checksum`
/// is the row's `RowChecksum`. After `cleaned` no revision is missing.
/// `progress` has the numbers that outlive rows: `compacted`, before which history is gone, and `cleaned`, up to which
/// the rows that compaction made useless have been deleted.
///
/// Version 1 had no checksums, and its file never shrank; `LogMigration` brings it here.
enum LogSchema {
    static let version: Int64 = 2
    /// From this version on a file has a `HighWaterMark` beside it, from before its first write.
    static let markedVersion: Int64 = 2

    /// The key comes before the value so that a scan over other keys' rows never touches the values' overflow pages.
    /// The index has what a list needs to skip old versions and deleted keys without reading rows. The checksum comes
    /// last, where `ALTER TABLE` has put it in files of version 1: it is read with the value only.
    static let create = """
        CREATE TABLE log (
            rev INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            key TEXT NOT NULL,
            created INTEGER NOT NULL,
            previous INTEGER,
            value BLOB,
            checksum INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX log_by_key ON log (key, rev, kind);
        CREATE TABLE progress (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO progress VALUES ('compacted', 0), ('cleaned', 0);
        PRAGMA user_version = \(version);
        """

    static let compacted = "SELECT number FROM progress WHERE name = 'compacted'"
    static let cleaned = "SELECT number FROM progress WHERE name = 'cleaned'"

    /// The last revision given out: compaction may have deleted the row of the very last write, but then it is
    /// `compacted`.
    static let current = """
        SELECT max(ifnull((SELECT max(rev) FROM log), 0), (\(compacted)), \(Revision.initial.rawValue))
        """

    /// How many rows history has, and the bytes of their values.
    static let history = """
        SELECT count(*), ifnull(sum(length(value)), 0) FROM log NOT INDEXED WHERE rev > (\(cleaned))
        """

    /// The bytes of values that history alone needs.
    static let garbage = """
        SELECT ifnull(sum(length(old.value)), 0) FROM log new NOT INDEXED JOIN log old ON old.rev = new.previous
        WHERE new.rev > (\(compacted))
        """
}
