/// Kubernetes' rules for the syntax of names and values (k8s.io/apimachinery/pkg/util/validation and
/// …/api/validate/content). Each returns the complaints in Kubernetes' words; none means valid. Lengths are in bytes.
public enum Validation {
    /// RFC 1123 label: at most 63 of `[a-z0-9-]`, starting and ending alphanumeric.
    public static func dns1123Label(_ value: String) -> [String] {
        var complaints: [String] = []
        if value.utf8.count > 63 { complaints.append(tooManyCharacters(63)) }
        if !hasBytes(value, { isLabel($0) }) {
            let message =
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
                + "and end with an alphanumeric character"
            let dotted = hasBytes(value) { isSubdomain($0) }
            complaints.append(
                dotted
                    ? "must not contain dots"
                    : patternComplaint(message, labelPattern, "my-name", "123-abc"))
        }
        return complaints
    }

    /// RFC 1123 subdomain: labels joined by dots, at most 253.
    public static func dns1123Subdomain(_ value: String) -> [String] {
        var complaints: [String] = []
        if value.utf8.count > 253 { complaints.append(tooManyCharacters(253)) }
        if !hasBytes(value, { isSubdomain($0) }) {
            let message =
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
                + "must start and end with an alphanumeric character"
            complaints.append(patternComplaint(message, subdomainPattern, "example.com"))
        }
        return complaints
    }

    /// `*.` and an RFC 1123 subdomain.
    public static func wildcardDNS1123Subdomain(_ value: String) -> [String] {
        var complaints: [String] = []
        if value.utf8.count > 253 { complaints.append(tooManyCharacters(253)) }
        if !(value.hasPrefix("*.") && isSubdomain(value.utf8.dropFirst(2))) {
            let message =
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
                + "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
            complaints.append(patternComplaint(message, "\\*\\." + subdomainPattern, "*.example.com"))
        }
        return complaints
    }

    /// RFC 1035 label: as an RFC 1123 label, but starting with a letter.
    public static func dns1035Label(_ value: String) -> [String] {
        var complaints: [String] = []
        if value.utf8.count > 63 { complaints.append(tooManyCharacters(63)) }
        if !hasBytes(value, { isLabel($0) }) || !(value.utf8.first.map { isLower($0) } ?? false) {
            let message =
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
                + "character, and end with an alphanumeric character"
            complaints.append(patternComplaint(message, "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123"))
        }
        return complaints
    }

    /// A label key: an optional DNS subdomain and a slash, then a name of at most 63.
    public static func qualifiedName(_ value: String) -> [String] {
        // The words are put together only for a name that needs them.
        if hasBytes(value, { isQualifiedName($0) }) { return [] }
        let parts = value.split(separator: "/", omittingEmptySubsequences: false)
        let pattern = patternComplaint(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
                + "character", namePattern, "MyName", "my.name", "123-abc")
        var complaints: [String] = []
        guard parts.count <= 2, let name = parts.last else {
            return [
                "a valid label key \(pattern) with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
        }
        if parts.count == 2 {
            if parts[0].isEmpty {
                complaints.append("prefix part must be non-empty")
            } else {
                complaints += dns1123Subdomain(String(parts[0])).map { "prefix part \($0)" }
            }
        }
        if name.isEmpty {
            complaints.append("name part must be non-empty")
        } else if name.utf8.count > 63 {
            complaints.append("name part must be no more than 63 bytes")
        }
        if !isName(name.utf8) { complaints.append("name part \(pattern)") }
        return complaints
    }

    /// A label value: empty, or a name of at most 63.
    public static func labelValue(_ value: String) -> [String] {
        var complaints: [String] = []
        if value.utf8.count > 63 { complaints.append("must be no more than 63 bytes") }
        if !value.isEmpty, !hasBytes(value, { isName($0) }) {
            let message =
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
                + "must start and end with an alphanumeric character"
            complaints.append(patternComplaint(message, "(\(namePattern))?", "MyValue", "my_value", "12345"))
        }
        return complaints
    }

    /// An IANA service name (RFC 6335) in lower case, as port names must be.
    public static func portName(_ value: String) -> [String] {
        var complaints: [String] = []
        let bytes = value.utf8
        if bytes.count > 15 { complaints.append(tooManyCharacters(15)) }
        if bytes.isEmpty || !bytes.allSatisfy({ isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }) {
            complaints.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: isLower) { complaints.append("must contain at least one letter (a-z)") }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == UInt8(ascii: "-") && $1 == UInt8(ascii: "-") }) {
            complaints.append("must not contain consecutive hyphens")
        }
        if bytes.first == UInt8(ascii: "-") || bytes.last == UInt8(ascii: "-") {
            complaints.append("must not begin or end with a hyphen")
        }
        return complaints
    }

    /// 1…65535.
    public static func portNumber(_ value: Int) -> [String] {
        inRange(value, 1...65535)
    }

    public static func inRange(_ value: Int, _ range: ClosedRange<Int>) -> [String] {
        range.contains(value)
            ? [] : ["must be between \(range.lowerBound) and \(range.upperBound), inclusive"]
    }

    /// Digits and a `%`.
    public static func percent(_ value: String) -> [String] {
        let bytes = value.utf8
        if bytes.count >= 2, bytes.last == UInt8(ascii: "%"), bytes.dropLast().allSatisfy(isDigit) { return [] }
        let message = "a valid percent string must be a numeric string followed by an ending '%'"
        return [patternComplaint(message, "[0-9]+%", "1%", "93%")]
    }

    public static func httpHeaderName(_ value: String) -> [String] {
        if !value.isEmpty, value.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") }) { return [] }
        return [
            patternComplaint(
                "a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", "X-Header-Name")
        ]
    }

    /// A key of a ConfigMap or Secret: at most 253 of `[-._a-zA-Z0-9]`, no relative path.
    public static func configMapKey(_ value: String) -> [String] {
        var complaints: [String] = []
        if value.utf8.count > 253 { complaints.append(tooManyCharacters(253)) }
        if value.isEmpty || !value.utf8.allSatisfy(isNameByte) {
            complaints.append(
                patternComplaint(
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'", "[-._a-zA-Z0-9]+",
                    "key.name", "KEY_NAME", "key-name"))
        }
        return complaints + relativePathComplaints(value)
    }

    /// A name that may stand in a URL path, the weakest rule for object names.
    public static func pathSegmentName(_ value: String) -> [String] {
        if value == "." || value == ".." { return ["may not be '\(value)'"] }
        return ["/", "%"].filter { value.contains($0) }.map { "may not contain '\($0)'" }
    }

    private static func relativePathComplaints(_ value: String) -> [String] {
        if value == "." || value == ".." { return ["must not be '\(value)'"] }
        return value.hasPrefix("..") ? ["must not start with '..'"] : []
    }

    // MARK: Syntax

    private static let labelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    private static let subdomainPattern = labelPattern + "(\\." + labelPattern + ")*"
    private static let namePattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

    static func patternComplaint(_ message: String, _ pattern: String, _ examples: String...) -> String {
        guard !examples.isEmpty else { return "\(message) (regex used for validation is '\(pattern)')" }
        // The stray space after the comma between examples is Kubernetes' own.
        let list = examples.map { "'\($0)', " }.joined(separator: " or ")
        return "\(message) (e.g. \(list)regex used for validation is '\(pattern)')"
    }

    private static func tooManyCharacters(_ limit: Int) -> String {
        "must be no more than \(limit) characters"
    }

    /// Asks about the bytes of a text as they lie in memory: walking over the text's own indices takes several times as long.
    @inline(__always)
    private static func hasBytes(_ text: String, _ isValid: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
        var text = text
        return text.withUTF8(isValid)
    }

    private static func isLabel(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isLowerAlphanumeric(first), isLowerAlphanumeric(last)
        else { return false }
        return bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isSubdomain(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        // What comes before the first byte of a label is as good as a dot.
        var previous = UInt8(ascii: ".")
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "."): guard isLowerAlphanumeric(previous) else { return false }
            case UInt8(ascii: "-"): guard previous != UInt8(ascii: ".") else { return false }
            default: guard isLowerAlphanumeric(byte) else { return false }
            }
            previous = byte
        }
        return isLowerAlphanumeric(previous)
    }

    private static func isQualifiedName(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else { return bytes.count <= 63 && isName(bytes) }
        let prefix = bytes[..<slash]
        let name = bytes[bytes.index(after: slash)...]
        return prefix.count <= 253 && name.count <= 63 && isSubdomain(prefix) && isName(name)
    }

    private static func isName(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last)
        else { return false }
        return bytes.allSatisfy(isNameByte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLower(byte | 0x20) || isDigit(byte) }
}
