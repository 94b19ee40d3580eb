/// What Kubernetes' `url()` makes of a text: an absolute URI or an absolute path, split as Go's `net/url` does.
package struct GoURL: Sendable {
    package let text: String
    package var scheme = ""
    /// With the port.
    package var host = ""
    package var path = ""
    var query = ""

    package init?(_ text: String) {
        guard !text.isEmpty, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return nil }
        self.text = text
        var rest = text.prefix { $0 != "#" }
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let colon = rest.firstIndex(of: ":"), GoURL.isScheme(rest[..<colon]) {
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
            guard GoURL.isHost(server) else { return nil }
            host = String(server)
        }
        guard GoURL.hasValidEscapes(rest) else { return nil }
        path = String(rest)
    }

    /// The path as it can be sent: what may not stand there is escaped.
    package var escapedPath: String {
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~$&+,/:;=@"
        let valid = Set("\(letters)!'()*[]%".utf8)
        guard !path.utf8.allSatisfy(valid.contains), let plain = GoURL.unescape(path[...], plusIsSpace: false) else {
            return path
        }
        let kept = Set(letters.utf8)
        var result = ""
        for byte in plain.utf8 {
            if kept.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    /// Without the port and without the brackets of an IPv6 address.
    package var hostname: String {
        if host.hasPrefix("["), let close = host.firstIndex(of: "]") {
            return String(host[host.index(after: host.startIndex)..<close])
        }
        return host.lastIndex(of: ":").map { String(host[..<$0]) } ?? host
    }

    package var port: String {
        if host.hasPrefix("["), let close = host.firstIndex(of: "]") {
            return String(host[host.index(after: close)...].dropFirst())
        }
        return host.lastIndex(of: ":").map { String(host[host.index(after: $0)...]) } ?? ""
    }

    /// The query's parameters in order of first appearance, unescaped.
    package var parameters: [(name: String, values: [String])] {
        var result: [(name: String, values: [String])] = []
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = GoURL.unescape(pair[0]), let value = GoURL.unescape(pair.count > 1 ? pair[1] : "") else {
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
        return hasValidEscapes(text) && !text.contains { "<>\"^`{|}\\ ".contains($0) }
    }

    private static func hasValidEscapes(_ text: Substring) -> Bool {
        unescape(text) != nil
    }

    private static func unescape(_ text: Substring, plusIsSpace: Bool = true) -> String? {
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
                bytes.append(byte == UInt8(ascii: "+") && plusIsSpace ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
