import KubeModel

/// A JSON Pointer (RFC 6901): where in a document a patch operation acts.
public struct JSONPointer: Hashable, Sendable {
    public let tokens: [String]

    public init(tokens: [String]) {
        self.tokens = tokens
    }

    /// Reads `/spec/ports/0`; the empty text is the whole document. nil when it does not start with a slash, or holds a
    /// tilde that is no escape.
    public init?(_ text: String) {
        guard !text.isEmpty else {
            tokens = []
            return
        }
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        var tokens: [String] = []
        var current: [UInt8] = []
        var isEscaped = false
        for byte in text.utf8.dropFirst() {
            if isEscaped {
                switch byte {
                case UInt8(ascii: "0"): current.append(UInt8(ascii: "~"))
                case UInt8(ascii: "1"): current.append(UInt8(ascii: "/"))
                default: return nil
                }
                isEscaped = false
            } else if byte == UInt8(ascii: "~") {
                isEscaped = true
            } else if byte == UInt8(ascii: "/") {
                tokens.append(String(decoding: current, as: UTF8.self))
                current.removeAll(keepingCapacity: true)
            } else {
                current.append(byte)
            }
        }
        guard !isEscaped else { return nil }
        tokens.append(String(decoding: current, as: UTF8.self))
        self.tokens = tokens
    }

    /// An array index: digits without leading zeros, at most `limit`.
    static func index(_ token: String, upTo limit: Int) -> Int? {
        guard !token.isEmpty, token.utf8.count <= 9,
            token.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            token.utf8.count == 1 || token.utf8.first != UInt8(ascii: "0"), let index = Int(token), index <= limit
        else { return nil }
        return index
    }
}

extension JSONPointer: CustomStringConvertible {
    public var description: String {
        tokens.map { token in
            var text = "/"
            for scalar in token.unicodeScalars {
                switch scalar {
                case "~": text += "~0"
                case "/": text += "~1"
                default: text.unicodeScalars.append(scalar)
                }
            }
            return text
        }.joined()
    }
}
