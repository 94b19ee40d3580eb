/// placeholder
final class HTTP2ServerEngine: ServerProtocolEngine, @unchecked Sendable {
    init(connection: ServerConnection) {}
    func receive(_ bytes: UnsafeRawBufferPointer) {}
    func peerClosed() {}
    func connectionClosed() {}
    func produce() {}
    func beginDrain() {}
    var isReadPaused: Bool { false }
    var waiting: ServerWait { .idle }
}
