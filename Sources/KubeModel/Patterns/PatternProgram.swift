import CRE2

/// RE2's program of a pattern.
///
/// `@unchecked Sendable`: RE2's constant functions may be called by several threads at once.
final class PatternProgram: @unchecked Sendable {
    /// What a program, and what it remembers while it matches, may take.
    enum Room {
        case small, large

        /// In bytes, tried in turn: nearly all programs fit the first, which also bounds what matching remembers.
        fileprivate var limits: [Int64] { self == .small ? [1 << 20] : [1 << 20, 16 << 20] }
    }

    private let handle: OpaquePointer

    init(_ source: String, _ room: Room) throws(TextPattern.Unsupported) {
        var spelling = try PatternSpelling.forRE2(source)
        var problem = MARTLET_RE2_TOO_LARGE
        var fragment = ""
        for memory in room.limits where problem == MARTLET_RE2_TOO_LARGE {
            if let made = PatternProgram.compile(&spelling, memory, &problem, &fragment) {
                handle = made
                return
            }
        }
        throw TextPattern.Unsupported(message: PatternProgram.message(problem, fragment))
    }

    deinit {
        martlet_re2_free(handle)
    }

    var size: Int { Int(martlet_re2_size(handle)) }

    private static func compile(
        _ spelling: inout String, _ memory: Int64, _ problem: inout martlet_re2_problem, _ fragment: inout String
    ) -> OpaquePointer? {
        spelling.withUTF8 { bytes in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
                var length = 0
                let made = bytes.withMemoryRebound(to: CChar.self) { characters in
                    martlet_re2_compile(
                        characters.baseAddress, characters.count, memory, &problem, buffer.baseAddress, buffer.count,
                        &length)
                }
                fragment = String(decoding: buffer[..<length].lazy.map(UInt8.init(bitPattern:)), as: UTF8.self)
                return made
            }
        }
    }

    func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { martlet_re2_matches(handle, $0.baseAddress, $0.count) }
        }
    }

    func finds(in text: String, limit: Int) -> [String] {
        var text = text
        return text.withUTF8 { bytes in
            var result: [String] = []
            var start = 0
            var lastEnd = -1
            while result.count < limit, start <= bytes.count, let (first, end) = find(in: bytes, from: start) {
                // An empty match right after another one does not count.
                if end > first || first != lastEnd {
                    result.append(String(decoding: bytes[first..<end], as: UTF8.self))
                }
                lastEnd = end
                start = end > first ? end : PatternProgram.scalarEnd(bytes, end)
            }
            return result
        }
    }

    private func find(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> (first: Int, end: Int)? {
        bytes.withMemoryRebound(to: CChar.self) { text in
            var first = 0
            var end = 0
            let isFound = martlet_re2_find(handle, text.baseAddress, text.count, start, &first, &end)
            return isFound ? (first, end) : nil
        }
    }

    /// Where the scalar ends that starts at an offset.
    private static func scalarEnd(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var end = start + 1
        while end < bytes.count, bytes[end] & 0xc0 == 0x80 { end += 1 }
        return end
    }

    /// In the words of Go's `regexp/syntax`.
    private static func message(_ problem: martlet_re2_problem, _ fragment: String) -> String {
        let words =
            switch problem {
            case MARTLET_RE2_BAD_ESCAPE: "invalid escape sequence"
            case MARTLET_RE2_BAD_CLASS: "invalid character class"
            case MARTLET_RE2_BAD_RANGE: "invalid character class range"
            case MARTLET_RE2_MISSING_BRACKET: "missing closing ]"
            case MARTLET_RE2_MISSING_PARENTHESIS: "missing closing )"
            case MARTLET_RE2_UNEXPECTED_PARENTHESIS: "unexpected )"
            case MARTLET_RE2_TRAILING_BACKSLASH: "trailing backslash at end of expression"
            case MARTLET_RE2_REPEATS_NOTHING: "missing argument to repetition operator"
            case MARTLET_RE2_BAD_COUNT: "invalid repeat count"
            case MARTLET_RE2_REPEATS_REPETITION: "invalid nested repetition operator"
            case MARTLET_RE2_BAD_PERL: "invalid or unsupported Perl syntax"
            case MARTLET_RE2_BAD_UTF8: "invalid UTF-8"
            case MARTLET_RE2_BAD_NAME: "invalid named capture"
            case MARTLET_RE2_TOO_LARGE: "expression too large"
            default: "regexp/syntax: internal error"
            }
        guard problem != MARTLET_RE2_TOO_LARGE, problem != MARTLET_RE2_TRAILING_BACKSLASH else { return words }
        return "\(words): `\(fragment)`"
    }
}
