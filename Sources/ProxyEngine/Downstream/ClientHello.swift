/// What a client says of itself at the beginning of TLS, in the clear: which server it means (RFC 8446 section 4.1.2,
/// RFC 6066 section 3). Pure.
///
/// It decides where a connection goes, never who may come: what cannot be read is left to whoever speaks TLS.
package struct ClientHello: Equatable {
    package enum Parsed: Equatable {
        /// More bytes are needed.
        case incomplete
        /// No ClientHello, or a longer one than anybody has reason to send.
        case invalid
        case complete(ClientHello)
    }

    /// In lower case, without a dot at the end; nil where it names none.
    package var serverName: String?

    /// The longest one, with the heads of its records. Browsers send 0.5 to 2 KiB.
    package static let maxBytes = 16_384

    /// Reads the one at the front of `bytes`, which may be spread over several records.
    package static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Parsed {
        var message: [UInt8] = []
        var reader = ByteReader(bytes)
        while true {
            // Handshake (22), a version that nobody looks at, the length (RFC 8446 section 5.1).
            guard let type = reader.byte() else { return reader.short }
            guard type == 22 else { return .invalid }
            guard let major = reader.byte() else { return reader.short }
            guard major == 3 else { return .invalid }
            guard reader.byte() != nil, let length = reader.number(bytes: 2) else { return reader.short }
            guard length > 0, length <= 16_384 else { return .invalid }
            let fragment = reader.upTo(length)
            message += fragment
            if message.count >= 4 {
                guard message[0] == 1 else { return .invalid }
                let wanted = 4 + (Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3]))
                guard wanted <= maxBytes else { return .invalid }
                if message.count >= wanted {
                    return message.withUnsafeBufferPointer {
                        parseBody(UnsafeBufferPointer(rebasing: $0[4..<wanted]))
                    }
                }
            }
            if fragment.count < length { return reader.short }
        }
    }

    private static func parseBody(_ bytes: UnsafeBufferPointer<UInt8>) -> Parsed {
        var body = ByteReader(bytes)
        // The version and 32 random bytes; session, cipher suites and compressions follow.
        guard body.skip(34), body.skipList(lengthBytes: 1), body.skipList(lengthBytes: 2), body.skipList(lengthBytes: 1)
        else { return .invalid }
        if body.isAtEnd { return .complete(ClientHello(serverName: nil)) }
        guard var extensions = body.list(lengthBytes: 2), body.isAtEnd else { return .invalid }
        var name: String?
        var isNamed = false
        while !extensions.isAtEnd {
            guard let type = extensions.number(bytes: 2), let content = extensions.list(lengthBytes: 2) else {
                return .invalid
            }
            guard type == 0 else { continue }
            // Once (RFC 8446 section 4.2).
            guard !isNamed, let read = serverName(content) else { return .invalid }
            isNamed = true
            name = read
        }
        return .complete(ClientHello(serverName: name))
    }

    /// nil for an extension that is none.
    private static func serverName(_ content: ByteReader) -> String? {
        var content = content
        guard var list = content.list(lengthBytes: 2), content.isAtEnd else { return nil }
        // A name of type 0, which no more than one may have; others are not known.
        guard list.byte() == 0, let name = list.list(lengthBytes: 2), list.isAtEnd else { return nil }
        var text = String(decoding: name.rest.map(\.asciiLowercased), as: UTF8.self)
        guard !text.isEmpty, text.utf8.allSatisfy({ 0x21..<0x7F ~= $0 }) else { return nil }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}

/// Takes bytes from the front of others.
private struct ByteReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    var rest: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: bytes[position...]) }

    /// What it means that the bytes have ended.
    var short: ClientHello.Parsed { bytes.count < ClientHello.maxBytes ? .incomplete : .invalid }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    /// Big-endian.
    mutating func number(bytes count: Int) -> Int? {
        var number = 0
        for _ in 0..<count {
            guard let byte = byte() else { return nil }
            number = number << 8 | Int(byte)
        }
        return number
    }

    mutating func skip(_ count: Int) -> Bool {
        guard bytes.count - position >= count else { return false }
        position += count
        return true
    }

    /// So many bytes, or those that are left.
    mutating func upTo(_ count: Int) -> UnsafeBufferPointer<UInt8> {
        let end = min(bytes.count, position + count)
        defer { position = end }
        return UnsafeBufferPointer(rebasing: bytes[position..<end])
    }

    /// What stands behind its length.
    mutating func list(lengthBytes: Int) -> ByteReader? {
        guard let count = number(bytes: lengthBytes), bytes.count - position >= count else { return nil }
        return ByteReader(upTo(count))
    }

    mutating func skipList(lengthBytes: Int) -> Bool { list(lengthBytes: lengthBytes) != nil }
}
