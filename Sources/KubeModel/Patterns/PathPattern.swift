internal import CRE2

/// A path of an Ingress as a regular expression, as ingress-nginx gives it to nginx (`location ~* "^PATH"`), for RE2. Pure.
///
/// Letters of ASCII match in both cases, everything else byte by byte; `^` stands in front of the text as it is, so that
/// only its first alternative begins where the path does.
package struct PathPattern: Hashable, Sendable {
    package static let maxBytes = 1024
    /// What the program, and what it remembers while it matches, may take, in bytes.
    package static let memory: Int64 = 128 << 10

    /// As RE2 reads it, in ASCII.
    package let expression: String
    /// What every path that it matches begins with, letters of ASCII in lower case. Empty where that is not sure.
    package let start: [UInt8]
    /// A later alternative matches anywhere in a path.
    package let hasLooseAlternative: Bool

    package init(_ path: String) {
        let scan = PathPatternScan(Array(path.utf8))
        expression = "^" + String(decoding: scan.spelling, as: UTF8.self)
        hasLooseAlternative = scan.hasAlternative
        start = scan.hasAlternative ? [] : scan.start
    }

    /// What is wrong with a path as a pattern, in words; nil for nothing.
    package static func problem(of path: String) -> String? {
        if path.utf8.count > maxBytes { return "is longer than 1,024 characters" }
        if path.utf8.contains(0) { return "has a zero byte" }
        let scan = PathPatternScan(Array(path.utf8))
        if let foreign = scan.foreign { return "has \(foreign), which regular expressions in linear time do not have" }
        return PathPattern(path).compiled { handle, problem, fragment in
            let isTooLarge = handle.map { martlet_re2_size($0) > MARTLET_RE2_PATH_SIZE } ?? false
            if handle != nil, !isTooLarge { return nil }
            if isTooLarge || problem == MARTLET_RE2_TOO_LARGE { return "is too large as a regular expression" }
            return fragment.isEmpty
                ? "is no regular expression of RE2" : "is no regular expression of RE2, because of \(fragment)"
        }
    }

    /// Whether it matches a path, given as it is after decoding; false for what is no pattern. Compiles it each time.
    package func matches(_ path: some StringProtocol) -> Bool {
        compiled { handle, _, _ in
            guard let handle else { return false }
            var text = String(path)
            return text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { martlet_re2_matches(handle, $0.baseAddress, $0.count) }
            }
        }
    }

    private func compiled<Result>(_ use: (OpaquePointer?, martlet_re2_problem, String) -> Result) -> Result {
        var text = expression
        var problem = MARTLET_RE2_FINE
        return text.withUTF8 { bytes in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
                var length = 0
                let handle = bytes.withMemoryRebound(to: CChar.self) { characters in
                    martlet_re2_compile_path(
                        characters.baseAddress, characters.count, Self.memory, &problem, buffer.baseAddress,
                        buffer.count, &length)
                }
                defer { martlet_re2_free(handle) }
                return use(
                    handle, problem,
                    String(decoding: buffer[..<length].lazy.map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
        }
    }
}

/// One pass over a pattern.
private struct PathPatternScan {
    /// As RE2 is to read it.
    private(set) var spelling: [UInt8] = []
    private(set) var start: [UInt8] = []
    private(set) var hasAlternative = false
    /// What PCRE has and RE2 has not.
    private(set) var foreign: String?

    private let bytes: [UInt8]
    private var place = 0
    private var depth = 0
    private var isInClass = false
    /// ``start`` may still grow.
    private var isLiteral = true
    /// The last thing was a repetition, so that a `+` behind it makes it possessive.
    private var isRepeated = false

    init(_ source: [UInt8]) {
        bytes = Self.unquoted(source)
        while place < bytes.count { step() }
    }

    /// As nginx reads what stands in quotes in its configuration: two backslashes are one.
    private static func unquoted(_ source: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "\\"), index + 1 < source.count, "\\\"'".utf8.contains(source[index + 1]) {
                index += 1
            }
            result.append(source[index])
            index += 1
        }
        return result
    }

    private func byte(_ offset: Int) -> UInt8 { place + offset < bytes.count ? bytes[place + offset] : 0 }

    private mutating func step() {
        let byte = byte(0)
        let wasRepeated = isRepeated
        isRepeated = false
        if byte == UInt8(ascii: "\\") { return escape() }
        if isInClass {
            if byte == UInt8(ascii: "]") { isInClass = false }
            return emit(byte)
        }
        switch byte {
        case UInt8(ascii: "["):
            isLiteral = false
            isInClass = true
            emit(byte)
            if self.byte(0) == UInt8(ascii: "^") { emit(self.byte(0)) }
            // A bracket that comes first is a member.
            if self.byte(0) == UInt8(ascii: "]") { emit(self.byte(0)) }
        case UInt8(ascii: "("): open()
        case UInt8(ascii: ")"):
            depth -= 1
            isLiteral = false
            emit(byte)
        case UInt8(ascii: "|"):
            if depth <= 0 { hasAlternative = true }
            isLiteral = false
            emit(byte)
        case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "{"), UInt8(ascii: "+"):
            if byte == UInt8(ascii: "+"), wasRepeated { foreign = foreign ?? "a possessive repetition" }
            // The last character need not be there.
            if isLiteral, byte != UInt8(ascii: "+"), !start.isEmpty { start.removeLast() }
            isLiteral = false
            isRepeated = byte != UInt8(ascii: "{")
            emit(byte)
        case UInt8(ascii: "}"):
            isRepeated = true
            emit(byte)
        case UInt8(ascii: "^"), UInt8(ascii: "$"), UInt8(ascii: "."):
            isLiteral = false
            emit(byte)
        default:
            literal(byte)
        }
    }

    private mutating func emit(_ byte: UInt8) {
        if byte < 0x80 {
            spelling.append(byte)
        } else if isInClass {
            spelling += Self.escaped(byte)
        } else {
            // nginx folds no cases but those of ASCII.
            spelling += Array("(?-i:".utf8) + Self.escaped(byte) + [UInt8(ascii: ")")]
        }
        place += 1
    }

    private static func escaped(_ byte: UInt8) -> [UInt8] {
        Array((byte < 16 ? "\\x0" : "\\x").utf8) + Array(String(byte, radix: 16).utf8)
    }

    private mutating func literal(_ byte: UInt8) {
        if isLiteral { start.append(byte &- 0x41 < 26 ? byte | 0x20 : byte) }
        emit(byte)
    }

    private mutating func escape() {
        let next = byte(1)
        if !isInClass {
            switch next {
            case 0x31...0x39: foreign = foreign ?? "the back reference \\\(UnicodeScalar(next))"
            case UInt8(ascii: "g"), UInt8(ascii: "k"): foreign = foreign ?? "a back reference"
            default: break
            }
        }
        spelling.append(UInt8(ascii: "\\"))
        place += 1
        guard place < bytes.count else { return }
        let isPunctuation = 0x21..<0x7F ~= next && !isAlphanumeric(next)
        if next >= 0x80 {
            // An escaped byte is itself.
            spelling.removeLast()
        }
        if isInClass || !isPunctuation {
            if !isInClass { isLiteral = false }
            emit(next)
        } else {
            literal(next)
        }
    }

    private func isAlphanumeric(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 }

    private mutating func open() {
        depth += 1
        isLiteral = false
        emit(UInt8(ascii: "("))
        guard byte(0) == UInt8(ascii: "?") else {
            if byte(0) == UInt8(ascii: "*") { foreign = foreign ?? "a verb" }
            return
        }
        let isNamed = byte(1) == UInt8(ascii: "<") && byte(2) != UInt8(ascii: "=") && byte(2) != UInt8(ascii: "!")
        switch byte(1) {
        case UInt8(ascii: "="), UInt8(ascii: "!"): foreign = foreign ?? "a look ahead"
        case UInt8(ascii: "<") where !isNamed: foreign = foreign ?? "a look behind"
        case UInt8(ascii: ">"): foreign = foreign ?? "an atomic group"
        case UInt8(ascii: "("): foreign = foreign ?? "a condition"
        case UInt8(ascii: "#"): foreign = foreign ?? "a comment"
        case UInt8(ascii: "R"), UInt8(ascii: "&"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            foreign = foreign ?? "a recursion"
        default: break
        }
        emit(UInt8(ascii: "?"))
        if isNamed { spelling.append(UInt8(ascii: "P")) }
    }
}
