/// The routes of a configuration that are regular expressions, those of one host beside each other in the order in which they
/// are asked. Each request asks them one after the other, most of them by their first bytes alone.
struct PatternRoutes: Sendable {
    struct Entry: Sendable {
        /// nil for one that is closed.
        var program: PathProgram?
        var start: [UInt8]
        /// Index of the route.
        var route: Int32
    }

    private(set) var entries: [Entry] = []
    /// By their expressions.
    private(set) var programs: [String: PathProgram] = [:]
    private let known: [String: PathProgram]

    /// - Parameter known: that need not be compiled again.
    init(known: [String: PathProgram]) { self.known = known }

    /// Adds those of one host; returns the first one's index.
    ///
    /// - Parameter routes: each with the index of its route.
    mutating func add(_ routes: [(pattern: RoutePattern, route: Int32)]) -> Int32 {
        let first = entries.count
        var last: [Entry] = []
        for (pattern, route) in routes {
            var program: PathProgram?
            if let expression = pattern.expression {
                program = programs[expression] ?? known[expression] ?? PathProgram(expression)
                programs[expression] = program
            }
            let entry = Entry(program: program, start: pattern.start, route: route)
            // One that is closed and may begin like everything leaves to others what they match, unless they lie behind its guard.
            if program == nil, pattern.start.count <= 1, !pattern.keepsPlace {
                last.append(entry)
            } else {
                entries.append(entry)
            }
        }
        entries += last
        return Int32(first)
    }

    /// What ``find(_:_:_:_:)`` says of a path that would cost more than ``HeaderPattern/mostWork``.
    static var tooMuchWork: Int32 { -2 }

    /// The first of some entries that matches a path: its index, or -1; or ``tooMuchWork``.
    func find(_ first: Int32, _ count: Int32, _ path: UnsafePointer<UInt8>, _ pathCount: Int) -> Int32 {
        entries.withUnsafeBufferPointer { entries in
            var work = 0
            for index in Int(first)..<Int(first + count)
            where Self.starts(path, pathCount, with: entries[index].start) {
                guard let program = entries[index].program else { return Int32(index) }
                work += program.size * pathCount
                if work > HeaderPattern.mostWork { return Self.tooMuchWork }
                if program.matches(path, pathCount) { return Int32(index) }
            }
            return -1
        }
    }

    private static func starts(_ path: UnsafePointer<UInt8>, _ count: Int, with start: [UInt8]) -> Bool {
        guard start.count <= count else { return false }
        for index in start.indices where path[index].asciiLowercased != start[index] { return false }
        return true
    }
}
