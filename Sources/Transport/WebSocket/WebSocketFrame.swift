/// Frames of a WebSocket as a server sends them: whole and without a mask (RFC 6455, 5.2).
package enum WebSocketFrame {
    package enum Opcode: UInt8, Sendable {
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10
    }

    /// Appends one frame.
    package static func append(_ opcode: Opcode, _ payload: some Collection<UInt8>, to output: inout [UInt8]) {
        output.append(0x80 | opcode.rawValue)
        let count = payload.count
        if count < 126 {
            output.append(UInt8(count))
        } else if count <= 0xFFFF {
            output.append(126)
            output.append(UInt8(count >> 8))
            output.append(UInt8(count & 0xFF))
        } else {
            output.append(127)
            for shift in stride(from: 56, through: 0, by: -8) { output.append(UInt8(count >> shift & 0xFF)) }
        }
        output.append(contentsOf: payload)
    }

    /// A close frame with a status code (7.4): 1000 for a proper end, 1002 for a violation of the protocol.
    package static func close(_ code: UInt16) -> [UInt8] {
        var output: [UInt8] = []
        append(.close, [UInt8(code >> 8), UInt8(code & 0xFF)], to: &output)
        return output
    }
}
