internal import NetworkTypes

/// What a load balancer says of a connection in front of its first byte: the PROXY protocol, version 1 (a line) and 2
/// (binary), as HAProxy's `proxy-protocol.txt` defines it. Pure.
///
/// Strict: whoever can send one says who the client is.
struct ProxyProtocolHeader: Equatable {
    enum Parsed: Equatable {
        /// More bytes are needed.
        case incomplete
        /// The bytes are no such header, or a longer one than anybody has reason to send.
        case invalid
        case complete(ProxyProtocolHeader)
    }

    /// Bytes up to what the client itself sent.
    var byteCount: Int
    /// The client; nil where the sender speaks for itself (`LOCAL`, health checks) or does not know (`UNKNOWN`).
    var source: SocketAddress?

    /// The longest line of version 1 (107 bytes, section 2.1), and version 2 with additions of some KiB.
    static let maxBytes = 4096
    private static let maxLineBytes = 107
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]

    /// Reads the header at the front of `bytes`.
    static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Parsed {
        guard let first = bytes.first else { return .incomplete }
        return first == 0x50 ? parseLine(bytes) : parseBinary(bytes)
    }

    // MARK: Version 1

    private static func parseLine(_ bytes: UnsafeBufferPointer<UInt8>) -> Parsed {
        let begin = Array("PROXY ".utf8)
        guard zip(bytes, begin).allSatisfy({ $0 == $1 }) else { return .invalid }
        guard let end = bytes.prefix(maxLineBytes).firstIndex(of: 0x0A) else {
            return bytes.count < maxLineBytes ? .incomplete : .invalid
        }
        guard end > begin.count, bytes[end - 1] == 0x0D else { return .invalid }
        let words = bytes[begin.count..<end - 1].split(separator: 0x20, omittingEmptySubsequences: false)
        let family = words.first.map { String(decoding: $0, as: UTF8.self) }
        if family == "UNKNOWN" { return .complete(Self(byteCount: end + 1, source: nil)) }
        guard words.count == 5, let wanted: IPFamily = family == "TCP4" ? .v4 : family == "TCP6" ? .v6 : nil,
            let source = IPAddress(String(decoding: words[1], as: UTF8.self)), source.family == wanted,
            let target = IPAddress(String(decoding: words[2], as: UTF8.self)), target.family == wanted,
            let port = Port(String(decoding: words[3], as: UTF8.self)),
            Port(String(decoding: words[4], as: UTF8.self)) != nil
        else { return .invalid }
        return .complete(Self(byteCount: end + 1, source: SocketAddress(ip: source, port: port)))
    }

    // MARK: Version 2

    private static func parseBinary(_ bytes: UnsafeBufferPointer<UInt8>) -> Parsed {
        guard zip(bytes, signature).allSatisfy({ $0 == $1 }) else { return .invalid }
        guard bytes.count >= 16 else { return .incomplete }
        let command = bytes[12]
        let family = bytes[13]
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        guard command == 0x20 || command == 0x21, 16 + length <= maxBytes else { return .invalid }
        guard bytes.count >= 16 + length else { return .incomplete }
        var header = Self(byteCount: 16 + length, source: nil)
        // LOCAL, and families that say nothing of an IP address, leave the connection's own.
        if command == 0x20 { return .complete(header) }
        let size: Int
        switch family {
        case 0x11: size = 4
        case 0x21: size = 16
        case 0x00, 0x12, 0x22, 0x31, 0x32: return .complete(header)
        default: return .invalid
        }
        guard length >= 2 * size + 4, let ip = IPAddress(bytes: bytes[16..<16 + size]) else { return .invalid }
        let port = UInt16(bytes[16 + 2 * size]) << 8 | UInt16(bytes[17 + 2 * size])
        header.source = SocketAddress(ip: ip, port: Port(port))
        return .complete(header)
    }
}
