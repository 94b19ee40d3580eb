import Synchronization

/// Field sets by the FieldsV1 text that they were read from. What the same client writes has the same fields in object
/// after object, and reading the text was half of what the owners cost an update.
final class FieldSetMemo: Sendable {
    static let shared = FieldSetMemo()

    private let sets = Mutex<[[UInt8]: FieldSet]>([:])

    /// Longer texts are rare, and not worth the memory.
    private static let maximumLength = 4096
    private static let maximumCount = 256

    subscript(text: [UInt8]) -> FieldSet? {
        text.count <= Self.maximumLength ? sets.withLock { $0[text] } : nil
    }

    func insert(_ text: [UInt8], _ set: FieldSet) {
        guard text.count <= Self.maximumLength else { return }
        sets.withLock { sets in
            // All are forgotten at once: which of them are in use shows itself at the next writes.
            if sets.count >= Self.maximumCount { sets = [:] }
            sets[text] = set
        }
    }
}
