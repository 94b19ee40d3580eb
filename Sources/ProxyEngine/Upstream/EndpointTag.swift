internal import COpenSSL
internal import NetworkTypes

/// An endpoint's name in the cookies of one upstream: a keyed hash of its address (HMAC-SHA-256, RFC 2104, of which 8 bytes
/// are kept), the same on every loop and node.
enum EndpointTag {
    static func make(_ address: SocketAddress, seed: [UInt8]) -> UInt64 {
        let port = address.port.rawValue
        let text = address.ip.bytes + [UInt8(port >> 8), UInt8(port & 0xFF)]
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        _ = HMAC(EVP_sha256(), seed, Int32(clamping: seed.count), text, text.count, &digest, &count)
        return digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
}
