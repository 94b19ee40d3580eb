/// FNV-1a, stepwise: the hash of a prefix is a by-product of walking the whole. The tables hold configured names only,
/// so a client can provoke collisions but not lengthen a chain.
enum PathHash {
    static var seed: UInt64 { 0xCBF2_9CE4_8422_2325 }
    /// Wildcard suffixes live in the same table as exact names.
    static var wildcardSeed: UInt64 { step(seed, 0x2A) }

    @inline(__always)
    static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }

    @inline(__always)
    static func route(_ host: Int32, isExact: Bool) -> UInt64 {
        (seed ^ (UInt64(UInt32(bitPattern: host)) << 1 | (isExact ? 1 : 0))) &* 0x9E37_79B9_7F4A_7C15
    }

    @inline(__always)
    static func slot(_ hash: UInt64, _ mask: Int) -> Int {
        Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
    }

    /// Whether `name`, lowercased, is the `count` bytes of `lowercased`.
    static func equalsLowercased(
        _ lowercased: UnsafePointer<UInt8>, _ name: UnsafePointer<UInt8>, _ count: Int
    ) -> Bool {
        for index in 0..<count where lowercased[index] != name[index].asciiLowercased { return false }
        return true
    }
}
