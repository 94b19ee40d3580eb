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

    /// Room that ``write(_:_:framing:connection:date:to:)`` needs at most beyond the head's own length.
    static func growth(_ head: UnsafePointer<HTTP1ResponseHead>) -> Int {
        // A line that ended in a bare LF gets its CR.
        let lines = head.pointee.fields.needsNewLines ? head.pointee.fields.count + 2 : 0
        return 96 + 8 + DateText.count + lines
    }

    /// Writes the response head for the client; returns its length.
    ///
    /// - Parameters:
    ///   - date: of now.
    ///   - added: lines that go with it, see ``AddedFields``.
    static func write(
        _ head: UnsafePointer<HTTP1ResponseHead>, _ bytes: UnsafePointer<UInt8>, framing: Framing,
        connection: Connection, date: DateText, added: UnsafeMutableBufferPointer<UInt8>? = nil,
        to destination: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var out = ByteCursor(destination)
        let count = head.pointee.fields.count
        let writesLines = head.pointee.fields.needsNewLines
        out.put("HTTP/1.1")
        // Status and reason as they came; the version (8 bytes) is ours.
        out.put(bytes + 8, head.pointee.reason.range.upperBound - 8)
        out.put("\r\n")
        var nominated = NominatedFields()
        for index in 0..<count where head.pointee.fields[index].kind == .connection {
            // Beyond its capacity the rest of a list passes: the upstream is ours, unlike a client.
            _ = nominated.read(head.pointee.fields[index].value, bytes)
        }
        var runStart = -1
        var hasDate = false
        for index in 0..<count {
            let field = head.pointee.fields[index]
            let passes: Bool
            switch field.kind {
            case .date:
                passes = true
                hasDate = true
            case .connection, .keepAlive, .proxyConnection: passes = false
            case .transferEncoding:
                // What the body is coded with, where that is not only how it is framed; see `framing` below.
                passes = head.pointee.fields.isCoded && framing != .untilClose
            case .contentLength:
                passes = framing == .asIs && head.pointee.status >= 200 && head.pointee.status != 204
            case .upgrade: passes = connection == .upgrade
            default: passes = !nominated.contains(field.name, bytes) && !isReplaced(field, bytes, added)
            }
            let start = Int(field.name.start)
            if passes, !writesLines {
                if runStart < 0 { runStart = start }
                continue
            }
            if runStart >= 0 {
                out.put(bytes + runStart, start - runStart)
                runStart = -1
            }
            if passes {
                out.put(bytes + start, field.value.range.upperBound - start)
                out.put("\r\n")
            }
        }
        if runStart >= 0 { out.put(bytes + runStart, head.pointee.byteCount - 2 - runStart) }
        // RFC 9110 section 6.6.1: a recipient with a clock adds it where a final response lacks it.
        if !hasDate, head.pointee.status >= 200 { date.write(to: &out) }
        if let added, let lines = added.baseAddress { out.put(lines, added.count) }
        if framing == .chunked, !(head.pointee.fields.isCoded && head.pointee.fields.isChunked) {
            // Behind the codings that have passed: fields of one name make one list.
            out.put("Transfer-Encoding: chunked\r\n")
        }
        switch connection {
        case .implied: break
        case .close: out.put("Connection: close\r\n")
        case .keepAlive: out.put("Connection: keep-alive\r\n")
        case .upgrade: out.put("Connection: upgrade\r\n")
        }
        out.put("\r\n")
        return out.position - destination
    }

    @inline(__always)
    private static func isReplaced(
        _ field: HTTP1Field, _ bytes: UnsafePointer<UInt8>, _ added: UnsafeMutableBufferPointer<UInt8>?
    ) -> Bool {
        guard let added else { return false }
        return AddedFields.replace(bytes + Int(field.name.start), Int(field.name.count), added)
    }
}
