/// A set of Unicode scalars: a character class of a pattern.
struct PatternSet: Sendable {
    /// The first 128 scalars, as bits, negation included.
    private var low: (UInt64, UInt64) = (0, 0)
    private var ranges: [ClosedRange<UInt32>] = []
    /// Members by their general category, or by not having it.
    private var categories: [(prefix: String, isNegated: Bool)] = []
    private var isNegated = false

    static let word = PatternSet([48...57, 65...90, 95...95, 97...122])
    static let digit = PatternSet([48...57])
    static let space = PatternSet([9...10, 12...13, 32...32])
    static let any = PatternSet([0...0x10ffff])
    static let anyButLineBreak = PatternSet([0...9, 11...0x10ffff])

    init(_ ranges: [ClosedRange<UInt32>] = []) {
        for range in ranges { insert(range) }
    }

    init(_ scalar: Unicode.Scalar, ignoringCase: Bool) {
        insert(scalar.value...scalar.value)
        if ignoringCase { insertOtherCases() }
    }

    /// A general category such as `L` or `Nd`; nil for an unknown one.
    init?(category: String, isNegated: Bool) {
        guard PatternSet.categoryNames.values.contains(where: { $0.hasPrefix(category) }), !category.isEmpty else {
            return nil
        }
        categories = [(category, isNegated)]
        for value in 0..<UInt32(128) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            if matchesCategory(scalar) { setLow(value) }
        }
    }

    /// A class such as `alpha` of `[[:alpha:]]`.
    init?(posix name: String) {
        switch name {
        case "alnum": self.init([48...57, 65...90, 97...122])
        case "alpha": self.init([65...90, 97...122])
        case "ascii": self.init([0...127])
        case "blank": self.init([9...9, 32...32])
        case "cntrl": self.init([0...31, 127...127])
        case "digit": self.init([48...57])
        case "graph": self.init([33...126])
        case "lower": self.init([97...122])
        case "print": self.init([32...126])
        case "punct": self.init([33...47, 58...64, 91...96, 123...126])
        case "space": self.init([9...13, 32...32])
        case "upper": self.init([65...90])
        case "word": self = .word
        case "xdigit": self.init([48...57, 65...70, 97...102])
        default: return nil
        }
    }

    private mutating func setLow(_ value: UInt32) {
        if value < 64 { low.0 |= 1 << UInt64(value) } else { low.1 |= 1 << UInt64(value - 64) }
    }

    mutating func insert(_ range: ClosedRange<UInt32>) {
        ranges.append(range)
        var value = range.lowerBound
        while value <= range.upperBound, value < 128 {
            setLow(value)
            value += 1
        }
    }

    /// Adds another set's members. A negated one is added as the ranges that it has not.
    mutating func formUnion(_ other: PatternSet) {
        low = (low.0 | other.low.0, low.1 | other.low.1)
        categories += other.categories
        guard other.isNegated else {
            ranges += other.ranges
            return
        }
        var next: UInt32 = 0
        for range in other.ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { ranges.append(next...(range.lowerBound - 1)) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10ffff { ranges.append(next...0x10ffff) }
    }

    /// Everything else. Only of sets that hold no negated one.
    var inverted: PatternSet {
        var copy = self
        copy.isNegated.toggle()
        copy.low = (~low.0, ~low.1)
        return copy
    }

    mutating func insertOtherCases() {
        var added: [ClosedRange<UInt32>] = []
        for range in ranges where range.count <= 2048 {
            for value in range {
                guard let scalar = Unicode.Scalar(value) else { continue }
                for text in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
                    let mapped = text.unicodeScalars
                    if mapped.count == 1, let other = mapped.first, other != scalar {
                        added.append(other.value...other.value)
                    }
                }
            }
        }
        for range in added { insert(range) }
    }

    @inline(__always)
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 64 { return low.0 >> UInt64(value) & 1 == 1 }
        if value < 128 { return low.1 >> UInt64(value - 64) & 1 == 1 }
        return isNegated != (ranges.contains { $0.contains(value) } || matchesCategory(scalar))
    }

    private func matchesCategory(_ scalar: Unicode.Scalar) -> Bool {
        guard !categories.isEmpty, let name = PatternSet.categoryNames[scalar.properties.generalCategory] else {
            return false
        }
        return categories.contains { name.hasPrefix($0.prefix) != $0.isNegated }
    }

    private static let categoryNames: [Unicode.GeneralCategory: String] = [
        .uppercaseLetter: "Lu", .lowercaseLetter: "Ll", .titlecaseLetter: "Lt", .modifierLetter: "Lm",
        .otherLetter: "Lo", .nonspacingMark: "Mn", .spacingMark: "Mc", .enclosingMark: "Me", .decimalNumber: "Nd",
        .letterNumber: "Nl", .otherNumber: "No", .connectorPunctuation: "Pc", .dashPunctuation: "Pd",
        .openPunctuation: "Ps", .closePunctuation: "Pe", .initialPunctuation: "Pi", .finalPunctuation: "Pf",
        .otherPunctuation: "Po", .mathSymbol: "Sm", .currencySymbol: "Sc", .modifierSymbol: "Sk", .otherSymbol: "So",
        .spaceSeparator: "Zs", .lineSeparator: "Zl", .paragraphSeparator: "Zp", .control: "Cc", .format: "Cf",
        .surrogate: "Cs", .privateUse: "Co",
    ]
}
