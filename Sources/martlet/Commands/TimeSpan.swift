import ArgumentParser

/// A duration as Go writes it: `24h`, `1h30m`, `40s`, `500ms`; `0`.
struct TimeSpan: ExpressibleByArgument, Hashable, Sendable, CustomStringConvertible {
    let milliseconds: Int64

    static func seconds(_ seconds: Int64) -> TimeSpan { TimeSpan(milliseconds: seconds * 1000) }

    private init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// nil for anything else, negative spans included, and for more than a hundred years.
    init?(argument: String) {
        if argument == "0" {
            milliseconds = 0
            return
        }
        var sum: Int64 = 0
        var rest = Substring(argument)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard digits.count <= 12, let number = Int64(digits), let factor = Self.units[String(unit)] else {
                return nil
            }
            let (product, overflows) = number.multipliedReportingOverflow(by: factor)
            guard !overflows, product <= Self.longest else { return nil }
            sum += product
            guard sum <= Self.longest else { return nil }
            rest = rest.dropFirst(digits.count + unit.count)
        }
        milliseconds = sum
    }

    private static let units: [String: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
    private static let longest: Int64 = 100 * 365 * 86_400_000

    var seconds: Int64 { milliseconds / 1000 }
    var duration: Duration { .milliseconds(milliseconds) }

    var description: String {
        var text = ""
        var rest = milliseconds
        for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] as [(String, Int64)]
        where rest >= factor {
            text += "\(rest / factor)\(unit)"
            rest %= factor
        }
        return text.isEmpty ? "0" : text
    }

    var defaultValueDescription: String { description }
}
