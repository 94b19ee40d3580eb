/// `metav1.Time`: a moment to the second, written in RFC 3339 in UTC.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public var secondsSinceEpoch: Int64

    public init(secondsSinceEpoch: Int64) {
        self.secondsSinceEpoch = secondsSinceEpoch
    }

    /// Reads RFC 3339 with any offset; a fraction of a second is cut off.
    public init?(_ text: String) {
        guard let moment = RFC3339.parse(text) else { return nil }
        secondsSinceEpoch = moment.seconds
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.secondsSinceEpoch < right.secondsSinceEpoch
    }

    /// So many seconds later, or earlier; never before the year 0 or after the year 9999, which have no RFC 3339 text.
    public func advanced(bySeconds seconds: Int64) -> Timestamp {
        let (sum, overflows) = secondsSinceEpoch.addingReportingOverflow(seconds)
        let moment = overflows ? (seconds < 0 ? Int64.min : .max) : sum
        return Timestamp(secondsSinceEpoch: min(max(moment, Self.first), Self.last))
    }

    private static let first: Int64 = -62_167_219_200
    private static let last: Int64 = 253_402_300_799
}

extension Timestamp: LosslessStringConvertible, Codable {
    public var description: String { RFC3339.format(seconds: secondsSinceEpoch, microseconds: nil) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Timestamp(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be an RFC 3339 time")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// `metav1.MicroTime`: a moment to the microsecond, written in RFC 3339 in UTC with six decimals.
public struct MicroTime: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var microsecondsSinceEpoch: Int64

    public init(microsecondsSinceEpoch: Int64) {
        self.microsecondsSinceEpoch = microsecondsSinceEpoch
    }

    /// Reads RFC 3339 with any offset; what is finer than a microsecond is cut off.
    public init?(_ text: String) {
        guard let moment = RFC3339.parse(text) else { return nil }
        microsecondsSinceEpoch = moment.seconds * 1_000_000 + Int64(moment.nanoseconds / 1000)
    }

    public static func < (left: MicroTime, right: MicroTime) -> Bool {
        left.microsecondsSinceEpoch < right.microsecondsSinceEpoch
    }

    /// The same moment to the second.
    public var timestamp: Timestamp {
        Timestamp(secondsSinceEpoch: microsecondsSinceEpoch.quotientAndRemainder(flooring: 1_000_000).quotient)
    }
}

extension MicroTime: LosslessStringConvertible, Codable {
    public var description: String {
        let (seconds, rest) = microsecondsSinceEpoch.quotientAndRemainder(flooring: 1_000_000)
        return RFC3339.format(seconds: seconds, microseconds: Int(rest))
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = MicroTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be an RFC 3339 time")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Int64 {
    /// Division whose remainder is never negative.
    package func quotientAndRemainder(flooring divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// The date and time text of RFC 3339, years 0 to 9999.
package enum RFC3339 {
    package static func parse(_ text: String) -> (seconds: Int64, nanoseconds: Int)? {
        var copy = text
        return copy.withUTF8 { parse($0) }
    }

    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> (seconds: Int64, nanoseconds: Int)? {
        guard text.count >= 20, text.count <= 64,
            let year = digits(text, 0, 4), text[4] == UInt8(ascii: "-"),
            let month = digits(text, 5, 2), text[7] == UInt8(ascii: "-"),
            let day = digits(text, 8, 2), text[10] == UInt8(ascii: "T"),
            let hour = digits(text, 11, 2), text[13] == UInt8(ascii: ":"),
            let minute = digits(text, 14, 2), text[16] == UInt8(ascii: ":"),
            let second = digits(text, 17, 2),
            (1...12).contains(month), (1...daysIn(month: month, year: year)).contains(day), hour < 24, minute < 60,
            second < 60
        else { return nil }
        var place = 19
        var nanoseconds = 0
        if text[place] == UInt8(ascii: ".") {
            place += 1
            let first = place
            var unit = 100_000_000
            while place < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[place]) {
                nanoseconds += Int(text[place] - UInt8(ascii: "0")) * unit
                unit /= 10
                place += 1
            }
            guard place > first, place < text.count else { return nil }
        }
        var offset = 0
        switch text[place] {
        case UInt8(ascii: "Z"):
            guard text.count == place + 1 else { return nil }
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard text.count == place + 6, text[place + 3] == UInt8(ascii: ":"),
                let hours = digits(text, place + 1, 2), let minutes = digits(text, place + 4, 2), hours < 24,
                minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (text[place] == UInt8(ascii: "-") ? -60 : 60)
        default:
            return nil
        }
        let days = daysFromEpoch(year: year, month: month, day: day)
        return (Int64(days * 86400 + hour * 3600 + minute * 60 + second - offset), nanoseconds)
    }

    package static func format(seconds: Int64, microseconds: Int?) -> String {
        let (days, rest) = seconds.quotientAndRemainder(flooring: 86400)
        let (year, month, day) = civil(daysFromEpoch: Int(days))
        // Moments that RFC 3339 has no text for have longer years.
        let yearWidth = max(4, String(year).utf8.count)
        return String(unsafeUninitializedCapacity: yearWidth + 23) { text in
            var place = 0
            put(year, yearWidth, "-", at: &place, in: text)
            put(month, 2, "-", at: &place, in: text)
            put(day, 2, "T", at: &place, in: text)
            put(Int(rest) / 3600, 2, ":", at: &place, in: text)
            put(Int(rest) / 60 % 60, 2, ":", at: &place, in: text)
            put(Int(rest) % 60, 2, microseconds == nil ? "Z" : ".", at: &place, in: text)
            if let microseconds { put(microseconds, 6, "Z", at: &place, in: text) }
            return place
        }
    }

    private static func digits(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int) -> Int? {
        var value = 0
        for place in start..<(start + count) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[place]) else { return nil }
            value = value * 10 + Int(text[place] - UInt8(ascii: "0"))
        }
        return value
    }

    /// Writes a number with just so many digits, and what stands behind it.
    @inline(__always)
    private static func put(
        _ value: Int, _ width: Int, _ end: Unicode.Scalar, at place: inout Int,
        in text: UnsafeMutableBufferPointer<UInt8>
    ) {
        var rest = value.magnitude
        var digit = width
        while digit > 0 {
            digit -= 1
            text[place + digit] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        text[place + width] = UInt8(ascii: end)
        place += width + 1
    }

    private static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // Both count in eras of 400 years that start on 1 March, so that the leap day is an era's last day
    // (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func daysFromEpoch(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(daysFromEpoch days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
