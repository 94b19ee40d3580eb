internal import Transport

/// How a parsed response head is rewritten for the client. Pure.
enum ResponseHead {
    /// How the client is told about the body's end.
    enum Framing: UInt8 {
        /// The upstream's `Content-Length` stays, or there is no body.
        case asIs
        case chunked
        case untilClose
    }

    enum Connection: UInt8 { case implied, close, keepAlive, upgrade }

    /// Room that ``write(_:_:framing:connection:to:)`` needs beyond the head's own length.
    static var growth: Int { 96 }

    /// Writes the response head for the client; returns its length.
    static func write(
        _ head: UnsafePointer<HTTP1ResponseHead>, _ bytes: UnsafePointer<UInt8>, framing: Framing,
        connection: Connection, to destination: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var out = ByteCursor(destination)
        let count = head.pointee.fields.count
        let end = head.pointee.byteCount - 2
        out.put("HTTP/1.1")
        // Status and reason as they came; the version (8 bytes) is ours.
        let firstField = count > 0 ? Int(head.pointee.fields[0].name.start) : end
        out.put(bytes + 8, firstField - 8)
        var nominated = NominatedFields()
        for index in 0..<count where head.pointee.fields[index].kind == .connection {
            // Beyond its capacity the rest of a list passes: the upstream is ours, unlike a client.
            _ = nominated.read(head.pointee.fields[index].value, bytes)
        }
        var runStart = -1
        for index in 0..<count {
            let field = head.pointee.fields[index]
            let passes: Bool
            switch field.kind {
            case .connection, .transferEncoding, .keepAlive, .proxyConnection, .trailer: passes = false
            case .contentLength:
                passes = framing == .asIs && head.pointee.status >= 200 && head.pointee.status != 204
            case .upgrade: passes = connection == .upgrade
            default: passes = !nominated.contains(field.name, bytes)
            }
            let start = Int(field.name.start)
            if passes {
                if runStart < 0 { runStart = start }
            } else if runStart >= 0 {
                out.put(bytes + runStart, start - runStart)
                runStart = -1
            }
        }
        if runStart >= 0 { out.put(bytes + runStart, end - runStart) }
        if framing == .chunked { out.put("Transfer-Encoding: chunked\r\n") }
        switch connection {
        case .implied: break
        case .close: out.put("Connection: close\r\n")
        case .keepAlive: out.put("Connection: keep-alive\r\n")
        case .upgrade: out.put("Connection: upgrade\r\n")
        }
        out.put("\r\n")
        return out.position - destination
    }
}
