import KubeModel

/// What a strict decoder finds wrong in a document that can be read all the same: unknown fields, keys that stand twice.
struct StrictFindings: Sendable {
    /// Keys that stand twice in YAML, by line.
    private var lines: [String] = []
    private var fields: [String] = []
    /// A decoder of YAML goes by way of JSON, whose keys it has put in order.
    private(set) var areKeysSorted = false

    /// A decoder stops counting there (`sigs.k8s.io/json`).
    static let limit = 100

    var isEmpty: Bool { lines.isEmpty && fields.isEmpty }

    init() {}

    init(duplicates: [String]) {
        fields = duplicates.prefix(Self.limit).map { "duplicate field \(goQuoted($0))" }
    }

    init(duplicates: [YAMLDocument.Duplicate]) {
        lines = duplicates.map(\.message)
        areKeysSorted = true
    }

    mutating func add(_ texts: [String]) {
        for text in texts where fields.count < Self.limit { fields.append(text) }
    }

    /// A field that is unknown and stands twice counts as unknown only, as where Go fills a struct.
    mutating func add(unknown paths: [String], hidesDuplicates: Bool) {
        guard !paths.isEmpty else { return }
        if hidesDuplicates, !fields.isEmpty {
            let prefixes = paths.map { "duplicate field \(goQuoted($0).dropLast())" }
            fields.removeAll { text in prefixes.contains { text.hasPrefix($0) && Self.ends($0, in: text) } }
        }
        add(paths.map { "unknown field \(goQuoted($0))" })
    }

    /// Puts fields into the order in which a decoder of Go's structs finds them: the document's own, or that of the keys
    /// where it was YAML.
    mutating func arrange(by document: JSONValue) {
        let places = fields.map { Self.place(of: $0, in: document, areKeysSorted: areKeysSorted) }
        fields = fields.indices.sorted { left, right in
            places[left] == places[right] ? left < right : places[left].lexicographicallyPrecedes(places[right])
        }.map { fields[$0] }
    }

    /// Where each step of the path that a finding quotes stands among its neighbours.
    private static func place(of finding: String, in document: JSONValue, areKeysSorted: Bool) -> [Int] {
        guard let start = finding.utf8.firstIndex(of: UInt8(ascii: "\"")) else { return [] }
        var path = Substring(finding[start...].utf8.dropFirst().dropLast())
        var value: JSONValue? = document
        var place: [Int] = []
        while !path.isEmpty {
            if path.utf8.first == UInt8(ascii: "["), let end = path.utf8.firstIndex(of: UInt8(ascii: "]")),
                let index = Int(Substring(path.utf8[..<end].dropFirst()))
            {
                place.append(index)
                value = value?[index]
                path = Substring(path.utf8[end...].dropFirst())
            } else if let object = value?.object {
                // Keys may have dots of their own: the longest that fits is meant.
                let key = object.keys.filter { Self.isStep($0, of: path) }.max { $0.utf8.count < $1.utf8.count }
                guard let key,
                    let index = areKeysSorted
                        ? object.keys.count(where: { $0.utf8.lexicographicallyPrecedes(key.utf8) })
                        : Array(object.keys).firstIndex(of: key)
                else { return place }
                place.append(index)
                value = object[key]
                path = Substring(path.utf8.dropFirst(key.utf8.count))
            } else {
                return place
            }
            if path.utf8.first == UInt8(ascii: ".") { path = Substring(path.utf8.dropFirst()) }
        }
        return place
    }

    private static func isStep(_ key: String, of path: Substring) -> Bool {
        guard path.utf8.starts(with: key.utf8) else { return false }
        let next = path.utf8.dropFirst(key.utf8.count).first
        return next == nil || next == UInt8(ascii: ".") || next == UInt8(ascii: "[")
    }

    /// Whether a path ends there: at its closing quote, or where a member or an element begins.
    private static func ends(_ prefix: String, in text: String) -> Bool {
        guard let next = text.utf8.dropFirst(prefix.utf8.count).first else { return true }
        return next == UInt8(ascii: "\"") || next == UInt8(ascii: ".") || next == UInt8(ascii: "[")
    }

    /// One text for each finding, for `Warning` headers.
    var warnings: [String] { lines + fields }

    /// All findings as one error.
    var message: String {
        var parts = fields
        if !lines.isEmpty {
            parts.insert(
                "error converting YAML to JSON: yaml: unmarshal errors:\n"
                    + lines.map { "  \($0)" }.joined(separator: "\n"),
                at: 0)
        }
        return "strict decoding error: " + parts.joined(separator: ", ")
    }
}
