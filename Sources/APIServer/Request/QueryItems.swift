import KubeModel
import Transport

/// The query of a request: names and values in order, decoded.
///
/// Values are read as Kubernetes' conversion from `url.Values` reads them: the first of a name counts; a boolean is
/// false when absent, "0" or "false" and true for anything else; a number that is none is a 400.
struct QueryItems: Sendable {
    private var items: [(name: String, value: String)] = []

    /// - Throws: 400 for a malformed escape.
    init(_ query: Substring) throws(Status) {
        guard !query.isEmpty else { return }
        guard let items = PercentEncoding.queryItems(query) else {
            throw Status.badRequest("invalid URL escape in the query")
        }
        self.items = items
    }

    init() {}

    var isEmpty: Bool { items.isEmpty }

    /// The first value of `name`; nil when absent.
    subscript(_ name: String) -> String? {
        for item in items where item.name == name { return item.value }
        return nil
    }

    func all(_ name: String) -> [String] {
        items.filter { $0.name == name }.map(\.value)
    }

    func string(_ name: String) -> String { self[name] ?? "" }

    func bool(_ name: String) -> Bool { optionalBool(name) ?? false }

    func optionalBool(_ name: String) -> Bool? {
        guard let value = self[name] else { return nil }
        return !(value == "0" || value.lowercased() == "false")
    }

    func integer(_ name: String) throws(Status) -> Int64? {
        guard let value = self[name], !value.isEmpty else { return nil }
        guard let number = Int64(value) else {
            throw Status.badRequest("strconv.ParseInt: parsing \"\(value)\": invalid syntax")
        }
        return number
    }
}
