/// Response heads as bytes.
enum HTTP1ResponseEncoder {
    /// Appends a head. The fields that frame the message are written from `framing` and `keepsAlive` alone.
    static func append(
        status: Int, headers: HTTPHeaders, framing: HTTP1BodyFraming, keepsAlive: Bool, minorVersion: UInt8,
        date: (inout [UInt8]) -> Void, to output: inout [UInt8]
    ) {
        append("HTTP/1.1 ", to: &output)
        append(decimal: status, to: &output)
        output.append(0x20)
        append(text: HTTPResponse.reasonPhrase(status), to: &output)
        append("\r\n", to: &output)
        for field in headers where !isFraming(field.name) {
            append(text: field.name, to: &output)
            append(": ", to: &output)
            append(text: field.value, to: &output)
            append("\r\n", to: &output)
        }
        date(&output)
        switch framing {
        case .none, .untilClose: break
        case .length(let length):
            append("Content-Length: ", to: &output)
            append(decimal: length, to: &output)
            append("\r\n", to: &output)
        case .chunked: append("Transfer-Encoding: chunked\r\n", to: &output)
        }
        if !keepsAlive {
            append("Connection: close\r\n", to: &output)
        } else if minorVersion == 0 {
            append("Connection: keep-alive\r\n", to: &output)
        }
        append("\r\n", to: &output)
    }

    /// The head of an answer after which the connection speaks another protocol; `headers` name it in `Upgrade`.
    static func appendUpgrade(_ headers: HTTPHeaders, to output: inout [UInt8]) {
        append("HTTP/1.1 101 Switching Protocols\r\n", to: &output)
        for field in headers where !isFraming(field.name) {
            append(text: field.name, to: &output)
            append(": ", to: &output)
            append(text: field.value, to: &output)
            append("\r\n", to: &output)
        }
        append("Connection: Upgrade\r\n\r\n", to: &output)
    }

    static func append(_ text: StaticString, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    static func append(decimal value: Int, to output: inout [UInt8]) {
        if value >= 10 { append(decimal: value / 10, to: &output) }
        output.append(UInt8(truncatingIfNeeded: 0x30 + value % 10))
    }

    /// Text from a handler: a line end in it would let it forge further fields or a second response.
    static func append(text: String, to output: inout [UInt8]) {
        let start = output.count
        var text = text
        text.withUTF8 { output.append(contentsOf: $0) }
        for index in start..<output.count where output[index] < 0x20 && output[index] != 0x09 { output[index] = 0x20 }
    }

    private static func isFraming(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { bytes in
            switch HTTP1FieldKind.recognise(UnsafeRawBufferPointer(bytes)) {
            case .contentLength, .transferEncoding, .connection, .keepAlive, .date: true
            default: false
            }
        }
    }
}
