/// What requests tell of an endpoint's health, and whether it is left out for a while because of that. Pure; times are
/// nanoseconds of the loop's clock.
struct EndpointHealth: BitwiseCopyable {
    /// Failures since the last success.
    private(set) var failures: Int32 = 0
    /// How many times it was ejected without having been well for as long as it was out.
    private(set) var ejections: Int32 = 0
    /// It gets no requests before.
    private(set) var ejectedUntil: UInt64 = 0
    private var length: UInt64 = 0

    init() {}

    func isEjected(_ now: UInt64) -> Bool { now < ejectedUntil }

    /// It has answered: it is well, also when it was asked for want of others.
    @inline(__always)
    mutating func succeed(_ now: UInt64) {
        if failures != 0 || ejections != 0 { recover(now) }
    }

    private mutating func recover(_ now: UInt64) {
        failures = 0
        if isEjected(now) { ejectedUntil = now }
        if now >= ejectedUntil + length { ejections = 0 }
    }

    /// It has failed a request.
    ///
    /// - Returns: whether that is once too often.
    mutating func fail(_ policy: EjectionPolicy, now: UInt64) -> Bool {
        failures = min(failures, Int32.max - 1) + 1
        return policy.failures > 0 && failures >= policy.failures && !isEjected(now)
    }

    /// Leaves it out, each time in a row twice as long as the last. Once back, the first failure ejects it again.
    mutating func eject(_ policy: EjectionPolicy, now: UInt64) {
        length = policy.length(times: ejections)
        ejections = min(ejections, 62) + 1
        ejectedUntil = now + length
        failures = max(0, policy.failures - 1)
    }
}
