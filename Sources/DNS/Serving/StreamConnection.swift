import NetworkTypes
import Transport

/// One TCP connection of an asker (RFC 7766): queries come one behind the other, answers go as they are ready. Used on its
/// loop only.
final class StreamConnection {
    /// The longest query taken.
    static let queryLimit = 4096
    /// Queries under way upstream for one connection, and bytes of answers that it has not taken, before no more is read.
    static let waitingLimit = 32
    static let unsentLimit = 256 * 1024

    let descriptor: Int32
    let registration: LoopRegistration
    let peer: SocketAddress
    /// Somebody who is not answered: refused once, then closed.
    let isStranger: Bool
    var received = FrameReader(lengths: MessageHeader.size...queryLimit)
    var unsent = SendBuffer()
    var waiting = 0
    /// When a whole query came or answers were taken.
    var lastProgress: MonotonicTime
    /// The asker sends no more.
    var isHalfClosed = false
    /// A stranger has been told.
    var isRefused = false
    /// Reading stopped because too much was under way; it goes on when there is less.
    var isHeldBack = false
    var isEnded = false
    /// A whole query came since this was last looked at.
    var wasUsed = false

    init(
        descriptor: Int32, registration: LoopRegistration, peer: SocketAddress, isStranger: Bool,
        lastProgress: MonotonicTime
    ) {
        self.descriptor = descriptor
        self.registration = registration
        self.peer = peer
        self.isStranger = isStranger
        self.lastProgress = lastProgress
    }

    /// Too much is under way: the rest waits in the kernel, and so does the asker.
    var isFull: Bool { waiting >= Self.waitingLimit || unsent.count >= Self.unsentLimit }

    /// Nothing is to be read, answered or sent any more.
    var isDone: Bool { (isHalfClosed && !isHeldBack || isRefused) && waiting == 0 && unsent.isEmpty }
}
