import CXXHash

/// The checksum of one row of the log, over everything in it: whoever flips a bit of a value, or swaps two rows, is
/// noticed. It protects against bad disks, not against somebody who means it.
struct RowChecksum {
    private var seed: UInt64

    /// - Parameter previous: 0 for none, which is no row's number.
    init(revision: Revision, kind: Int64, created: Revision, previous: Revision?) {
        let numbers: InlineArray<4, Int64> = [
            revision.rawValue, kind, created.rawValue, previous?.rawValue ?? 0,
        ]
        seed = numbers.span.withUnsafeBytes { martlet_xxh3($0.baseAddress, $0.count, 0) }
    }

    /// - Parameter value: empty for a delete.
    func over(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Int64 {
        let withKey = martlet_xxh3(key.baseAddress, key.count, seed)
        return Int64(bitPattern: martlet_xxh3(value.baseAddress, value.count, withKey))
    }

    func over(key: String, value: [UInt8]) -> Int64 {
        var key = key
        return key.withUTF8 { key in
            value.withUnsafeBytes { over(key: UnsafeRawBufferPointer(key), value: $0) }
        }
    }
}
