import KubeModel

/// What the cells of one object are computed from, with the words Kubernetes' printers use for what is missing.
struct TableCells {
    static let none: JSONValue = "<none>"
    static let unknown = "<unknown>"

    let object: JSONValue
    let now: Timestamp

    var name: JSONValue { .string(object["metadata"]["name"].string ?? "") }
    var age: JSONValue { .string(since(object["metadata"]["creationTimestamp"])) }

    /// The time between a timestamp field and now; "<unknown>" when the field is missing or no timestamp.
    func since(_ time: JSONValue?) -> String {
        guard let text = time.string, let then = Timestamp(text) else { return Self.unknown }
        return HumanDuration(seconds: now.secondsSinceEpoch - then.secondsSinceEpoch).description
    }

    /// The text of a field, or `missing` when it is absent or empty.
    static func text(_ value: JSONValue?, or missing: String = "<none>") -> JSONValue {
        guard let text = value.string, !text.isEmpty else { return .string(missing) }
        return .string(text)
    }

    /// The phase that the status names, or that the object is being deleted.
    static func phase(of object: JSONValue) -> JSONValue {
        let isDeleted = object["metadata"]["deletionTimestamp"].string != nil
        return isDeleted ? "Terminating" : .string(object["status"]["phase"].string ?? "")
    }

    /// How many members an object or array has.
    static func count(_ value: JSONValue?) -> Int {
        value.object?.count ?? value.array?.count ?? 0
    }

    /// `key=value` pairs in the order of their keys, "<none>" when there are none.
    static func labels(_ value: JSONValue?) -> JSONValue {
        let pairs = (value.object.map(Array.init) ?? []).map { "\($0.key)=\($0.value.string ?? "")" }.sorted()
        return pairs.isEmpty ? none : .string(pairs.joined(separator: ","))
    }

    /// Distinct texts in order, joined by commas.
    static func joinedSet(_ values: [String]) -> String {
        Set(values).sorted().joined(separator: ",")
    }

    /// The first three items and how many of `total` are left out.
    static func firstThree(_ items: [String], total: Int) -> String {
        let text = items.prefix(3).joined(separator: ",")
        return total > 3 ? "\(text) + \(total - 3) more..." : text
    }
}

extension TableColumn {
    static let name = TableColumn(
        "Name", format: "name", description: "Name of the object, unique within its namespace and kind.")
    static let age = TableColumn("Age", description: "How long ago the object was created.")
}
