/// Durations as Go writes them: `1h30m`, `1.5s`, `100ms`.
package enum GoDuration {
    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("d", 86400e9),
        ("w", 604_800e9),
    ]

    /// In nanoseconds; nil for what is no duration, or longer than 292 years.
    package static func parse(_ text: String) -> Int64? {
        var rest = Substring(text)
        var isNegative = false
        if let sign = rest.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            rest.removeFirst()
        }
        if rest == "0" { return 0 }
        guard !rest.isEmpty, text.utf8.count <= 64 else { return nil }
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            guard digits.contains(where: { $0 != "." }) else { return nil }
            rest = rest[digits.endIndex...]
            let unit = rest.prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
            rest = rest[unit.endIndex...]
            guard let scale = units.first(where: { $0.name == unit })?.nanoseconds else { return nil }
            let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count <= 2, let whole = parts[0].isEmpty ? 0 : Int64(parts[0]) else { return nil }
            let (product, overflow) = whole.multipliedReportingOverflow(by: Int64(scale))
            var fraction: Int64 = 0
            if parts.count == 2, !parts[1].isEmpty {
                guard let value = Double("0." + parts[1]) else { return nil }
                fraction = Int64((value * scale).rounded())
            }
            let (sum, second) = total.addingReportingOverflow(product)
            let (more, third) = sum.addingReportingOverflow(fraction)
            guard !overflow, !second, !third else { return nil }
            total = more
        }
        return isNegative ? -total : total
    }

    /// In seconds, as CEL converts durations to text: `5400s`, `1.5s`.
    package static func text(of nanoseconds: Int64) -> String {
        let magnitude = nanoseconds.magnitude
        var text = "\(nanoseconds < 0 ? "-" : "")\(magnitude / 1_000_000_000)"
        let rest = magnitude % 1_000_000_000
        if rest != 0 {
            var digits = String(1_000_000_000 + rest).dropFirst()
            while digits.last == "0" { digits.removeLast() }
            text += ".\(digits)"
        }
        return text + "s"
    }
}
