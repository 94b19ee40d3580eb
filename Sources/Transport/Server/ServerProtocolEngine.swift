/// The protocol on one server connection: HTTP/1 or HTTP/2. Everything runs on the connection's loop. An engine puts
/// bytes into ``ServerConnection/output`` and never touches the socket.
protocol ServerProtocolEngine: AnyObject {
    /// Bytes from the peer; they are gone when this returns.
    func receive(_ bytes: UnsafeRawBufferPointer)
    /// The peer will send nothing more.
    func peerClosed()
    /// The connection is gone: tell everyone who waits.
    func connectionClosed()
    /// The output was sent: add more if there is more, up to about 64 KiB.
    func produce()
    /// No new requests; end streams; close when the running requests are answered.
    func beginDrain()
    /// Called about once a second: ends what waited too long within the connection.
    func checkTimeouts(at now: MonotonicTime)
    /// Whether the engine wants no more bytes for now (it calls ``ServerConnection/resumeReading()`` later).
    var isReadPaused: Bool { get }
    /// What the connection is waiting for, which decides how long it may.
    var waiting: ServerWait { get }
}

enum ServerWait {
    /// Between requests.
    case idle
    /// A request head has begun, or a body is skipped that nobody wants.
    case head
    /// The handler has the request or waits for its body, or a stream has nothing to send.
    case application
    /// The peers of a tunnel, which set its pace.
    case tunnel
}
