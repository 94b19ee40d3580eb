package import KubeModel

/// One of a version's `additionalPrinterColumns`.
package struct PrinterColumn: Sendable, Hashable {
    package var column: TableColumn
    /// nil: a path that can't be read shows nothing.
    var path: ObjectPath?

    package init(_ document: JSONValue) {
        column = TableColumn(
            document["name"].string ?? "", type: document["type"].string ?? "string",
            format: document["format"].string ?? "", description: document["description"].string ?? "",
            priority: document["priority"].int ?? 0)
        path = document["jsonPath"].string.flatMap { ObjectPath($0) }
    }

    /// The cell of an object; null when it has no such value (kube-apiserver's `tableconvertor`).
    package func cell(of object: JSONValue, now: Timestamp) -> JSONValue {
        guard let value = path?.first(in: object), !value.isNull else { return .null }
        switch (column.type, value) {
        case ("integer", .integer), ("number", .integer), ("number", .number), ("boolean", .bool): return value
        case ("integer", .number(let number)):
            return Int64(exactly: number.rounded(.towardZero)).map { .integer($0) } ?? .null
        case ("date", .string(let text)):
            guard let moment = Timestamp(text) else { return "<invalid>" }
            return .string(HumanDuration(seconds: now.secondsSinceEpoch - moment.secondsSinceEpoch).description)
        case ("string", .string): return value
        case ("string", _): return .string(value.description)
        default: return .null
        }
    }

    /// The columns of a version: the name, its own, and the age when it has none of its own.
    package static func table(_ columns: [PrinterColumn]) -> TableColumns {
        let shown = columns.isEmpty ? [age] : columns
        return TableColumns([.name] + shown.map(\.column)) { object, now in
            [.string(object["metadata"]["name"].string ?? "")] + shown.map { $0.cell(of: object, now: now) }
        }
    }

    private static let age = PrinterColumn([
        "name": "Age", "type": "date", "description": "How long ago the object was created.",
        "jsonPath": ".metadata.creationTimestamp",
    ])
}
