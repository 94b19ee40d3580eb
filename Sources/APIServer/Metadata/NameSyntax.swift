/// The syntaxes of names, label keys and label values, with the messages of Kubernetes' `util/validation`.
///
/// Every check returns the messages of what is wrong, none when the text is fine.
enum NameSyntax {
    static func dnsLabel(_ text: String) -> [String] {
        var messages: [String] = []
        if text.utf8.count > 63 { messages.append(tooLong(63)) }
        if !isLabel(text.utf8) {
            messages.append(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
                    + "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation "
                    + "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
        }
        return messages
    }

    static func dns1035Label(_ text: String) -> [String] {
        var messages: [String] = []
        if text.utf8.count > 63 { messages.append(tooLong(63)) }
        if !isLabel(text.utf8) || !(text.utf8.first.map(isLowercase) ?? false) {
            messages.append(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
                    + "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
                    + "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')")
        }
        return messages
    }

    static func dnsSubdomain(_ text: String) -> [String] {
        var messages: [String] = []
        if text.utf8.count > 253 { messages.append(tooLong(253)) }
        let isSubdomain =
            text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { isLabel($0) }
        if !isSubdomain {
            messages.append(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
                    + "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation "
                    + "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
        }
        return messages
    }

    /// `name` or `prefix/name`: keys of labels and annotations, finalizers.
    static func qualifiedName(_ text: String) -> [String] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let name: Substring
        var messages: [String] = []
        switch parts.count {
        case 1:
            name = parts[0]
        case 2:
            name = parts[1]
            if parts[0].isEmpty {
                messages.append("prefix part must be non-empty")
            } else {
                messages += dnsSubdomain(String(parts[0])).map { "prefix part \($0)" }
            }
        default:
            return [
                "a qualified name \(qualifiedNameRule) with an optional DNS subdomain prefix and '/' "
                    + "(e.g. 'example.com/MyName')"
            ]
        }
        if name.isEmpty {
            messages.append("name part must be non-empty")
        } else if name.utf8.count > 63 {
            messages.append("name part \(tooLong(63))")
        }
        if !isQualified(name.utf8) { messages.append("name part \(qualifiedNameRule)") }
        return messages
    }

    static func labelValue(_ text: String) -> [String] {
        var messages: [String] = []
        if text.utf8.count > 63 { messages.append(tooLong(63)) }
        if !text.isEmpty, !isQualified(text.utf8) {
            messages.append(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
                    + "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
                    + "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
        }
        return messages
    }

    /// A name that can be a segment of a URL path.
    static func pathSegment(_ text: String) -> [String] {
        if text == "." || text == ".." { return ["may not be '\(text)'"] }
        var messages: [String] = []
        for character in ["/", "%"] where text.contains(character) {
            messages.append("may not contain '\(character)'")
        }
        return messages
    }

    static func messages(for name: String, rule: NameRule) -> [String] {
        switch rule {
        case .dnsSubdomain: dnsSubdomain(name)
        case .dnsLabel: dnsLabel(name)
        case .dns1035Label: dns1035Label(name)
        case .pathSegment: pathSegment(name)
        }
    }

    private static let qualifiedNameRule =
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
        + "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
        + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

    private static func tooLong(_ limit: Int) -> String { "must be no more than \(limit) characters" }

    private static func isLowercase(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLowercase(byte | 0x20) || isDigit(byte) }

    private static func isLabel(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
            && bytes.allSatisfy { isLowercase($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isQualified(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }
}
