internal import CRE2

/// A compiled ``RoutePattern``: matched in time linear to the path.
///
/// `@unchecked Sendable`: RE2's constant functions may be called by several threads at once.
final class PathProgram: @unchecked Sendable {
    /// What the program, and what it remembers while it matches, may take, in bytes.
    private static let memory: Int64 = 128 << 10

    /// Where groups begin and end in a path, that of the whole match first; `UInt.max` for one that took no part.
    typealias Captures = InlineArray<20, UInt>

    private let handle: OpaquePointer
    private let groups: Int32
    /// Instructions.
    let size: Int

    /// nil for what is none, or too large.
    init?(_ expression: String) {
        var problem = MARTLET_RE2_FINE
        var fragment: CChar = 0
        var length = 0
        var text = expression
        let made = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                martlet_re2_compile_path(
                    characters.baseAddress, characters.count, Self.memory, &problem, &fragment, 1, &length)
            }
        }
        guard let made else { return nil }
        size = Int(martlet_re2_size(made))
        guard size <= Int(MARTLET_RE2_PATH_SIZE) else {
            martlet_re2_free(made)
            return nil
        }
        handle = made
        groups = min(martlet_re2_group_count(made) + 1, MARTLET_RE2_CAPTURES)
    }

    deinit { martlet_re2_free(handle) }

    func matches(_ path: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        path.withMemoryRebound(to: CChar.self, capacity: count) { martlet_re2_matches(handle, $0, count) }
    }

    /// What its groups capture of a path that it matches.
    func captures(_ path: UnsafePointer<UInt8>, _ count: Int) -> Captures {
        var bounds = Captures(repeating: .max)
        var span = bounds.mutableSpan
        span.withUnsafeMutableBufferPointer { bounds in
            path.withMemoryRebound(to: CChar.self, capacity: count) { text in
                _ = martlet_re2_captures(handle, text, count, bounds.baseAddress, groups)
            }
        }
        return bounds
    }
}
