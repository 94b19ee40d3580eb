/// Bytes that are written once and live for as long as the loop that has them.
struct StaticBytes: BitwiseCopyable {
    let base: UnsafePointer<UInt8>
    let count: Int

    /// Copies `bytes` to memory of its own, to be freed with ``deallocate()``.
    init(_ bytes: some Collection<UInt8>) {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
        _ = copy.initialize(from: bytes)
        base = UnsafePointer(copy.baseAddress.unsafelyUnwrapped)
        count = bytes.count
    }

    func deallocate() { base.deallocate() }
}

extension StaticBytes: Equatable {
    static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && (0..<left.count).allSatisfy { left.base[$0] == right.base[$0] }
    }
}
