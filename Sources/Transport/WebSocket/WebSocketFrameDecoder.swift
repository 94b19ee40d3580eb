/// Reads the frames of a client from which a server wants no data: control frames come out, messages are skipped
/// whatever their length (RFC 6455, 5). Pure; holds at most a frame's head and 125 bytes.
package struct WebSocketFrameDecoder: Sendable {
    package enum Event: Sendable, Hashable {
        case ping([UInt8])
        case close
        /// The client breaks the protocol: close with 1002. Nothing follows.
        case violation
    }

    private enum State: Sendable {
        case head
        case payload(opcode: UInt8, remaining: UInt64)
        case ended
    }

    private var state = State.head
    private var head: [UInt8] = []
    private var mask: [UInt8] = []
    private var payload: [UInt8] = []

    package init() {}

    /// What these bytes, behind all before them, amount to.
    package mutating func events(in bytes: [UInt8]) -> [Event] {
        var events: [Event] = []
        var rest = bytes[...]
        while let byte = rest.first {
            switch state {
            case .ended: return events
            case .head:
                rest.removeFirst()
                head.append(byte)
                switch parseHead() {
                case nil: break
                case false?: end(.violation, &events)
                case true?: finishIfComplete(&events)
                }
            case .payload(let opcode, let remaining):
                let count = Int(min(remaining, UInt64(rest.count)))
                if opcode >= 8 {
                    for byte in rest.prefix(count) { payload.append(byte ^ mask[payload.count & 3]) }
                }
                rest.removeFirst(count)
                state = .payload(opcode: opcode, remaining: remaining - UInt64(count))
                finishIfComplete(&events)
            }
        }
        return events
    }

    /// nil when the head is not complete; whether it is acceptable.
    private mutating func parseHead() -> Bool? {
        guard head.count >= 2 else { return head[0] & 0x70 == 0 ? nil : false }
        let opcode = head[0] & 0x0F
        let length = head[1] & 0x7F
        // Every frame of a client has a mask (5.1); control frames are short and whole (5.5).
        guard head[1] & 0x80 != 0, opcode <= 2 || (8...10).contains(opcode) else { return false }
        guard opcode < 8 || length <= 125 && head[0] & 0x80 != 0 else { return false }
        let extended = length == 126 ? 2 : length == 127 ? 8 : 0
        guard head.count == 2 + extended + 4 else { return nil }
        var count = UInt64(length)
        if extended > 0 { count = head[2..<2 + extended].reduce(0) { $0 << 8 | UInt64($1) } }
        guard count >> 63 == 0 else { return false }
        mask = Array(head.suffix(4))
        head = []
        payload = []
        state = .payload(opcode: opcode, remaining: count)
        return true
    }

    private mutating func finishIfComplete(_ events: inout [Event]) {
        guard case .payload(let opcode, 0) = state else { return }
        state = .head
        switch opcode {
        case 8: end(.close, &events)
        case 9: events.append(.ping(payload))
        default: break
        }
    }

    private mutating func end(_ event: Event, _ events: inout [Event]) {
        state = .ended
        events.append(event)
    }
}
