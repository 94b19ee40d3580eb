import KubeModel

/// A name for content, so that clients can tell whether it changed: two FNV-1a passes of 64 bits. It protects against
/// nothing: documents come from this binary.
enum ContentHash {
    /// 32 hexadecimal digits.
    static func hex(_ bytes: [UInt8]) -> String {
        let (first, second) = words(bytes)
        return padded(first) + padded(second)
    }

    /// Eight bytes in base64, as Kubernetes' storage version hashes look.
    static func base64(_ text: String) -> String {
        let word = words(Array(text.utf8)).0
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) }
        return Base64.encode(bytes)
    }

    private static func words(_ bytes: [UInt8]) -> (UInt64, UInt64) {
        var first: UInt64 = 0xcbf2_9ce4_8422_2325
        var second: UInt64 = 0x6c62_272e_07bb_0142
        for byte in bytes {
            first = (first ^ UInt64(byte)) &* 0x100_0000_01b3
            second = (second ^ UInt64(~byte)) &* 0x100_0000_01b3
        }
        return (first, second)
    }

    private static func padded(_ word: UInt64) -> String {
        let digits = String(word, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
