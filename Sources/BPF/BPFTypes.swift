/// What the kernel wants to know of the entries of a map of the kind `socketStorage`: an `int` as key and an array of 32-bit
/// numbers as value, in the kernel's format for types (`linux/btf.h`).
enum BPFTypes {
    static let key: UInt32 = 1
    static let value: UInt32 = 2

    /// - Parameter valueSize: a multiple of 4.
    static func description(valueSize: Int) -> [UInt8] {
        let names: [UInt8] = Array("\0u32\0".utf8)
        var words: [UInt32] = []
        // Name, kind and count, size; then: of an integer its encoding, offset and bits.
        words += [1, 1 << 24, 4, 32]
        // Name, kind, nothing; then: of an array the type of its elements, that of its index, their number.
        words += [0, 3 << 24, 0, 1, 1, UInt32(valueSize / 4)]
        let types = words.count * 4
        // Magic number, version, flags, length of this head; where types and names are, and how long.
        let head: [UInt32] = [
            0xeb9f | 1 << 16, 24, 0, UInt32(types), UInt32(types), UInt32(names.count),
        ]
        return (head + words).flatMap { word in withUnsafeBytes(of: word) { Array($0) } } + names
    }
}
