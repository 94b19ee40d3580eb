internal import Glibc

/// When a TCP connection whose peer says nothing, not even an acknowledgement, counts as broken: the peer's machine
/// is down, or a firewall drops the packets. Without it the kernel keeps such a connection for ever while it is idle (RFC
/// 9293, 3.8.4), and for a quarter of an hour while bytes are under way.
///
/// The loop then sees ``ReadyEvents/failed`` and ``Socket/pendingError(_:)`` ETIMEDOUT.
package struct ConnectionLiveness: Sendable, Hashable {
    /// A connection that was idle for so long is probed (`TCP_KEEPIDLE`). Whole seconds, at least 1.
    package var idle: Duration
    /// Between probes (`TCP_KEEPINTVL`). Whole seconds, at least 1.
    package var interval: Duration
    /// Unanswered probes that break the connection (`TCP_KEEPCNT`). At least 1.
    package var probes: Int
    /// Bytes that stay unacknowledged, or unsent because the peer takes none, for so long break the connection
    /// (`TCP_USER_TIMEOUT`, RFC 5482). It ends the probes too: not shorter than `idle + interval * probes`.
    package var unacknowledged: Duration

    package init(idle: Duration, interval: Duration, probes: Int, unacknowledged: Duration) {
        self.idle = idle
        self.interval = interval
        self.probes = probes
        self.unacknowledged = unacknowledged
    }

    /// For a client that waits for its server: a dead one is noticed within half a minute.
    package static let client = ConnectionLiveness(
        idle: .seconds(15), interval: .seconds(5), probes: 3, unacknowledged: .seconds(30))
    /// For a server's clients and a proxy's upstreams: within a minute.
    package static let server = ConnectionLiveness(
        idle: .seconds(30), interval: .seconds(10), probes: 3, unacknowledged: .seconds(60))
    /// For bytes passed on without knowing what they mean: a reader may pause for minutes.
    package static let relay = ConnectionLiveness(
        idle: .seconds(60), interval: .seconds(15), probes: 4, unacknowledged: .seconds(300))

    /// Applies it to a TCP socket; connections inherit it from their listener. Best effort: a socket of another family is
    /// left as it is (its peer's end is noticed at once), and a kernel without an option has the connection all the same.
    package func apply(to descriptor: Int32) {
        let tcp = Int32(IPPROTO_TCP)
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(descriptor, tcp, TCP_KEEPIDLE, Self.seconds(idle))
        set(descriptor, tcp, TCP_KEEPINTVL, Self.seconds(interval))
        set(descriptor, tcp, TCP_KEEPCNT, Int32(clamping: max(1, probes)))
        set(descriptor, tcp, TCP_USER_TIMEOUT, Int32(clamping: unacknowledged.wholeNanoseconds / 1_000_000))
    }

    private func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func seconds(_ duration: Duration) -> Int32 {
        Int32(clamping: max(1, duration.components.seconds))
    }
}
