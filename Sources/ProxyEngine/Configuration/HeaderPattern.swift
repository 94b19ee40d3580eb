internal import CRE2

/// A regular expression (RE2) over values of fields, matched in time linear to them.
///
/// `@unchecked Sendable`: RE2's constant functions may be called by several threads at once.
final class HeaderPattern: @unchecked Sendable {
    /// What the program, and what it remembers while it matches, may take, in bytes.
    private static let memory: Int64 = 1 << 20

    /// What one request may cost of expressions, in instructions times bytes: where RE2's tables do not suffice each takes up to
    /// 12 ns, so that the loop is held up for some 25 ms at most, and by captures as long again.
    static let mostWork = 2 << 20

    private let handle: OpaquePointer
    private let size: Int

    /// nil for what is none.
    init?(_ source: String) {
        var problem = MARTLET_RE2_FINE
        var fragment: CChar = 0
        var length = 0
        var text = source
        let made = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                martlet_re2_compile(
                    characters.baseAddress, characters.count, Self.memory, &problem, &fragment, 1, &length)
            }
        }
        guard let made else { return nil }
        handle = made
        size = Int(martlet_re2_size(made))
    }

    deinit { martlet_re2_free(handle) }

    /// Whether it matches anywhere in a value; in none that would hold up its loop (``mostWork``).
    func matches(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard size * value.count <= Self.mostWork else { return false }
        return value.withMemoryRebound(to: CChar.self) { martlet_re2_matches(handle, $0.baseAddress, $0.count) }
    }
}
