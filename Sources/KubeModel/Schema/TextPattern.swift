/// A regular expression in RE2's syntax, as schemas' `pattern` and the functions of rules have it.
///
/// Matching follows all alternatives at once, so that its time is at most the product of the lengths of text and
/// pattern. Scripts (`\p{Greek}`) and `\C` are refused.
final class TextPattern: Sendable {
    let source: String
    private let program: [PatternInstruction]

    /// Why a pattern cannot be used.
    struct Unsupported: Error {
        let message: String
    }

    init(_ source: String) throws(Unsupported) {
        self.source = source
        program = try PatternCompiler.compile(try PatternParser.parse(source))
    }

    /// How many instructions one character may have to pass.
    var size: Int { program.count }

    /// Whether the pattern matches anywhere in the text.
    func matches(_ text: String) -> Bool {
        var current = PatternThreads(program.count)
        var next = PatternThreads(program.count)
        var before: Unicode.Scalar?
        var iterator = text.unicodeScalars.makeIterator()
        var after = iterator.next()
        while true {
            // A match may start anywhere.
            if follow(0, start: 0, before, after, &current) { return true }
            guard let scalar = after else { return false }
            after = iterator.next()
            next.removeAll()
            for thread in current.list {
                guard case .set(let set) = program[thread.place], set.contains(scalar) else { continue }
                if follow(thread.place + 1, start: 0, scalar, after, &next) { return true }
            }
            swap(&current, &next)
            before = scalar
        }
    }

    /// The texts of the first matches that do not overlap, leftmost first, as Go's `FindAllString` gives them.
    func finds(in text: String, limit: Int) -> [String] {
        let scalars = Array(text.unicodeScalars)
        var result: [String] = []
        var start = 0
        var lastEnd = -1
        while result.count < limit, start <= scalars.count, let (first, end) = find(scalars, from: start) {
            // An empty match right after another one does not count.
            if end > first || first != lastEnd {
                result.append(String(String.UnicodeScalarView(scalars[first..<end])))
            }
            lastEnd = end
            start = end > first ? end : end + 1
        }
        return result
    }

    private func find(_ text: [Unicode.Scalar], from start: Int) -> (start: Int, end: Int)? {
        var current = PatternThreads(program.count)
        var next = PatternThreads(program.count)
        var best: (start: Int, end: Int)?
        for place in start...text.count {
            let before = place > 0 ? text[place - 1] : nil
            let after = place < text.count ? text[place] : nil
            if best == nil { _ = follow(0, start: place, before, after, &current) }
            if current.list.isEmpty, best != nil { break }
            next.removeAll()
            let following = place + 1 < text.count ? text[place + 1] : nil
            for thread in current.list {
                switch program[thread.place] {
                case .match: best = (thread.start, place)
                case .set(let set):
                    guard let after, set.contains(after) else { continue }
                    _ = follow(thread.place + 1, start: thread.start, after, following, &next)
                    continue
                default: continue
                }
                // Threads behind this one have lower priority.
                break
            }
            swap(&current, &next)
        }
        return best
    }

    /// Adds every place that is reached without reading on. Returns whether the end of the pattern is among them.
    private func follow(
        _ place: Int, start: Int, _ before: Unicode.Scalar?, _ after: Unicode.Scalar?, _ threads: inout PatternThreads
    ) -> Bool {
        var matched = false
        threads.pending.append(place)
        while let place = threads.pending.popLast() {
            guard threads.mark(place) else { continue }
            switch program[place] {
            case .set: threads.list.append((place, start))
            case .match:
                threads.list.append((place, start))
                matched = true
            case .jump(let target): threads.pending.append(target)
            case .split(let first, let second):
                threads.pending.append(second)
                threads.pending.append(first)
            case .assert(let assertion):
                if assertion.holds(before, after) { threads.pending.append(place + 1) }
            }
        }
        return matched
    }
}

/// The places of a pattern that are live at once, in order of priority.
private struct PatternThreads {
    var list: [(place: Int, start: Int)] = []
    var pending: [Int] = []
    private var marks: [UInt32]
    private var generation: UInt32 = 1

    init(_ count: Int) {
        marks = Array(repeating: 0, count: count)
    }

    mutating func removeAll() {
        list.removeAll(keepingCapacity: true)
        generation &+= 1
    }

    /// Whether the place was not there before.
    mutating func mark(_ place: Int) -> Bool {
        guard marks[place] != generation else { return false }
        marks[place] = generation
        return true
    }
}

enum PatternInstruction: Sendable {
    case set(PatternSet)
    case split(Int, Int)
    case jump(Int)
    case assert(PatternAssertion)
    case match
}

enum PatternAssertion: Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary

    func holds(_ before: Unicode.Scalar?, _ after: Unicode.Scalar?) -> Bool {
        switch self {
        case .textStart: before == nil
        case .textEnd: after == nil
        case .lineStart: before == nil || before == "\n"
        case .lineEnd: after == nil || after == "\n"
        case .wordBoundary: isWord(before) != isWord(after)
        case .noWordBoundary: isWord(before) == isWord(after)
        }
    }

    private func isWord(_ scalar: Unicode.Scalar?) -> Bool {
        scalar.map { PatternSet.word.contains($0) } ?? false
    }
}

/// Lays a syntax tree out as instructions.
struct PatternCompiler {
    /// Repetitions are laid out as copies.
    private static let sizeLimit = 20_000

    private var program: [PatternInstruction] = []

    static func compile(_ syntax: PatternSyntax) throws(TextPattern.Unsupported) -> [PatternInstruction] {
        var compiler = PatternCompiler()
        try compiler.add(syntax)
        compiler.program.append(.match)
        return compiler.program
    }

    private mutating func add(_ syntax: PatternSyntax) throws(TextPattern.Unsupported) {
        guard program.count < PatternCompiler.sizeLimit else {
            throw TextPattern.Unsupported(message: "expression too large")
        }
        switch syntax {
        case .set(let set): program.append(.set(set))
        case .assertion(let assertion): program.append(.assert(assertion))
        case .sequence(let parts): for part in parts { try add(part) }
        case .alternatives(let choices):
            var ends: [Int] = []
            for (place, choice) in choices.enumerated() {
                guard place < choices.count - 1 else {
                    try add(choice)
                    break
                }
                let split = program.count
                program.append(.split(split + 1, 0))
                try add(choice)
                ends.append(program.count)
                program.append(.jump(0))
                program[split] = .split(split + 1, program.count)
            }
            for end in ends { program[end] = .jump(program.count) }
        case .repetition(let part, let least, let most, let isGreedy):
            for _ in 0..<least { try add(part) }
            guard let most else { return try addLoop(part, isGreedy) }
            var splits: [Int] = []
            for _ in 0..<max(0, most - least) {
                splits.append(program.count)
                program.append(.jump(0))
                try add(part)
            }
            for split in splits { program[split] = choice(split + 1, program.count, isGreedy) }
        }
    }

    private mutating func addLoop(_ part: PatternSyntax, _ isGreedy: Bool) throws(TextPattern.Unsupported) {
        let split = program.count
        program.append(.jump(0))
        try add(part)
        program.append(.jump(split))
        program[split] = choice(split + 1, program.count, isGreedy)
    }

    private func choice(_ inside: Int, _ outside: Int, _ isGreedy: Bool) -> PatternInstruction {
        isGreedy ? .split(inside, outside) : .split(outside, inside)
    }
}
