import KubeModel

/// The functions of timestamps and durations. Fields of timestamps are in UTC unless an offset is given.
enum CELClock {
    static func call(_ function: CELFunction, _ value: CELValue, zone: String?) throws(CELFailure) -> CELValue {
        switch (function, value) {
        case (.duration, .duration), (.timestamp, .timestamp): return value
        case (.duration, .string(let text)):
            guard let duration = GoDuration.parse(text) else {
                throw .failed("time: invalid duration \(goQuoted(text))")
            }
            return .duration(duration)
        case (.duration, .int(let nanoseconds)): return .duration(nanoseconds)
        case (.timestamp, .string(let text)):
            guard let time = CELTime(text), CELTime.validSeconds.contains(time.seconds) else {
                throw .failed("parsing time \(goQuoted(text)): invalid timestamp")
            }
            return .timestamp(time)
        case (.timestamp, .int(let seconds)):
            guard CELTime.validSeconds.contains(seconds) else { throw .failed("timestamp overflow") }
            return .timestamp(CELTime(seconds: seconds, nanoseconds: 0))
        case (.getHours, .duration(let span)): return .int(span / 3_600_000_000_000)
        case (.getMinutes, .duration(let span)): return .int(span / 60_000_000_000)
        case (.getSeconds, .duration(let span)): return .int(span / 1_000_000_000)
        case (.getMilliseconds, .duration(let span)): return .int(span / 1_000_000)
        case (_, .timestamp(let time)): return .int(try field(function, time, zone))
        default: throw .noSuchOverload
        }
    }

    private static func field(_ function: CELFunction, _ time: CELTime, _ zone: String?) throws(CELFailure) -> Int64 {
        let local = time.seconds + (try zone.map { zone throws(CELFailure) in try offset(zone, time) } ?? 0)
        let (days, second) = local.quotientAndRemainder(flooring: 86400)
        switch function {
        case .getHours: return second / 3600
        case .getMinutes: return second / 60 % 60
        case .getSeconds: return second % 60
        case .getMilliseconds: return time.nanoseconds / 1_000_000
        // 1 January 1970 was a Thursday; weeks start on Sunday.
        case .getDayOfWeek: return (days + 4).quotientAndRemainder(flooring: 7).remainder
        default: break
        }
        let date = RFC3339.format(seconds: days * 86400, microseconds: nil).utf8.prefix(10)
        let parts = String(decoding: date, as: UTF8.self).split(separator: "-").compactMap { Int64($0) }
        guard parts.count == 3 else { throw .failed("timestamp overflow") }
        switch function {
        case .getFullYear: return parts[0]
        case .getMonth: return parts[1] - 1
        case .getDate: return parts[2]
        case .getDayOfMonth: return parts[2] - 1
        case .getDayOfYear:
            let year = String(decoding: date.prefix(4), as: UTF8.self)
            guard let start = RFC3339.parse("\(year)-01-01T00:00:00Z") else { throw .failed("timestamp overflow") }
            return days - start.seconds / 86400
        default: throw .noSuchOverload
        }
    }

    /// Seconds east of Greenwich of `UTC`, `+05:30` or `Europe/Berlin`.
    private static func offset(_ zone: String, _ time: CELTime) throws(CELFailure) -> Int64 {
        if zone == "UTC" || zone.isEmpty { return 0 }
        guard zone.utf8.contains(UInt8(ascii: ":")) else {
            guard let named = CELTimeZone.named(zone) else { throw .failed("unknown time zone \(zone)") }
            return named.offset(at: time.seconds)
        }
        let isNegative = zone.hasPrefix("-")
        let digits = zone.hasPrefix("-") || zone.hasPrefix("+") ? zone.dropFirst() : zone[...]
        let parts = digits.split(separator: ":")
        guard parts.count == 2, let hours = Int64(parts[0]), let minutes = Int64(parts[1]), (0..<24).contains(hours),
            (0..<60).contains(minutes)
        else { throw .failed("unknown time zone \(zone)") }
        return (hours * 3600 + minutes * 60) * (isNegative ? -1 : 1)
    }
}
