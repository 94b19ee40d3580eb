internal import Glibc

/// When a TCP connection whose peer says nothing, not even an acknowledgement, counts as broken: the peer's machine
/// is down, or a firewall drops the packets. Without it such a connection stays for ever (RFC 9293, 3.8.4).
package struct ConnectionLiveness: Sendable, Hashable {
    /// A connection that was idle for so long is probed (`TCP_KEEPIDLE`). Whole seconds, at least 1.
    package var idle: Duration
    /// Between probes (`TCP_KEEPINTVL`). Whole seconds, at least 1.
    package var interval: Duration
    /// Unanswered probes that break the connection (`TCP_KEEPCNT`).
    package var probes: Int
    /// Bytes that stay unacknowledged for so long break the connection (`TCP_USER_TIMEOUT`, RFC 5482).
    package var unacknowledged: Duration

    /// By default a dead peer is noticed within half a minute.
    package init(
        idle: Duration = .seconds(15), interval: Duration = .seconds(5), probes: Int = 3,
        unacknowledged: Duration = .seconds(30)
    ) {
        self.idle = idle
        self.interval = interval
        self.probes = probes
        self.unacknowledged = unacknowledged
    }

    /// Applies it to a TCP socket. Sockets of other families are left alone: their peer's end is noticed at once.
    package func apply(to descriptor: Int32) {
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, Self.seconds(idle))
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, Self.seconds(interval))
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, Int32(clamping: max(1, probes)))
        set(
            descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT,
            Int32(clamping: unacknowledged.wholeNanoseconds / 1_000_000))
    }

    /// Refusals are not errors: only TCP knows these options, and a connection without them still works.
    private func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func seconds(_ duration: Duration) -> Int32 {
        Int32(clamping: max(1, duration.components.seconds))
    }
}
