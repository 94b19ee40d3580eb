internal import Glibc
internal import Transport

/// Writes the head of an HTTP/2 request as the text of an HTTP/1.1 head (RFC 9113 section 8.3). Pure.
///
/// What an HTTP/1.1 recipient could be made to misread is not judged here: the text goes through the parser that the
/// bytes of a client go through, with the same limits. This only makes sure that every part is where it belongs: no
/// field or pseudo field can end its line (CR, LF and NUL refuse the request), the target is a path, the host is one.
struct HTTP2RequestText {
    /// 0, or the status to refuse the request with.
    private(set) var refusal: Int32 = 0
    /// `:protocol` of an extended CONNECT (RFC 8441) is `websocket`.
    private(set) var isWebSocket = false

    private var method: [UInt8] = []
    private var path: [UInt8] = []
    private var scheme: [UInt8] = []
    private var authority: [UInt8] = []
    private var host: [UInt8] = []
    private var cookie: [UInt8] = []
    private var fields: [UInt8] = []
    private var hasLength = false
    private var isConnect = false
    /// Of the field list, as RFC 9113 section 6.5.2 counts it.
    private var listBytes = 0
    private var limit = 0

    init() {}

    /// Begins another head.
    ///
    /// - Parameter limit: bytes of the field list; above it the request is refused with 431.
    mutating func begin(limit: Int) {
        self.limit = limit
        refusal = 0
        isWebSocket = false
        hasLength = false
        isConnect = false
        listBytes = 0
        method.removeAll(keepingCapacity: true)
        path.removeAll(keepingCapacity: true)
        scheme.removeAll(keepingCapacity: true)
        authority.removeAll(keepingCapacity: true)
        host.removeAll(keepingCapacity: true)
        cookie.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    private mutating func refuse(_ status: Int32) {
        if refusal == 0 { refusal = status }
    }

    /// Takes one field of the list.
    mutating func add(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        listBytes += name.count + value.count + 32
        if listBytes > limit { refuse(431) }
        guard refusal == 0 else { return }
        if value.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) || name.isEmpty { return refuse(400) }
        if name[0] == 0x3A { return addPseudo(name, value) }
        // Upper case, colons and blanks in a name are nobody's mistake (RFC 9113 section 8.2.1).
        if name.contains(where: { $0 <= 0x20 || $0 == 0x3A || $0 >= 0x7F || $0 &- 0x41 < 26 }) { return refuse(400) }
        switch HTTP1FieldKind.recognise(UnsafeRawBufferPointer(name)) {
        case .te: if !Self.equals(value, "trailers") { refuse(400) }
        case .host:
            if !host.isEmpty { return refuse(400) }
            host += value
        case .cookie:
            // RFC 9113 section 8.2.3: crumbs are one field to whoever does not know HTTP/2.
            if !cookie.isEmpty { cookie += [0x3B, 0x20] }
            cookie += value
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: refuse(400)
        // RFC 8441 section 5: it has no meaning there, and the upstream gets ours.
        case .other where isWebSocket && Self.equals(name, "sec-websocket-key"): break
        case let kind:
            if kind == .contentLength { hasLength = true }
            fields += name
            fields += [0x3A, 0x20]
            fields += value
            fields += [0x0D, 0x0A]
        }
    }

    private mutating func addPseudo(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        if value.isEmpty && !Self.equals(name, ":authority") { return refuse(400) }
        if Self.equals(name, ":method") {
            if !method.isEmpty { return refuse(400) }
            method += value
            isConnect = Self.equals(value, "CONNECT")
        } else if Self.equals(name, ":path") {
            if !path.isEmpty { return refuse(400) }
            path += value
        } else if Self.equals(name, ":authority") {
            if !authority.isEmpty { return refuse(400) }
            authority += value
        } else if Self.equals(name, ":scheme") {
            if !scheme.isEmpty { return refuse(400) }
            scheme += value
        } else if Self.equals(name, ":protocol") {
            isWebSocket = Self.equals(value, "websocket")
            if !isWebSocket { refuse(501) }
        } else {
            refuse(400)
        }
    }

    /// Adds the whole head to `text`.
    ///
    /// - Parameters:
    ///   - endsStream: no content follows. Content without a length is announced as chunked, and whoever passes it on has
    ///     to frame it so.
    ///   - key: of a WebSocket, for its handshake.
    /// - Returns: the status to refuse the request with (then nothing was added), or 0.
    mutating func finish(endsStream: Bool, key: WebSocketKey?, to text: inout [UInt8]) -> Int32 {
        if refusal != 0 { return refusal }
        if isConnect, !isWebSocket { return 405 }
        if method.isEmpty || scheme.isEmpty || isWebSocket && !isConnect { return 400 }
        // Absolute forms would bring an authority of their own.
        guard path.first == 0x2F || path == [0x2A] else { return 400 }
        if authority.isEmpty { swap(&authority, &host) }
        guard !authority.isEmpty, host.isEmpty || Self.isSame(authority, host) else { return 400 }
        let isHTTP = scheme.elementsEqual("http".utf8) || scheme.elementsEqual("https".utf8)
        if !isHTTP { return 400 }
        if isWebSocket, endsStream || hasLength || key == nil { return 400 }
        if isWebSocket { text += "GET".utf8 } else { text += method }
        text.append(0x20)
        text += path
        text += " HTTP/1.1\r\nhost: ".utf8
        text += authority
        text += [0x0D, 0x0A]
        text += fields
        if !cookie.isEmpty {
            text += "cookie: ".utf8
            text += cookie
            text += [0x0D, 0x0A]
        }
        if isWebSocket {
            text += "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ".utf8
            text += key?.text ?? []
            text += [0x0D, 0x0A]
        } else if !endsStream, !hasLength {
            text += "transfer-encoding: chunked\r\n".utf8
        }
        text += [0x0D, 0x0A]
        return 0
    }

    /// Whether two hosts are one, without regard to case.
    private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
    }

    private static func equals(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
        return memcmp(base, text.utf8Start, bytes.count) == 0
    }
}
