internal import NetworkTypes
internal import Transport

/// What clients have asked for, counted by ``ClientLimits`` for all loops. It outlives configurations.
///
/// `Sendable`: both tables may be used by several threads at once.
final class ClientBooks: Sendable {
    // 2 MiB each, of which the kernel gives what is touched.
    private let rates = RateTable(capacity: 1 << 18)
    /// Of 65,536 clients with requests under way, one in 900 finds no place: hardly a process has so many connections.
    private let concurrency = ConcurrencyTable(capacity: 1 << 18)
    /// Who does not know it cannot choose addresses that share a place.
    private let seed = UInt64.random(in: .min ... .max)

    enum Verdict {
        case refused
        /// The place is told when the request has ended; -1 for none.
        case admitted(place: Int32)
    }

    /// Takes one request of a client.
    ///
    /// - Parameter now: nanoseconds of a clock that all loops have.
    func admit(_ address: IPAddress, _ limits: ClientLimits, now: UInt64) -> Verdict {
        if limits.exempt.contains(address) { return .admitted(place: -1) }
        let client = Self.mix(limits.key ^ seed, PeerKey(address).number)
        var place: Int32 = -1
        if let most = limits.requests {
            guard let entered = concurrency.enter(client, most: most) else { return .refused }
            place = entered
        }
        for (index, rate) in limits.rates.enumerated()
        where !rates.admits(Self.mix(client, UInt64(index + 1)), rate, now: now) {
            leave(place)
            return .refused
        }
        return .admitted(place: place)
    }

    /// The request at a place has ended.
    func leave(_ place: Int32) {
        if place >= 0 { concurrency.leave(place) }
    }

    /// The finaliser of SplitMix64 over both.
    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        var value = left &+ right &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
