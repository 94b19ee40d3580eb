/// How messages to one server share one TLS connection: bytes and attempts in, bytes and answers out, no socket.
protocol SecuredFraming: AnyObject {
    /// Attempts without an answer, forgotten ones left out.
    var attempts: [UInt64] { get }
    /// Nothing is under way, not even what was forgotten.
    var isIdle: Bool { get }

    /// Sends a message.
    ///
    /// - Returns: false where it must go over another connection, since this one is full, about to end, or has its id.
    func send(_ attempt: UInt64, _ message: [UInt8]) -> Bool

    /// Nobody waits for an attempt any more.
    func forget(_ attempt: UInt64)

    /// - Returns: what came of attempts; nil where the stream means nothing any more.
    func receive(_ bytes: UnsafeRawBufferPointer) -> [SecuredEvent]?

    /// The bytes that are to be sent.
    func takeOutput() -> [UInt8]
}

enum SecuredEvent {
    case message(UInt64, [UInt8])
    /// There will be no answer, and why.
    case failure(UInt64, String)
}
