import KubeModel

/// One column of a `meta.k8s.io/v1` Table.
struct TableColumn: Sendable, Hashable {
    var name: String
    /// OpenAPI type of the cells: "string", "integer", "number", "boolean" or "date".
    var type: String
    /// "name" marks the column that identifies the row.
    var format: String
    var description: String
    /// 0 is always shown; 1 and above only with `-o wide`.
    var priority: Int

    init(_ name: String, type: String = "string", format: String = "", description: String = "", priority: Int = 0) {
        self.name = name
        self.type = type
        self.format = format
        self.description = description
        self.priority = priority
    }
}

/// How one resource is printed: its columns and the function from a served object to its cells.
///
/// `BuiltInTables.columns(for:)` has the ones of the built-in kinds; a kind without one gets `TableColumns.standard`.
struct TableColumns: Sendable {
    var columns: [TableColumn]
    /// One value for each column, in order. `object` is the served document; `now` decides ages.
    var cells: @Sendable (_ object: JSONValue, _ now: Timestamp) -> [JSONValue]

    init(_ columns: [TableColumn], cells: @escaping @Sendable (JSONValue, Timestamp) -> [JSONValue]) {
        self.columns = columns
        self.cells = cells
    }
}

extension TableColumns {
    /// Name and age, for kinds that say nothing about themselves.
    static let standard = BuiltInTables.table([]) { _ in [] }
}
