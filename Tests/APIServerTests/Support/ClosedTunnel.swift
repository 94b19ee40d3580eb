@testable import APIServer

/// A tunnel to a client that has gone.
final class ClosedTunnel: TunnelStream {
    var pendingBytes: Int { 0 }

    func write(_ chunk: [UInt8]) {}
    func onRoom(below limit: Int, _ body: @escaping @Sendable () -> Void) { body() }
    func finish() {}
    func cancel() {}
    func onClose(_ handler: @escaping @Sendable () -> Void) { handler() }
    func holdInput() {}
    func admitInput() {}
    func refuseInput() {}
}
