/// Reads the annotations of one prefix or of several, and keeps what is not as it should be. Pure.
struct AnnotationReader {
    static let nginx = "nginx.ingress.kubernetes.io/"
    static let martlet = "traffic.martlet.dev/"

    private let annotations: [String: String]
    /// The first that has a name counts.
    private let prefixes: [String]
    /// Of a value that cannot be read: the end of a sentence.
    private let consequence: String
    /// Each a sentence that begins with the annotation's key.
    private(set) var problems: [String] = []

    init(_ annotations: [String: String], prefix: String) { self.init(annotations, prefixes: [prefix]) }

    init(
        _ annotations: [String: String], prefixes: [String], consequence: String = "so that it has no effect"
    ) {
        self.annotations = annotations
        self.prefixes = prefixes
        self.consequence = consequence
    }

    /// Ours come before ingress-nginx'.
    init(twins annotations: [String: String]) {
        self.init(annotations, prefixes: [Self.martlet, Self.nginx])
    }

    static func keys(_ names: [String], prefix: String) -> Set<String> { Set(names.map { prefix + $0 }) }

    /// Those of ingress-nginx and ours of the same names.
    static func twins(_ names: [String]) -> Set<String> {
        keys(names, prefix: nginx).union(keys(names, prefix: martlet))
    }

    /// The annotation that counts.
    func key(_ name: String) -> String {
        prefixes.map { $0 + name }.first { !(annotations[$0] ?? "").isEmpty } ?? (prefixes.first ?? "") + name
    }

    /// Empty is as good as not there, as in ingress-nginx.
    subscript(name: String) -> String? {
        let value = annotations[key(name)] ?? ""
        return value.isEmpty ? nil : value
    }

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

    /// Bytes as nginx writes them: a number, with `k`, `m` or `g` behind it in either case.
    mutating func size(_ name: String) -> Int? {
        guard let value = self[name] else { return nil }
        let factors: [Character: Int] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        let factor = value.last.flatMap { factors[Character($0.lowercased())] }
        let digits = factor == nil ? value[...] : value.dropLast()
        if digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int(digits) {
            let (bytes, isTooMuch) = number.multipliedReportingOverflow(by: factor ?? 1)
            if !isTooMuch { return bytes }
        }
        refuse(name, "is no size such as 8m")
        return nil
    }

    /// Up to some bytes that all are fit.
    mutating func text(_ name: String, of most: Int, _ wrong: String, where isFit: (UInt8) -> Bool) -> String? {
        guard let value = self[name] else { return nil }
        if value.utf8.count <= most, value.utf8.allSatisfy(isFit) { return value }
        refuse(name, value.utf8.count <= most ? wrong : "has more than \(most) characters")
        return nil
    }

    /// The value, which is there, cannot be read.
    mutating func refuse(_ name: String, _ reason: String) {
        tell(name, "\(Self.quoted(self[name] ?? "")) \(reason), \(consequence)")
    }

    mutating func tell(_ name: String, _ sentence: String) { problems.append("\(key(name)): \(sentence)") }

    /// What stands between commas, without white space around it. What has some inside is one entry: two that somebody forgot to part
    /// must not become a third.
    static func entries(_ text: String) -> [String] {
        text.split(separator: ",").map { entry in
            let start = entry.drop(while: \.isWhitespace)
            return String(start.reversed().drop(while: \.isWhitespace).reversed())
        }.filter { !$0.isEmpty }
    }

    /// As much of a value as a message has room for.
    static func quoted(_ value: String) -> String {
        let start = value.prefix(63)
        return "\"\(start)\(start.endIndex == value.endIndex ? "" : "…")\""
    }

    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    static func isAlphanumeric(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 }

    static func isToken(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
