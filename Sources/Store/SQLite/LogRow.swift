/// A row of the log as a statement shows it: revision, kind, created, previous, value, checksum, in neighbouring columns.
/// The bytes are SQLite's: to be read before the statement's next `step` or `reset`.
struct LogRow {
    let revision: Revision
    let kind: Int64
    let created: Revision
    let previous: Revision?
    let borrowedValue: UnsafeRawBufferPointer
    private let checksum: Int64

    init(_ statement: SQLiteStatement, from column: Int32 = 0) {
        revision = Revision(statement.number(column))
        kind = statement.number(column + 1)
        created = Revision(statement.number(column + 2))
        previous = statement.optionalNumber(column + 3).map { Revision($0) }
        borrowedValue = statement.borrowedBytes(column + 4)
        checksum = statement.number(column + 5)
    }

    var isDelete: Bool { kind == Int64(StoreEvent.Kind.deleted.rawValue) }

    /// - Parameter key: as the index has it, so that a row which another key's entry points to is noticed too.
    func isIntact(key: String) -> Bool {
        var key = key
        let checksum = RowChecksum(revision: revision, kind: kind, created: created, previous: previous)
        return key.withUTF8 { checksum.over(key: UnsafeRawBufferPointer($0), value: borrowedValue) } == self.checksum
    }

    func value(key: String, isIntact: Bool) -> StoredValue {
        StoredValue(
            key: key, value: Array(borrowedValue), createRevision: created, modRevision: revision, isIntact: isIntact)
    }
}
