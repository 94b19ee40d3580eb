import Synchronization

/// A regular expression in RE2's syntax (https://github.com/google/re2/wiki/Syntax), as schemas' `pattern` and the
/// functions of rules have it: RE2 itself, so that time is linear in the text and memory is bounded.
///
/// What differs from Go's package, which kube-apiserver uses, is made alike: `(?<name>…)` is read, `\C` is refused, and
/// problems have Go's words.
package final class TextPattern: Sendable {
    package let source: String
    /// How many instructions the program has.
    package let size: Int
    private let room: PatternProgram.Room
    private let program = AtomicLazyReference<PatternProgram>()

    /// Why a pattern cannot be used.
    package struct Unsupported: Error {
        package let message: String

        package init(message: String) {
            self.message = message
        }
    }

    /// For a pattern of a schema, with the room that counted classes such as `\pL{1,255}` need.
    ///
    /// Only checks: the program is made again by the first match, since most patterns of most definitions are never
    /// asked.
    package init(_ source: String) throws(Unsupported) {
        self.source = source
        room = .large
        size = try PatternProgram(source, room).size
    }

    /// For a pattern that is used now, once for each object perhaps.
    package init(usedNow source: String) throws(Unsupported) {
        self.source = source
        room = .small
        let made = try PatternProgram(source, room)
        size = made.size
        _ = program.storeIfNil(made)
    }

    /// Whether the pattern matches anywhere in the text.
    package func matches(_ text: String) -> Bool {
        compiled?.matches(text) ?? false
    }

    /// The texts of the first matches that do not overlap, leftmost first, as Go's `FindAllString` gives them.
    package func finds(in text: String, limit: Int) -> [String] {
        compiled?.finds(in: text, limit: limit) ?? []
    }

    /// nil, so that nothing matches, if memory ran out.
    private var compiled: PatternProgram? {
        if let program = program.load() { return program }
        // The same source has been compiled by `init`.
        guard let made = try? PatternProgram(source, room) else { return nil }
        return program.storeIfNil(made)
    }
}
