package import NetworkTypes

/// Which node is preferred for an address: highest random weight, so that addresses spread evenly, every node computes the
/// same, and a node that goes moves no address but its own.
package enum Rendezvous {
    /// The same on every machine and in every process.
    package static func weight(_ node: String, _ address: IPAddress) -> UInt64 {
        // FNV-1a over the name, then mixed with the address (the finalizer of SplitMix64) so that neighbours scatter.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in node.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mixed(mixed(hash ^ address.high) ^ address.low)
    }

    /// In which of so many parts an address is kept.
    package static func part(of address: IPAddress, count: Int) -> Int {
        Int(mixed(mixed(address.high) ^ address.low) % UInt64(count))
    }

    /// Whether the first is preferred; names decide between equal weights.
    package static func prefers(_ first: String, to second: String, for address: IPAddress) -> Bool {
        let (left, right) = (weight(first, address), weight(second, address))
        return left == right ? first < second : left > right
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
