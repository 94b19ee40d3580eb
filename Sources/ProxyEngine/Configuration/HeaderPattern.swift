internal import CRE2

/// A regular expression (RE2) over values of fields, matched in time linear to them.
///
/// `@unchecked Sendable`: RE2's constant functions may be called by several threads at once.
final class HeaderPattern: @unchecked Sendable {
    /// What the program, and what it remembers while it matches, may take, in bytes.
    private static let memory: Int64 = 1 << 20

    private let handle: OpaquePointer

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
    }

    deinit { martlet_re2_free(handle) }

    /// Whether it matches anywhere in a value.
    func matches(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        value.withMemoryRebound(to: CChar.self) { martlet_re2_matches(handle, $0.baseAddress, $0.count) }
    }
}
