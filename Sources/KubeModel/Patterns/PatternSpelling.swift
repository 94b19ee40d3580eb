/// Where Go reads patterns otherwise than RE2.
enum PatternSpelling {
    /// How many groups may stand in each other: Go's `maxHeight` of 1,000, of which the innermost text takes one. Go does not
    /// count groups that capture nothing.
    static let nestingLimit = 999

    /// Go reads `(?<name>` too, and refuses `\C`, a single byte that need not be text.
    static func forRE2(_ source: String) throws(TextPattern.Unsupported) -> String {
        let bytes = Array(source.utf8)
        var result: [UInt8] = []
        var isInClass = false
        var nesting = 0
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            let next = place + 1 < bytes.count ? bytes[place + 1] : 0
            switch byte {
            case UInt8(ascii: "\\"):
                if next == UInt8(ascii: "C") {
                    throw TextPattern.Unsupported(message: "invalid escape sequence: `\\C`")
                }
                result.append(byte)
                place += 1
                guard place < bytes.count else { return source }
                if next == UInt8(ascii: "Q"), !isInClass {
                    let end = literalEnd(bytes, place)
                    result += bytes[place..<end]
                    place = end
                    continue
                }
            case UInt8(ascii: "["):
                isInClass = true
                // A bracket that comes first is a member.
                let second = next == UInt8(ascii: "^") ? 1 : 0
                if place + 1 + second < bytes.count, bytes[place + 1 + second] == UInt8(ascii: "]") {
                    result += bytes[place...(place + second)]
                    place += 1 + second
                }
            case UInt8(ascii: "]"): isInClass = false
            case UInt8(ascii: ")") where !isInClass: nesting -= 1
            case UInt8(ascii: "(") where !isInClass:
                nesting += 1
                guard nesting <= nestingLimit else {
                    throw TextPattern.Unsupported(message: "expression nests too deeply")
                }
                guard next == UInt8(ascii: "?") else { break }
                let follows = bytes[(place + 2)...].prefix(2)
                if follows.first == UInt8(ascii: "<"), follows.last != UInt8(ascii: "="),
                    follows.last != UInt8(ascii: "!")
                {
                    result += Array("(?P".utf8)
                    place += 2
                    continue
                }
            default: break
            }
            result.append(bytes[place])
            place += 1
        }
        return result.count == bytes.count ? source : String(decoding: result, as: UTF8.self)
    }

    /// Behind the `\E` that ends a `\Q`, or the end.
    private static func literalEnd(_ bytes: [UInt8], _ start: Int) -> Int {
        var place = start
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "\\"), place + 1 < bytes.count, bytes[place + 1] == UInt8(ascii: "E") {
                return place + 2
            }
            place += 1
        }
        return bytes.count
    }
}
