/// Reads the annotations of one prefix, or of several of which the first that is there counts, and keeps what is not as it should be. Pure.
struct AnnotationReader {
    static let nginx = "nginx.ingress.kubernetes.io/"
    static let martlet = "traffic.martlet.dev/"

    private let annotations: [String: String]
    private let prefixes: [String]
    /// Each a sentence that begins with the annotation's key.
    private(set) var problems: [String] = []

    init(_ annotations: [String: String], prefix: String) {
        self.annotations = annotations
        prefixes = [prefix]
    }

    /// Ours come before ingress-nginx'.
    init(twins annotations: [String: String]) {
        self.annotations = annotations
        prefixes = [Self.martlet, Self.nginx]
    }

    static func keys(_ names: [String], prefix: String) -> Set<String> { Set(names.map { prefix + $0 }) }

    /// Those of ingress-nginx and ours of the same names.
    static func twins(_ names: [String]) -> Set<String> {
        keys(names, prefix: nginx).union(keys(names, prefix: martlet))
    }

    /// The annotation that counts.
    func key(_ name: String) -> String {
        (prefixes.first { annotations[$0 + name] != nil } ?? prefixes[0]) + name
    }

    /// Empty is as good as not there, as in ingress-nginx.
    subscript(name: String) -> String? { annotations[key(name)].flatMap { $0.isEmpty ? nil : $0 } }

    mutating func number(_ name: String, from least: Int, to most: Int = Int(Int32.max)) -> Int? {
        guard let value = self[name] else { return nil }
        if let number = Int(value), least <= number, number <= most { return number }
        refuse(name, "is no number from \(least)" + (most == Int(Int32.max) ? "" : " to \(most)"))
        return nil
    }

    /// As Go's `strconv.ParseBool`.
    mutating func boolean(_ name: String) -> Bool? {
        switch self[name] {
        case nil: return nil
        case "1", "t", "T", "true", "TRUE", "True": return true
        case "0", "f", "F", "false", "FALSE", "False": return false
        default:
            refuse(name, "is neither true nor false")
            return nil
        }
    }

    /// A token (RFC 9110 section 5.6.2) of up to 64 characters.
    mutating func token(_ name: String, of what: String) -> String? {
        guard let value = self[name] else { return nil }
        if value.utf8.count <= 64, value.utf8.allSatisfy(Self.isToken) { return value }
        refuse(name, "is no name of \(what) of up to 64 characters")
        return nil
    }

    /// One of some words, in whatever case where `ignoresCase`; the word as it is listed.
    mutating func word(_ name: String, of words: [String], ignoresCase: Bool = false) -> String? {
        guard let value = self[name] else { return nil }
        let found = words.first { ignoresCase ? $0.lowercased() == value.lowercased() : $0 == value }
        if found == nil {
            let all = words.dropLast().joined(separator: ", ") + (words.count > 1 ? " and " : "") + (words.last ?? "")
            refuse(name, "is not known (\(all) \(words.count > 1 ? "are" : "is"))")
        }
        return found
    }

    /// The value, which is there, has no effect.
    mutating func refuse(_ name: String, _ reason: String) {
        tell(name, "\(Self.quoted(annotations[key(name)] ?? "")) \(reason), so that it has no effect")
    }

    mutating func tell(_ name: String, _ sentence: String) { problems.append("\(key(name)): \(sentence)") }

    /// As much of a value as a message has room for.
    static func quoted(_ value: String) -> String {
        let start = value.prefix(63)
        return "\"\(start)\(start.endIndex == value.endIndex ? "" : "…")\""
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 }

    private static func isToken(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
