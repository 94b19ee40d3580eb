/// A target of nginx' directive `rewrite`: text in which `$1` to `$9` stand for what groups have captured. Pure.
///
/// The path is decoded text, which is escaped when it is sent; what is behind the question mark is sent as it is written,
/// with the arguments of the request behind it unless the target ends with a second question mark or with its only one.
package struct RewriteTemplate: Hashable, Sendable {
    package static let maxBytes = 1024

    package enum Part: Hashable, Sendable {
        case text([UInt8])
        /// From 1 to 9.
        case group(Int)
    }

    package private(set) var path: [Part] = []
    /// nil where the target has no question mark.
    package private(set) var arguments: [Part]?
    /// The request's own arguments go on.
    package private(set) var keepsArguments = true

    /// Why a text is no target: words that follow it.
    package struct Unsupported: Error, CustomStringConvertible {
        package let description: String
    }

    package init(_ source: String) throws(Unsupported) {
        var bytes = Array(source.utf8)
        guard bytes.count <= Self.maxBytes else { throw Unsupported(description: "is longer than 1,024 characters") }
        let start = source.lowercased()
        if ["http://", "https://", "$scheme"].contains(where: start.hasPrefix) {
            throw Unsupported(description: "is a redirect, which permanent-redirect and temporal-redirect are for")
        }
        if let byte = bytes.first(where: { !Self.isPlain($0) }) {
            throw Unsupported(
                description: 0x21..<0x7F ~= byte
                    ? "has the character \(UnicodeScalar(byte)), which may not be there"
                    : "has a space, a control character or what is not ASCII")
        }
        if bytes.last == UInt8(ascii: "?") {
            bytes.removeLast()
            keepsArguments = false
        }
        let halves = bytes.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        if halves.count == 2, halves[1].contains(UInt8(ascii: "?")) {
            throw Unsupported(description: "has more than one question mark")
        }
        path = try Self.parts(halves[0])
        // A path begins with a slash, whatever a group has captured.
        if halves[0].first != UInt8(ascii: "/") { path.insert(.text([UInt8(ascii: "/")]), at: 0) }
        if halves.count == 2 { arguments = try Self.parts(halves[1]) }
    }

    private static func parts(_ bytes: ArraySlice<UInt8>) throws(Unsupported) -> [Part] {
        var parts: [Part] = []
        var text: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "$") else {
                text.append(bytes[index])
                index += 1
                continue
            }
            let digit = index + 1 < bytes.endIndex ? bytes[index + 1] : 0
            guard 0x31...0x39 ~= digit else {
                throw Unsupported(description: "has a variable other than $1 to $9")
            }
            if !text.isEmpty { parts.append(.text(text)) }
            text = []
            parts.append(.group(Int(digit - 0x30)))
            index += 2
        }
        if !text.isEmpty { parts.append(.text(text)) }
        return parts
    }

    /// Of a word in nginx' configuration that neither ends nor quotes it, and of a request's target.
    private static func isPlain(_ byte: UInt8) -> Bool {
        0x21..<0x7F ~= byte && !"\"'#;{}\\<>^`|".utf8.contains(byte)
    }
}
