import KubeModel

/// What a strict decoder finds wrong in a document that can be read all the same: unknown fields, keys that stand twice.
struct StrictFindings: Sendable {
    /// Keys that stand twice in YAML, by line.
    private var lines: [String] = []
    private var fields: [String] = []

    /// A decoder stops counting there (`sigs.k8s.io/json`).
    static let limit = 100

    var isEmpty: Bool { lines.isEmpty && fields.isEmpty }

    init() {}

    init(duplicates: [String]) {
        fields = duplicates.prefix(Self.limit).map { "duplicate field \(goQuoted($0))" }
    }

    init(duplicates: [YAMLDocument.Duplicate]) {
        lines = duplicates.map(\.message)
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
