internal import Glibc
import Synchronization

/// Field sets by the FieldsV1 text that they were read from. What the same client writes has the same fields in object
/// after object, and reading the text was half of what the owners cost an update.
final class FieldSetMemo: Sendable {
    static let shared = FieldSetMemo()

    private let sets = Mutex<[Text: FieldSet]>([:])

    /// A text as a key, told apart by its length and some of its bytes first: all of them would take longer to hash than to
    /// compare. Texts that are made to collide cost no more than a comparison with each of the few that are kept.
    private struct Text: Hashable {
        let bytes: [UInt8]

        static func == (left: Text, right: Text) -> Bool {
            left.bytes.count == right.bytes.count
                && left.bytes.withUnsafeBytes { left in
                    right.bytes.withUnsafeBytes { right in
                        guard let first = left.baseAddress, let second = right.baseAddress else { return true }
                        return memcmp(first, second, left.count) == 0
                    }
                }
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(bytes.count)
            bytes.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: bytes.count - 7, by: max(8, bytes.count / 8)) {
                    hasher.combine(bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
                }
            }
        }
    }

    /// Longer texts are rare, and not worth the memory.
    private static let maximumLength = 4096
    private static let maximumCount = 256

    subscript(text: [UInt8]) -> FieldSet? {
        text.count <= Self.maximumLength ? sets.withLock { $0[Text(bytes: text)] } : nil
    }

    func insert(_ text: [UInt8], _ set: FieldSet) {
        guard text.count <= Self.maximumLength else { return }
        sets.withLock { sets in
            // All are forgotten at once: which of them are in use shows itself at the next writes.
            if sets.count >= Self.maximumCount { sets = [:] }
            sets[Text(bytes: text)] = set
        }
    }
}
