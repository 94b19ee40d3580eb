/// The hash that Linux computes as `jhash` (Bob Jenkins' lookup3, 2006, in the public domain), so that user space comes to
/// the same choice as rules of nftables.
enum JenkinsHash {
    /// - Parameters:
    ///   - bytes: a multiple of four of them, as addresses have.
    static func hash(_ bytes: [UInt8], seed: UInt32) -> UInt32 {
        precondition(bytes.count & 3 == 0, "whole words")
        var state = State(0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count) &+ seed)
        var words = stride(from: 0, to: bytes.count, by: 4).map { start in
            bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: UInt32.self) }
        }[...]
        while words.count > 3 {
            state.add(words.prefix(3))
            state.mix()
            words = words.dropFirst(3)
        }
        guard !words.isEmpty else { return state.c }
        state.add(words)
        state.finish()
        return state.c
    }

    private struct State {
        var a, b, c: UInt32

        init(_ start: UInt32) { (a, b, c) = (start, start, start) }

        /// Up to three words.
        mutating func add(_ words: ArraySlice<UInt32>) {
            for (index, word) in words.enumerated() {
                switch index {
                case 0: a &+= word
                case 1: b &+= word
                default: c &+= word
                }
            }
        }

        mutating func mix() {
            Self.step(&a, &b, &c, 4)
            Self.step(&b, &c, &a, 6)
            Self.step(&c, &a, &b, 8)
            Self.step(&a, &b, &c, 16)
            Self.step(&b, &c, &a, 19)
            Self.step(&c, &a, &b, 4)
        }

        private static func step(_ x: inout UInt32, _ y: inout UInt32, _ z: inout UInt32, _ bits: UInt32) {
            x &-= z
            x ^= rotated(z, bits)
            z &+= y
        }

        mutating func finish() {
            Self.fold(&c, b, 14)
            Self.fold(&a, c, 11)
            Self.fold(&b, a, 25)
            Self.fold(&c, b, 16)
            Self.fold(&a, c, 4)
            Self.fold(&b, a, 14)
            Self.fold(&c, b, 24)
        }

        private static func fold(_ x: inout UInt32, _ y: UInt32, _ bits: UInt32) {
            x ^= y
            x &-= rotated(y, bits)
        }

        private static func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
    }
}
