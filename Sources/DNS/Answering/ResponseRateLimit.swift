package import NetworkTypes

/// How many answers a network gets a second over UDP, where anybody may have written the source address.
///
/// One bucket for each network (an IPv4 /24, an IPv6 /56) in a table of fixed size; two that share a place share the
/// rate. Of the answers above the rate every second one is cut short, which sends honest askers to TCP, and the others are
/// left out. Pure; times are given.
package struct ResponseRateLimit: Sendable {
    package enum Decision: Hashable, Sendable {
        case answer
        /// With TC and without records.
        case answerShort
        case drop
    }

    private struct Bucket: Sendable {
        var second: UInt32 = 0
        var answers: UInt32 = 0
    }

    /// Answers a second for each network; 0 for no limit.
    package var rate: UInt32
    private var buckets: [Bucket]
    private let seed: UInt64

    package init(rate: UInt32 = 100, places: Int = 4096, seed: UInt64 = .random(in: 0 ... .max)) {
        self.rate = rate
        buckets = Array(repeating: Bucket(), count: max(1, places))
        self.seed = seed
    }

    package mutating func decide(_ ip: IPAddress, now: UInt32) -> Decision {
        guard rate > 0 else { return .answer }
        let network = ip.family == .v4 ? ip.low >> 8 : ip.high >> 8 | 1 << 63
        let place = Int(KeyedHash.hash(network, seed: seed) % UInt64(buckets.count))
        if buckets[place].second != now { buckets[place] = Bucket(second: now) }
        buckets[place].answers &+= 1
        let above = Int64(buckets[place].answers) - Int64(rate)
        if above <= 0 { return .answer }
        return above % 2 == 0 ? .answerShort : .drop
    }
}
