/// A message in protocol buffers' text format, as far as conformance data uses it.
struct TextProto {
    enum Value {
        case message(TextProto)
        case text([UInt8])
        /// A number, `true`, or the name of an enumeration's value.
        case word(String)
    }

    private(set) var fields: [(name: String, value: Value)] = []

    struct Malformed: Error {
        let offset: Int
    }

    init(_ bytes: [UInt8]) throws {
        var reader = Reader(bytes: bytes)
        self = try reader.message(until: nil)
    }

    fileprivate init() {}

    fileprivate mutating func append(_ name: String, _ value: Value) { fields.append((name, value)) }

    func messages(_ name: String) -> [TextProto] {
        fields.compactMap { field in
            if field.name == name, case .message(let message) = field.value { message } else { nil }
        }
    }

    subscript(name: String) -> Value? { fields.first { $0.name == name }?.value }

    func message(_ name: String) -> TextProto? { messages(name).first }

    func text(_ name: String) -> String? {
        switch self[name] {
        case .text(let bytes): String(decoding: bytes, as: UTF8.self)
        case .word(let word): word
        default: nil
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        mutating func skip() {
            while place < bytes.count {
                if bytes[place] == UInt8(ascii: "#") {
                    while place < bytes.count, bytes[place] != UInt8(ascii: "\n") { place += 1 }
                } else if bytes[place] <= 0x20 || bytes[place] == UInt8(ascii: ",") || bytes[place] == UInt8(ascii: ";")
                {
                    place += 1
                } else {
                    return
                }
            }
        }

        mutating func take(_ character: Character) -> Bool {
            skip()
            guard place < bytes.count, bytes[place] == character.asciiValue else { return false }
            place += 1
            return true
        }

        mutating func message(until end: Character?) throws -> TextProto {
            var message = TextProto()
            while true {
                skip()
                if let end, take(end) { return message }
                guard place < bytes.count else {
                    guard end == nil else { throw Malformed(offset: place) }
                    return message
                }
                let name = try name()
                let hasColon = take(":")
                if take("[") {
                    while !take("]") { message.append(name, try value()) }
                    continue
                }
                guard hasColon || bytes[place] == UInt8(ascii: "{") || bytes[place] == UInt8(ascii: "<") else {
                    throw Malformed(offset: place)
                }
                message.append(name, try value())
            }
        }

        private mutating func name() throws -> String {
            skip()
            let start = place
            if bytes[place] == UInt8(ascii: "[") {
                while place < bytes.count, bytes[place] != UInt8(ascii: "]") { place += 1 }
                place += 1
            } else {
                while place < bytes.count, isWord(bytes[place]) { place += 1 }
            }
            guard place > start, place <= bytes.count else { throw Malformed(offset: place) }
            return String(decoding: bytes[start..<place], as: UTF8.self)
        }

        private func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "+"):
                true
            default: false
            }
        }

        private mutating func value() throws -> Value {
            skip()
            guard place < bytes.count else { throw Malformed(offset: place) }
            if take("{") { return .message(try message(until: "}")) }
            if take("<") { return .message(try message(until: ">")) }
            if bytes[place] == UInt8(ascii: "\"") || bytes[place] == UInt8(ascii: "'") {
                var text: [UInt8] = []
                // Strings side by side are one.
                while place < bytes.count, bytes[place] == UInt8(ascii: "\"") || bytes[place] == UInt8(ascii: "'") {
                    text += try string()
                    skip()
                }
                return .text(text)
            }
            return .word(try name())
        }

        private mutating func string() throws -> [UInt8] {
            let quote = bytes[place]
            place += 1
            var text: [UInt8] = []
            while place < bytes.count, bytes[place] != quote {
                guard bytes[place] == UInt8(ascii: "\\") else {
                    text.append(bytes[place])
                    place += 1
                    continue
                }
                place += 1
                text += try escape()
            }
            guard place < bytes.count else { throw Malformed(offset: place) }
            place += 1
            return text
        }

        private mutating func escape() throws -> [UInt8] {
            guard place < bytes.count else { throw Malformed(offset: place) }
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "n"): return [10]
            case UInt8(ascii: "r"): return [13]
            case UInt8(ascii: "t"): return [9]
            case UInt8(ascii: "a"): return [7]
            case UInt8(ascii: "b"): return [8]
            case UInt8(ascii: "f"): return [12]
            case UInt8(ascii: "v"): return [11]
            case UInt8(ascii: "x"): return [UInt8(truncatingIfNeeded: digits(radix: 16, most: 2))]
            case UInt8(ascii: "u"): return try scalar(digits(radix: 16, most: 4))
            case UInt8(ascii: "U"): return try scalar(digits(radix: 16, most: 8))
            case UInt8(ascii: "0")...UInt8(ascii: "7"):
                place -= 1
                return [UInt8(truncatingIfNeeded: digits(radix: 8, most: 3))]
            default: return [byte]
            }
        }

        private func scalar(_ value: UInt32) throws -> [UInt8] {
            guard let scalar = Unicode.Scalar(value) else { throw Malformed(offset: place) }
            return Array(String(Character(scalar)).utf8)
        }

        private mutating func digits(radix: UInt32, most: Int) -> UInt32 {
            var value: UInt32 = 0
            var count = 0
            while count < most, place < bytes.count,
                let digit = Character(Unicode.Scalar(bytes[place])).hexDigitValue, digit < radix
            {
                value = value * radix + UInt32(digit)
                place += 1
                count += 1
            }
            return value
        }
    }
}
