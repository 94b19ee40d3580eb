/// What Kubernetes' `url()` makes of a text: an absolute URI or an absolute path, split as Go's `net/url` does.
struct CELURL: Sendable {
    let text: String
    var scheme = ""
    /// With the port.
    var host = ""
    var path = ""
    var query = ""

    init?(_ text: String) {
        guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == 0x20 }) else { return nil }
        self.text = text
        var rest = Substring(text)
        // A fragment is no part of a request URI, in which `#` is an ordinary character.
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let colon = rest.firstIndex(of: ":"), CELURL.isScheme(rest[..<colon]) {
            scheme = rest[..<colon].lowercased()
            rest = rest[rest.index(after: colon)...]
        }
        if scheme.isEmpty {
            guard rest.hasPrefix("/") else { return nil }
        } else if !rest.hasPrefix("/") {
            // Opaque, such as `mailto:someone`.
            return
        }
        if rest.hasPrefix("//"), !scheme.isEmpty {
            let authority = rest.dropFirst(2).prefix { $0 != "/" }
            rest = rest[authority.endIndex...]
            let server = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
            guard CELURL.isHost(server) else { return nil }
            host = String(server)
        }
        guard CELURL.hasValidEscapes(rest) else { return nil }
        path = String(rest)
    }

    /// Without the port and without the brackets of an IPv6 address.
    var hostname: String {
        if host.hasPrefix("["), let close = host.firstIndex(of: "]") {
            return String(host[host.index(after: host.startIndex)..<close])
        }
        return host.lastIndex(of: ":").map { String(host[..<$0]) } ?? host
    }

    var port: String {
        if host.hasPrefix("["), let close = host.firstIndex(of: "]") {
            return String(host[host.index(after: close)...].dropFirst())
        }
        return host.lastIndex(of: ":").map { String(host[host.index(after: $0)...]) } ?? ""
    }

    /// The query's parameters in order of first appearance, unescaped.
    var parameters: [(name: String, values: [String])] {
        var result: [(name: String, values: [String])] = []
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = CELURL.unescape(pair[0]), let value = CELURL.unescape(pair.count > 1 ? pair[1] : "") else {
                continue
            }
            if let place = result.firstIndex(where: { $0.name == name }) {
                result[place].values.append(value)
            } else {
                result.append((name, [value]))
            }
        }
        return result
    }

    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy {
            isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "+")
                || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isHost(_ text: Substring) -> Bool {
        var port = Substring()
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return false }
            port = text[text.index(after: close)...]
        } else if let colon = text.firstIndex(of: ":") {
            port = text[colon...]
        }
        if !port.isEmpty {
            guard port.hasPrefix(":"), port.dropFirst().utf8.allSatisfy({ (48...57).contains($0) }) else {
                return false
            }
        }
        return hasValidEscapes(text) && !text.contains { "<>\"^`{|}\\".contains($0) }
    }

    private static func hasValidEscapes(_ text: Substring) -> Bool {
        unescape(text) != nil
    }

    private static func unescape(_ text: Substring) -> String? {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2,
                    let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(value)
                rest.removeFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
