package import NetworkTypes

/// Which endpoint each of a fixed number of slots leads to, where a client's address decides: the same on every node that
/// has the same endpoints, whatever happened before, and with few moves when one comes or goes. Pure.
///
/// Each slot goes to the endpoint that scores highest in it (rendezvous hashing, Thaler and Ravishankar 1996): one that
/// goes leaves its own slots to others, one that comes takes its share from each, and no other slot moves.
package enum HashSlots {
    /// A prime well above common numbers of endpoints: shares differ by a fifth or so with ten.
    static let count = 509
    /// Never changes: nodes of all versions have to agree.
    static let seed: UInt32 = 0x6D72_746C

    /// The slot of a client, as the kernel computes it for the rules of `TrafficChain.hash`.
    static func slot(of client: IPAddress) -> Int {
        Int((UInt64(JenkinsHash.hash(Array(client.bytes), seed: seed)) * UInt64(count)) >> 32)
    }

    /// The endpoint that a client gets of these, on every node.
    package static func endpoint(for client: IPAddress, of endpoints: [SocketAddress]) -> SocketAddress? {
        endpoints.isEmpty ? nil : fill(endpoints)[slot(of: client)]
    }

    /// - Parameter endpoints: at least one; in any order.
    static func fill(_ endpoints: [SocketAddress]) -> [SocketAddress] {
        let seeds = endpoints.map { endpoint in
            var seed: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in endpoint.ip.bytes + [UInt8(endpoint.port.rawValue >> 8), UInt8(endpoint.port.rawValue & 255)] {
                seed = (seed ^ UInt64(byte)) &* 0x100_0000_01B3
            }
            return mixed(seed)
        }
        return (0..<UInt64(count)).map { slot in
            var (best, score) = (0, UInt64.min)
            let salt = mixed(slot &+ 1)
            for (index, seed) in seeds.enumerated() {
                let own = mixed(seed ^ salt)
                // Equal scores, which are as good as impossible, must not depend on the order.
                if own > score || (own == score && endpoints[index] < endpoints[best]) { (best, score) = (index, own) }
            }
            return endpoints[best]
        }
    }

    /// Each bit of the result depends on each of the number's (the finalizer of SplitMix64, Steele et al. 2014).
    private static func mixed(_ number: UInt64) -> UInt64 {
        var value = (number ^ number >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
