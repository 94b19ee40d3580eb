internal import Glibc

/// When a TCP connection whose peer fell silent is given up.
///
/// Without this the kernel keeps an idle connection to a machine that vanished for ever, and one with bytes under way
/// for a quarter of an hour.
package struct TCPLiveness: Sendable, Hashable {
    /// Idle time until the kernel asks the peer whether it is still there (TCP_KEEPIDLE), whole seconds.
    package var idle: Duration
    /// Time between questions without an answer (TCP_KEEPINTVL), whole seconds.
    package var interval: Duration
    /// Unanswered questions until the connection breaks (TCP_KEEPCNT).
    package var probes: Int32
    /// How long sent bytes may stay unacknowledged, or bytes unsent because the peer takes none (TCP_USER_TIMEOUT, RFC
    /// 5482). It ends the questions too: it must not be shorter than `idle + interval * probes`.
    package var userTimeout: Duration

    package init(idle: Duration, interval: Duration, probes: Int32, userTimeout: Duration) {
        self.idle = idle
        self.interval = interval
        self.probes = probes
        self.userTimeout = userTimeout
    }

    /// For bytes passed on without knowing what they mean: a reader may pause for minutes.
    package static let relay = TCPLiveness(
        idle: .seconds(60), interval: .seconds(15), probes: 4, userTimeout: .seconds(300))
}

extension Socket {
    /// Has the kernel break the connection when its peer is gone; the loop then sees ``ReadyEvents/failed`` and
    /// ``pendingError(_:)`` ETIMEDOUT. Best effort: a socket that is no TCP connection is left as it is.
    package static func watchLiveness(_ descriptor: Int32, _ liveness: TCPLiveness) {
        func set(_ level: Int32, _ option: Int32, _ value: Int32) {
            var value = value
            _ = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
        let tcp = Int32(IPPROTO_TCP)
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(tcp, TCP_KEEPIDLE, Int32(clamping: liveness.idle.components.seconds))
        set(tcp, TCP_KEEPINTVL, Int32(clamping: liveness.interval.components.seconds))
        set(tcp, TCP_KEEPCNT, liveness.probes)
        set(tcp, TCP_USER_TIMEOUT, Int32(clamping: liveness.userTimeout.wholeNanoseconds / 1_000_000))
    }
}
