/// The syntaxes that only some kinds use, with the messages of Kubernetes' `util/validation`.
extension NameSyntax {
    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// An IANA service name, as named ports of containers and target ports are written (RFC 6335 section 5.1).
    static func portName(_ text: String) -> [String] {
        let hyphen = UInt8(ascii: "-")
        let bytes = Array(text.utf8)
        var messages: [String] = []
        if bytes.count > 15 { messages.append("must be no more than 15 characters") }
        let isLowercaseOrDigit = { (byte: UInt8) in
            isLetterOrDigit(byte) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        if !bytes.allSatisfy({ isLowercaseOrDigit($0) || $0 == hyphen }) || bytes.isEmpty {
            messages.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }) {
            messages.append("must contain at least one letter (a-z)")
        }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == hyphen && $1 == hyphen }) {
            messages.append("must not contain consecutive hyphens")
        }
        if bytes.first == hyphen || bytes.last == hyphen {
            messages.append("must not begin or end with a hyphen")
        }
        return messages
    }

    /// `*.` and a subdomain.
    static func wildcardSubdomain(_ text: String) -> [String] {
        var messages: [String] = []
        if text.utf8.count > 253 { messages.append("must be no more than 253 characters") }
        if !text.hasPrefix("*.") || !dnsSubdomain(String(text.dropFirst(2).prefix(253))).isEmpty {
            messages.append(
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
                    + "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
                    + "character "
                    + "(e.g. '*.example.com', regex used for validation is "
                    + "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
        }
        return messages
    }

    /// A key of a ConfigMap or Secret, which becomes a file name.
    static func dataKey(_ text: String) -> [String] {
        var messages: [String] = []
        if text.utf8.count > 253 { messages.append("must be no more than 253 characters") }
        let marks = Set("-._".utf8)
        if text.isEmpty || !text.utf8.allSatisfy({ isLetterOrDigit($0) || marks.contains($0) }) {
            messages.append(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                    + "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")
        }
        switch text {
        case ".", "..": messages.append("must not be '\(text)'")
        default: if text.hasPrefix("..") { messages.append("must not start with '..'") }
        }
        return messages
    }
}
