internal import NetworkTypes

/// Consistent hashing by highest random weight (Thaler and Ravishankar 1996): each endpoint draws a number for the key, and
/// the highest wins. What an endpoint that comes or goes wins or loses is its own share, and nothing else moves. Pure.
enum RendezvousHash {
    /// An endpoint's part of the draw: the same on every loop and node, and after a restart.
    static func seed(_ address: SocketAddress) -> UInt64 {
        mix(mix(address.ip.high &+ 0x9E37_79B9_7F4A_7C15) ^ address.ip.low) ^ mix(UInt64(address.port.rawValue) &+ 1)
    }

    @inline(__always)
    static func draw(seed: UInt64, key: UInt64) -> UInt64 { mix(seed ^ key) }

    /// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// How many requests an endpoint may have under way before those of a key go to the next one: a quarter more than its
    /// share (Mirrokni, Thorup and Zadimoghaddam 2016), and never fewer than 16: below that nobody is overloaded, and to
    /// move costs more than to wait.
    ///
    /// - Parameter total: requests of the upstream that are under way, with the one that is to be placed.
    static func bound(total: Int32, endpoints: Int32) -> Int32 {
        guard endpoints > 0 else { return 16 }
        let share = (Int64(max(0, total)) * 5 + Int64(endpoints) * 4 - 1) / (Int64(endpoints) * 4)
        return Int32(clamping: max(16, share))
    }
}
