package import KubeModel

/// One column of a `meta.k8s.io/v1` Table.
package struct TableColumn: Sendable, Hashable {
    package var name: String
    /// OpenAPI type of the cells: "string", "integer", "number", "boolean" or "date".
    package var type: String
    /// "name" marks the column that identifies the row.
    package var format: String
    package var description: String
    /// 0 is always shown; 1 and above only with `-o wide`.
    package var priority: Int

    package init(
        _ name: String, type: String = "string", format: String = "", description: String = "", priority: Int = 0
    ) {
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
package struct TableColumns: Sendable {
    package var columns: [TableColumn]
    /// One value for each column, in order. `object` is the served document; `now` decides ages.
    package var cells: @Sendable (_ object: JSONValue, _ now: Timestamp) -> [JSONValue]

    package init(_ columns: [TableColumn], cells: @escaping @Sendable (JSONValue, Timestamp) -> [JSONValue]) {
        self.columns = columns
        self.cells = cells
    }
}
