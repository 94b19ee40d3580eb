/// Messages behind their lengths, told apart by id (RFC 7858, 3.3).
final class LengthFraming: SecuredFraming {
    /// Messages under way, forgotten ones included: their answers may come still.
    private static let limit = 256

    private var received = FrameReader(lengths: MessageHeader.size...65_535)
    private var unsent: [UInt8] = []
    /// By id; nil for one that nobody waits for any more.
    private var waiting: [UInt16: UInt64?] = [:]
    private var ids: [UInt64: UInt16] = [:]

    var attempts: [UInt64] { waiting.values.compactMap { $0 } }
    var isIdle: Bool { waiting.isEmpty }

    func send(_ attempt: UInt64, _ message: [UInt8]) -> Bool {
        let id = message.span.u16(at: 0)
        guard waiting.count < Self.limit, !waiting.keys.contains(id) else { return false }
        waiting.updateValue(attempt, forKey: id)
        ids[attempt] = id
        unsent.append(bigEndian: UInt16(message.count))
        unsent += message
        return true
    }

    func forget(_ attempt: UInt64) {
        guard let id = ids.removeValue(forKey: attempt) else { return }
        waiting[id] = .some(nil)
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> [SecuredEvent]? {
        received.append(bytes)
        var events: [SecuredEvent] = []
        while true {
            switch received.next() {
            case .incomplete: return events
            case .hopeless: return nil
            case .frame(let message):
                // An answer to nothing.
                guard let attempt = waiting.removeValue(forKey: message.span.u16(at: 0)) else { return nil }
                guard let attempt else { continue }
                ids[attempt] = nil
                events.append(.message(attempt, message))
            }
        }
    }

    func takeOutput() -> [UInt8] {
        defer { unsent = [] }
        return unsent
    }
}
