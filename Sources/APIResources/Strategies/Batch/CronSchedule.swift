/// The syntax of a CronJob's schedule: five fields, or a name such as `@daily`. The messages are those of the parser that
/// Kubernetes uses (github.com/robfig/cron, ParseStandard).
enum CronSchedule {
    private struct Field {
        let bounds: ClosedRange<Int>
        var names: [String] = []
    }

    private static let fields = [
        Field(bounds: 0...59), Field(bounds: 0...23), Field(bounds: 1...31),
        Field(
            bounds: 1...12,
            names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
        Field(bounds: 0...6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ]
    private static let named: Set = [
        "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
    ]

    private struct Problem: Error {
        let message: String
    }

    /// What is wrong with a schedule; nil when it is fine.
    static func problem(in text: String) -> String? {
        guard !text.isEmpty else { return "empty spec string" }
        var rest = Substring(text)
        if text.hasPrefix("TZ=") || text.hasPrefix("CRON_TZ=") {
            rest = rest.drop { $0 != " " }
        }
        let parts = rest.split(whereSeparator: \.isWhitespace)
        if let first = parts.first, first.hasPrefix("@") {
            return descriptorProblem(parts.joined(separator: " "))
        }
        guard parts.count == fields.count else {
            let list = parts.joined(separator: " ")
            return "expected exactly \(fields.count) fields, found \(parts.count): [\(list)]"
        }
        do throws(Problem) {
            for (field, part) in zip(fields, parts) {
                for range in part.split(separator: ",") { try check(String(range), field) }
            }
            return nil
        } catch {
            return error.message
        }
    }

    private static func descriptorProblem(_ text: String) -> String? {
        if named.contains(text) { return nil }
        guard text.hasPrefix("@every ") else { return "unrecognized descriptor: \(text)" }
        let duration = String(text.dropFirst("@every ".count))
        guard isDuration(duration) else {
            return "failed to parse duration \(text): time: invalid duration \"\(duration)\""
        }
        return nil
    }

    /// Numbers with units, as `1h30m`.
    private static func isDuration(_ text: String) -> Bool {
        var rest = Substring(text)
        guard !rest.isEmpty else { return false }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { !($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(unit.count)
            guard Double(number) != nil, ["ns", "us", "µs", "ms", "s", "m", "h"].contains(String(unit)) else {
                return false
            }
        }
        return true
    }

    private static func check(_ text: String, _ field: Field) throws(Problem) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let ends = (parts.first ?? "").split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        let isSingle = ends.count == 1
        var first = field.bounds.lowerBound
        var last = field.bounds.upperBound
        if ends.first != "*", ends.first != "?" {
            first = try number(ends.first ?? "", field)
            switch ends.count {
            case 1: last = first
            case 2: last = try number(ends[1], field)
            default: throw Problem(message: "too many hyphens: \(text)")
            }
        }
        var step = 1
        switch parts.count {
        case 1: break
        case 2:
            step = try number(parts[1])
            if isSingle { last = field.bounds.upperBound }
        default: throw Problem(message: "too many slashes: \(text)")
        }
        if first < field.bounds.lowerBound {
            throw Problem(
                message: "beginning of range (\(first)) below minimum (\(field.bounds.lowerBound)): \(text)")
        }
        if last > field.bounds.upperBound {
            throw Problem(message: "end of range (\(last)) above maximum (\(field.bounds.upperBound)): \(text)")
        }
        if first > last {
            throw Problem(message: "beginning of range (\(first)) beyond end of range (\(last)): \(text)")
        }
        if step == 0 { throw Problem(message: "step of range should be a positive number: \(text)") }
    }

    private static func number(_ text: String, _ field: Field) throws(Problem) -> Int {
        if let place = field.names.firstIndex(of: text.lowercased()) { return field.bounds.lowerBound + place }
        return try number(text)
    }

    private static func number(_ text: String) throws(Problem) -> Int {
        guard let value = Int(text) else {
            throw Problem(
                message: "failed to parse int from \(text): strconv.Atoi: parsing \"\(text)\": invalid syntax")
        }
        guard value >= 0 else { throw Problem(message: "negative number (\(value)) not allowed: \(text)") }
        return value
    }
}
