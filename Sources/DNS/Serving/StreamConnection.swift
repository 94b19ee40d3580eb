import NetworkTypes
import Transport

/// One TCP connection of an asker (RFC 7766): queries come one behind the other, answers go as they are ready.
struct StreamConnection {
    /// The longest query taken.
    static let queryLimit = 4096
    /// Queries under way upstream for one connection, and bytes of answers that it has not taken, before no more is read.
    static let waitingLimit = 32
    static let unsentLimit = 256 * 1024

    let descriptor: Int32
    let registration: LoopRegistration
    let peer: SocketAddress
    var received: [UInt8] = []
    var unsent: [UInt8] = []
    var waiting = 0
    var lastProgress: MonotonicTime
    /// The asker sends no more.
    var isHalfClosed = false

    /// Too much is under way: the rest waits in the kernel, and so does the asker.
    var isFull: Bool { waiting >= Self.waitingLimit || unsent.count >= Self.unsentLimit }

    /// The next whole query, taken out; nil while there is none.
    ///
    /// - Returns: nil for the value where the connection has to end: a frame that is longer than any query.
    mutating func nextQuery() -> Next {
        guard received.count >= 2 else { return .incomplete }
        let length = Int(received.span.u16(at: 0))
        guard length <= Self.queryLimit, length >= MessageHeader.size else { return .hopeless }
        guard received.count >= 2 + length else { return .incomplete }
        let query = Array(received[2..<(2 + length)])
        received.removeFirst(2 + length)
        return .query(query)
    }

    enum Next {
        case query([UInt8])
        case incomplete
        case hopeless
    }
}
