/// YAML as Kubernetes reads and writes it: another spelling of JSON documents (sigs.k8s.io/yaml).
///
/// Reading is libyaml's, which Debian maintains (decision 0004), with YAML 1.1 scalars as Go's `yaml.v2` resolves them:
/// `yes`, `no`, `on` and `off` are booleans, `0777` is octal, timestamps stay strings. Map keys become strings.
public enum YAMLDocument {
    public struct Limits: Sendable, Hashable {
        /// How deep sequences and mappings may nest.
        public var maximumDepth = 100
        /// What aliases may add, counted in nodes plus bytes of text.
        public var aliasBudget = 4 << 20

        public init() {}

        public static let `default` = Limits()
    }

    /// A key that stands in a mapping for the second time.
    public struct Duplicate: Hashable, Sendable {
        public let key: String
        /// `spec.ports[0].name`.
        public let path: String
        /// From 1.
        public let line: Int

        /// As Go's yaml package words it.
        public var message: String { "line \(line): key \(goQuoted(key)) already set in map" }
    }

    /// Reads the only document; an empty text is null. A key that stands twice in a mapping is an error.
    public static func parse(_ bytes: [UInt8], limits: Limits = .default) throws(YAMLError) -> JSONValue {
        let (documents, duplicates) = try read(bytes, limits)
        if let first = duplicates.first {
            throw YAMLError(.duplicateKey, "key \(goQuoted(first.key)) already set in map", line: first.line)
        }
        return try single(documents)
    }

    /// Reads the only document; a key that stands twice keeps its last value, and its path (`spec.ports[0].name`) is
    /// appended to `duplicateKeys`.
    public static func parse(
        _ bytes: [UInt8], limits: Limits = .default, duplicateKeys: inout [String]
    ) throws(YAMLError) -> JSONValue {
        let (documents, duplicates) = try read(bytes, limits)
        let document = try single(documents)
        duplicateKeys.append(contentsOf: duplicates.map(\.path))
        return document
    }

    /// Reads the only document; a key that stands twice keeps its last value and is appended to `duplicates`.
    public static func parse(
        _ bytes: [UInt8], limits: Limits = .default, duplicates: inout [Duplicate]
    ) throws(YAMLError) -> JSONValue {
        let (documents, found) = try read(bytes, limits)
        duplicates += found
        return try single(documents)
    }

    /// Reads every document of a stream; empty ones are left out. A key that stands twice in a mapping is an error.
    public static func parseAll(_ bytes: [UInt8], limits: Limits = .default) throws(YAMLError) -> [JSONValue] {
        let (documents, duplicates) = try read(bytes, limits)
        if let first = duplicates.first {
            throw YAMLError(.duplicateKey, "key \(goQuoted(first.key)) already set in map", line: first.line)
        }
        return documents.filter { !$0.isNull }
    }

    private static func read(
        _ bytes: [UInt8], _ limits: Limits
    ) throws(YAMLError) -> ([JSONValue], [Duplicate]) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(YAMLError) in
            var reader = try YAMLReader(buffer, limits)
            let documents = try reader.documents()
            return (documents, reader.duplicates)
        }
    }

    private static func single(_ documents: [JSONValue]) throws(YAMLError) -> JSONValue {
        guard documents.count <= 1 else {
            throw YAMLError(.severalDocuments, "expected a single document in the stream", line: 0)
        }
        return documents.first ?? .null
    }
}

/// Why bytes are no YAML that can be kept.
public struct YAMLError: Error, Hashable, Sendable {
    public enum Code: Hashable, Sendable {
        case syntax, tooDeep, aliasBudget, unknownAlias, badKey, badScalar, duplicateKey, severalDocuments
    }

    public let code: Code
    /// Without the line.
    public let problem: String
    /// From 1; 0 when unknown.
    public let line: Int

    public init(_ code: Code, _ problem: String, line: Int) {
        self.code = code
        self.problem = problem
        self.line = line
    }
}

extension YAMLError: CustomStringConvertible {
    /// As Go's yaml package words it.
    public var description: String { line > 0 ? "yaml: line \(line): \(problem)" : "yaml: \(problem)" }
}
