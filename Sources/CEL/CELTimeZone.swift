import Glibc
import KubeModel
import Synchronization

/// A time zone by its name in the system's database (`America/New_York`), which Go's programs use too.
///
/// Source: RFC 8536, the Time Zone Information Format.
struct CELTimeZone: Sendable {
    /// When offsets change, in seconds since 1970, in order.
    private let transitions: [Int64]
    /// Seconds east of Greenwich from each of them on.
    private let offsets: [Int64]
    /// Before the first.
    private let initial: Int64

    /// Seconds east of Greenwich at a moment.
    func offset(at seconds: Int64) -> Int64 {
        var moment = seconds
        // The database lists what is known; rules of weeks and months come again after 28 years.
        if let last = transitions.last, moment > last {
            let cycle: Int64 = 28 * 31_557_600
            moment -= (moment - last + cycle - 1) / cycle * cycle
        }
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= moment { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? initial : offsets[low - 1]
    }

    /// nil for what is no such file.
    init?(file bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        guard let first = reader.header() else { return nil }
        // The second part has 64-bit times; the first is for old programs.
        var counts = first
        var width = 4
        if first.version >= 2 {
            reader.place += first.length(timeWidth: 4)
            guard let second = reader.header() else { return nil }
            counts = second
            width = 8
        }
        guard counts.types > 0, counts.times <= 10_000, counts.types <= 256,
            reader.place + counts.length(timeWidth: width) <= bytes.count
        else { return nil }
        transitions = (0..<counts.times).map { _ in reader.number(width) }
        let indexes = (0..<counts.times).map { _ in Int(reader.number(1) & 0xff) }
        let types = (0..<counts.types).map { _ in
            let offset = reader.number(4)
            reader.place += 2
            return offset
        }
        guard indexes.allSatisfy({ $0 < types.count }), zip(transitions, transitions.dropFirst()).allSatisfy(<) else {
            return nil
        }
        offsets = indexes.map { types[$0] }
        initial = types[0]
    }

    private struct Counts {
        var version = 0
        var universal = 0
        var standard = 0
        var leaps = 0
        var times = 0
        var types = 0
        var characters = 0

        func length(timeWidth: Int) -> Int {
            times * (timeWidth + 1) + types * 6 + characters + leaps * (timeWidth + 4) + standard + universal
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        /// A big-endian number with a sign.
        mutating func number(_ width: Int) -> Int64 {
            var value: Int64 = bytes[place] >= 0x80 ? -1 : 0
            for byte in bytes[place..<(place + width)] { value = value << 8 | Int64(byte) }
            place += width
            return value
        }

        mutating func header() -> Counts? {
            guard place + 44 <= bytes.count, bytes[place..<(place + 4)].elementsEqual("TZif".utf8) else { return nil }
            var counts = Counts()
            counts.version = Int(bytes[place + 4]) - 48
            place += 20
            let numbers = (0..<6).map { _ in Int(number(4)) }
            guard numbers.allSatisfy({ (0...100_000).contains($0) }) else { return nil }
            counts.universal = numbers[0]
            counts.standard = numbers[1]
            counts.leaps = numbers[2]
            counts.times = numbers[3]
            counts.types = numbers[4]
            counts.characters = numbers[5]
            return counts
        }
    }
}

extension CELTimeZone {
    private static let folder = "/usr/share/zoneinfo/"
    private static let largestFile = 64 << 10
    /// Zones that were asked for, so that a rule over many times reads one file. Rules choose the names: not unbounded.
    private static let known = Mutex<[ByteKey: CELTimeZone?]>([:])
    private static let knownLimit = 64

    /// nil for a name that is not in the database, or where there is none.
    static func named(_ name: String) -> CELTimeZone? {
        let key = ByteKey(name)
        if let found = known.withLock({ $0[key] }) { return found }
        let zone = isName(name) ? read(folder + name).flatMap { CELTimeZone(file: $0) } : nil
        known.withLock { known in
            if known.count >= knownLimit { known.removeAll() }
            known[key] = .some(zone)
        }
        return zone
    }

    /// Nothing that leads out of the database's folder.
    private static func isName(_ name: String) -> Bool {
        name.utf8.count <= 64
            && name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                            UInt8(ascii: "+"):
                            true
                        default: false
                        }
                    }
            }
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rbe") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: largestFile)
        let count = fread(&bytes, 1, bytes.count, file)
        return Array(bytes[..<count])
    }
}
