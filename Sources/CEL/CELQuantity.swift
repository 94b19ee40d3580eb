import KubeModel

/// A quantity such as `1.5Gi` or `100m`, exact to a billionth (docs: resource.Quantity).
struct CELQuantity: Hashable, Sendable, Comparable {
    /// In billionths.
    let nano: Int128

    init(nano: Int128) {
        self.nano = nano
    }

    /// nil for what Kubernetes does not read as a quantity, or what is too large for it.
    init?(_ text: String) {
        var rest = Substring(text)
        guard text.utf8.count <= 64 else { return nil }
        var isNegative = false
        if let sign = rest.first, sign == "+" || sign == "-" {
            isNegative = sign == "-"
            rest.removeFirst()
        }
        let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard digits.contains(where: { $0 != "." }), parts.count <= 2, parts[0].count <= 19 else { return nil }
        let suffix = rest[digits.endIndex...]
        guard let (multiplier, divisor) = CELQuantity.scale(suffix) else { return nil }
        var mantissa: Int128 = 0
        var places: Int128 = 1
        for digit in parts[0] { mantissa = mantissa * 10 + Int128(digit.wholeNumberValue ?? 0) }
        for digit in (parts.count > 1 ? parts[1] : "").prefix(15) {
            mantissa = mantissa * 10 + Int128(digit.wholeNumberValue ?? 0)
            places *= 10
        }
        let (scaled, overflow) = mantissa.multipliedReportingOverflow(by: multiplier)
        guard !overflow else { return nil }
        let (nano, second) = scaled.multipliedReportingOverflow(by: 1_000_000_000)
        // Finer than a billionth is rounded away from zero.
        let whole = divisor * places
        let magnitude: Int128
        if second {
            let (reduced, third) = (scaled / whole).multipliedReportingOverflow(by: 1_000_000_000)
            guard !third else { return nil }
            magnitude = reduced
        } else {
            magnitude = nano / whole + (nano % whole == 0 ? 0 : 1)
        }
        self.nano = isNegative ? -magnitude : magnitude
    }

    private static func scale(_ suffix: Substring) -> (multiplier: Int128, divisor: Int128)? {
        func power(_ base: Int128, _ exponent: Int) -> Int128 {
            var result: Int128 = 1
            for _ in 0..<exponent { result *= base }
            return result
        }
        let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
        let decimal = ["k", "M", "G", "T", "P", "E"]
        let small = ["m", "u", "n"]
        if suffix.isEmpty { return (1, 1) }
        if let place = binary.firstIndex(of: String(suffix)) { return (power(1024, place + 1), 1) }
        if let place = decimal.firstIndex(of: String(suffix)) { return (power(1000, place + 1), 1) }
        if let place = small.firstIndex(of: String(suffix)) { return (1, power(1000, place + 1)) }
        guard suffix.first == "e" || suffix.first == "E", let exponent = Int(suffix.dropFirst()),
            (-18...18).contains(exponent)
        else { return nil }
        return exponent < 0 ? (1, power(10, -exponent)) : (power(10, exponent), 1)
    }

    static func < (left: CELQuantity, right: CELQuantity) -> Bool { left.nano < right.nano }

    var integer: Int64? {
        nano % 1_000_000_000 == 0 ? Int64(exactly: nano / 1_000_000_000) : nil
    }

    func adding(_ other: Int128) throws(CELFailure) -> CELQuantity {
        let (sum, overflow) = nano.addingReportingOverflow(other)
        if overflow { throw .overflow }
        return CELQuantity(nano: sum)
    }
}
