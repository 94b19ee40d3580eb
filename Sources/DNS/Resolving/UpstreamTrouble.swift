package import NetworkTypes

/// Why a server that was asked did not answer as it should.
package struct UpstreamTrouble: Hashable, Sendable {
    package var server: SocketAddress
    package var transport: UpstreamTransport
    /// In words of ours or of a library; nothing that a server wrote.
    package var cause: String

    package init(server: SocketAddress, transport: UpstreamTransport, cause: String) {
        self.server = server
        self.transport = transport
        self.cause = cause
    }
}

/// Told about troubles, each when it is news. Called on any loop; must not wait.
package protocol UpstreamLog: Sendable {
    func record(_ trouble: UpstreamTrouble)
}

/// Which troubles are news: each cause of each server once, and again after an hour. Bounded; pure.
struct UpstreamTroubles: Sendable {
    static let limit = 64
    /// Seconds.
    static let pause: UInt32 = 3600

    /// When each was told, in seconds of a monotonic clock.
    private var told: [UpstreamTrouble: UInt32] = [:]

    mutating func isNews(_ trouble: UpstreamTrouble, now: UInt32) -> Bool {
        if let last = told[trouble], now &- last < Self.pause { return false }
        if told.count >= Self.limit { told = told.filter { now &- $0.value < Self.pause } }
        guard told.count < Self.limit else { return false }
        told[trouble] = now
        return true
    }

    /// Other servers from now on: all is news again.
    mutating func forget() { told = [:] }
}
