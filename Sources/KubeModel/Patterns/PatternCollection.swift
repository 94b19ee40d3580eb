/// The patterns of one schema. The same text is compiled once, and all of them together are bounded: a definition of
/// 3 MiB has room for a hundred thousand patterns that take 0.2 s each.
public struct PatternCollection {
    /// In instructions; a thousand take about 0.5 ms to compile.
    private static let sizeLimit = 1_000_000

    private var patterns: [ByteKey: TextPattern] = [:]
    private var size = 0

    public init() {}

    package mutating func pattern(_ source: String) throws(TextPattern.Unsupported) -> TextPattern {
        if let known = patterns[ByteKey(source)] { return known }
        guard size < PatternCollection.sizeLimit else {
            throw TextPattern.Unsupported(message: "the expressions of the schema are too large together")
        }
        let pattern = try TextPattern(source)
        size += pattern.size
        patterns[ByteKey(source)] = pattern
        return pattern
    }

    /// What is wrong with a `pattern`; nil when it can be used.
    public mutating func problem(_ source: String) -> String? {
        do {
            _ = try pattern(source)
            return nil
        } catch {
            return error.message
        }
    }
}
