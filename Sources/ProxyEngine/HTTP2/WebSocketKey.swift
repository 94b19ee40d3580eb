internal import COpenSSL

/// The nonce of WebSocket's handshake over HTTP/1.1 (RFC 6455 section 4.1), in which the proxy is the client where its own
/// client speaks HTTP/2.
struct WebSocketKey: Equatable {
    /// Value of `Sec-WebSocket-Key`: base64 of 16 bytes.
    let text: [UInt8]

    /// A random one.
    init() {
        var generator = SystemRandomNumberGenerator()
        let nonce = [generator.next(), generator.next()]
        text = nonce.withUnsafeBytes { Self.base64($0) }
    }

    init(_ text: some Sequence<UInt8>) { self.text = Array(text) }

    /// The value of `Sec-WebSocket-Accept` by which a server shows that it has understood the request (section 4.2.2).
    var accept: [UInt8] {
        let answered = text + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard EVP_Digest(answered, answered.count, &digest, &count, EVP_sha1(), nil) == 1 else { return [] }
        return digest[..<Int(count)].withUnsafeBytes { Self.base64($0) }
    }

    /// Whether `bytes` are what a server answers; nothing is where the digest cannot be had.
    func isAccepted(by bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let accept = accept
        return !accept.isEmpty && accept.elementsEqual(bytes)
    }

    private static func base64(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let size = (bytes.count + 2) / 3 * 4
        return [UInt8](unsafeUninitializedCapacity: size + 1) { text, count in
            // It adds a NUL.
            count = Int(
                EVP_EncodeBlock(
                    text.baseAddress, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count)))
        }
    }
}
