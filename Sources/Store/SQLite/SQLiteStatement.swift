import CSQLite

/// A prepared statement. Parameters count from 1, columns from 0.
final class SQLiteStatement {
    private let handle: OpaquePointer
    private let connection: SQLiteConnection

    init(_ handle: OpaquePointer, connection: SQLiteConnection) {
        self.handle = handle
        self.connection = connection
    }

    deinit {
        sqlite3_finalize(handle)
    }

    /// Tells SQLite to copy what is bound before the call returns.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    func bind(_ index: Int32, _ number: Int64) throws(StoreError) {
        try check(sqlite3_bind_int64(handle, index, number))
    }

    func bind(_ index: Int32, _ number: Int64?) throws(StoreError) {
        try check(number.map { sqlite3_bind_int64(handle, index, $0) } ?? sqlite3_bind_null(handle, index))
    }

    func bind(_ index: Int32, _ text: String) throws(StoreError) {
        var text = text
        let code = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(handle, index, $0.baseAddress, Int32($0.count), Self.transient)
            }
        }
        try check(code)
    }

    func bind(_ index: Int32, _ bytes: [UInt8]?) throws(StoreError) {
        guard let bytes else { return try check(sqlite3_bind_null(handle, index)) }
        // A null pointer would bind NULL.
        if bytes.isEmpty { return try check(sqlite3_bind_zeroblob(handle, index, 0)) }
        let code = bytes.withUnsafeBytes {
            sqlite3_bind_blob64(handle, index, $0.baseAddress, UInt64($0.count), Self.transient)
        }
        try check(code)
    }

    /// - Returns: whether there is a row to read. After `false` the statement is reset.
    func step() throws(StoreError) -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        default:
            let error = connection.error(code, doing: sqlite3_sql(handle).map { String(cString: $0) } ?? "step")
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Makes the statement ready for the next parameters, and lets go of what its last row locked.
    func reset() {
        // The code repeats the last step's, which was reported there.
        sqlite3_reset(handle)
    }

    func number(_ column: Int32) -> Int64 {
        sqlite3_column_int64(handle, column)
    }

    func optionalNumber(_ column: Int32) -> Int64? {
        sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : sqlite3_column_int64(handle, column)
    }

    func text(_ column: Int32) -> String {
        String(decoding: borrowedBytes(column), as: UTF8.self)
    }

    func bytes(_ column: Int32) -> [UInt8] {
        Array(borrowedBytes(column))
    }

    func optionalBytes(_ column: Int32) -> [UInt8]? {
        sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : bytes(column)
    }

    /// The column's bytes in SQLite's memory: valid until the next `step` or `reset`.
    func borrowedBytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }

    private func check(_ code: Int32) throws(StoreError) {
        guard code == SQLITE_OK else { throw connection.error(code, doing: "bind") }
    }
}
