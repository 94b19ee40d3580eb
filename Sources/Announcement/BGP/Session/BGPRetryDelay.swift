/// How long a session waits before it dials again: longer with each failure in a row, so that a peer which refuses us is
/// not pestered (RFC 4271, section 8.1.1, DampPeerOscillations), and with jitter (section 10).
struct BGPRetryDelay: Sendable {
    private var failures = 0
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(state: seed) }

    /// The session has stood for long enough to be called healthy.
    mutating func succeed() { failures = 0 }

    /// Another failure. `fixed` is the wait that was asked for between tries to connect.
    mutating func next(afterRefusal isRefusal: Bool, fixed: UInt16?) -> Duration {
        failures += 1
        let doubled = Duration.seconds(1 << min(failures - 1, 7))
        let delay: Duration =
            if isRefusal { min(doubled, .seconds(120)) } else if let fixed { .seconds(Int(fixed)) } else {
                min(doubled, .seconds(30))
            }
        return jittered(delay)
    }

    /// Between three quarters of it and all of it.
    mutating func jittered(_ duration: Duration) -> Duration {
        duration * Int(750 + random.next() % 251) / 1000
    }

    /// Vigna's SplitMix64: spreads, and is no secret.
    private struct SplitMix64: Sendable {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }
}
