internal import Transport

extension RequestText {
    /// The request that a text is written for.
    struct Source {
        var head: UnsafePointer<HTTP1RequestHead>
        var bytes: UnsafePointer<UInt8>
        var clientAddress: RequestValue.Bytes
        /// Of the host's name in the request's authority.
        var hostNameCount: Int
        var isTLS: Bool
    }

    enum Place {
        /// The value of a field.
        case field
        /// A URL: what may not stand in one is escaped.
        case url
    }

    /// Appends the text for a request; false, and anything appended, where it would be longer than `most`.
    func write(_ source: Source, _ place: Place, to out: inout [UInt8], most: Int) -> Bool {
        for part in parts {
            // Behind `=` it is the value of an argument.
            let isArgument = out.last == UInt8(ascii: "=")
            func add(_ value: RequestValue.Bytes, isWord: Bool = false) {
                for byte in value.prefix(most + 1) {
                    if place == .url,
                        !Self.mayStandInURL(byte) || isArgument && Self.endsArgument(byte)
                            || isWord && Self.endsWord(byte)
                    {
                        Self.escape(byte, to: &out)
                    } else {
                        out.append(byte)
                    }
                }
            }
            let (head, bytes) = (source.head, source.bytes)
            switch part {
            case .text(let text): out += text
            case .clientAddress: add(source.clientAddress)
            case .field(let name): add(RequestValue.field(name, head, bytes), isWord: true)
            case .cookie(let name): add(RequestValue.cookie(name, head, bytes), isWord: true)
            case .argument(let name): add(RequestValue.argument(name, head, bytes), isWord: true)
            case .pathAndQuery: add(Self.target(source))
            case .escapedPathAndQuery:
                for byte in Self.target(source).prefix(most + 1) {
                    if Self.isUnreserved(byte) { out.append(byte) } else { Self.escape(byte, to: &out) }
                }
            case .path: add(RequestValue.path(head, bytes))
            case .query: add(RequestValue.query(head, bytes))
            case .host:
                let name = RequestValue.slice(head.pointee.authority, bytes)
                add(RequestValue.Bytes(rebasing: name.prefix(source.hostNameCount)), isWord: true)
            case .authority: add(RequestValue.slice(head.pointee.authority, bytes), isWord: true)
            case .method: add(RequestValue.slice(head.pointee.method, bytes))
            case .scheme: out += source.isTLS ? "https".utf8 : "http".utf8
            }
            if out.count > most { return false }
        }
        return true
    }

    private static let root: StaticString = "/"

    private static func target(_ source: Source) -> RequestValue.Bytes {
        let target = RequestValue.slice(source.head.pointee.pathAndQuery, source.bytes)
        return target.isEmpty ? RequestValue.Bytes(start: root.utf8Start, count: 1) : target
    }

    private static func escape(_ byte: UInt8, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "%"))
        out.append(upperHexDigit(byte >> 4))
        out.append(upperHexDigit(byte & 15))
    }

    private static func upperHexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

    /// Nothing that ends a line or a word, opens a tag, or is no ASCII.
    private static func mayStandInURL(_ byte: UInt8) -> Bool {
        0x21..<0x7F ~= byte && !"\"<>\\^`{|}#".utf8.contains(byte)
    }

    private static func endsArgument(_ byte: UInt8) -> Bool { "&;+#".utf8.contains(byte) }

    /// What would begin another part of a URL than the one that a word is meant for.
    private static func endsWord(_ byte: UInt8) -> Bool { "/?#&;=+".utf8.contains(byte) }

    /// RFC 3986 section 2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "-._~".utf8.contains(byte)
    }
}
