internal import COpenSSL

/// The server's side of the opening of a WebSocket (RFC 6455, 4.2).
package enum WebSocketHandshake: Sendable, Hashable {
    /// The request does not ask for a WebSocket.
    case none
    /// The fields of the 101 that opens it.
    case accepted(HTTPHeaders)
    /// It asks for one in a way that cannot be granted; the reason in words.
    case refused(String)

    /// - Parameter request: A request without a body; WebSockets over HTTP/2 (RFC 8441) are not offered.
    package init(_ request: HTTPRequest) {
        guard request.version == .http11, let upgrade = request.headers["Upgrade"],
            Self.lists(upgrade, "websocket"),
            request.headers.values("Connection").contains(where: { Self.lists($0, "upgrade") })
        else {
            self = .none
            return
        }
        guard request.method == .get, !request.hasBody else {
            self = .refused("a WebSocket is opened by GET without a body")
            return
        }
        guard request.headers["Sec-WebSocket-Version"] == "13" else {
            self = .refused("WebSockets are served in version 13 (Sec-WebSocket-Version)")
            return
        }
        let keys = request.headers.values("Sec-WebSocket-Key")
        guard keys.count == 1, Self.isKey(keys[0]) else {
            self = .refused("Sec-WebSocket-Key is not 16 bytes in base64")
            return
        }
        var headers: HTTPHeaders = ["Upgrade": "websocket"]
        headers.add("Sec-WebSocket-Accept", Self.accept(keys[0]))
        // One of the client's has to be named, where it names some (4.2.2); all of them carry the same frames.
        let offered = request.headers.values("Sec-WebSocket-Protocol").flatMap { $0.split(separator: ",") }
        if let first = offered.first.map(Self.trimmed), !first.isEmpty {
            headers.add("Sec-WebSocket-Protocol", String(first))
        }
        self = .accepted(headers)
    }

    /// The proof that the server has read the key: base64 of a SHA-1 (4.2.2).
    static func accept(_ key: String) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        EVP_Digest(text, text.count, &digest, nil, EVP_sha1(), nil)
        // 20 bytes are 28 characters and a NUL.
        var encoded = [UInt8](repeating: 0, count: 29)
        let count = EVP_EncodeBlock(&encoded, digest, Int32(digest.count))
        return String(decoding: encoded.prefix(Int(count)), as: UTF8.self)
    }

    private static func isKey(_ key: String) -> Bool {
        let bytes = Array(key.utf8)
        return bytes.count == 24 && bytes.suffix(2).elementsEqual("==".utf8)
            && bytes.dropLast(2).allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x2B || byte == 0x2F
            }
    }

    private static func lists(_ value: String, _ option: String) -> Bool {
        value.split(separator: ",").contains { trimmed($0).lowercased() == option }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
