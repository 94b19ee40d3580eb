internal import Transport

/// A target for the upstream in place of the request's, and fields that belong to it. Without memory where there is none.
struct RewrittenTarget {
    /// The target, and behind it lines that begin with CR and LF.
    var bytes = ByteBuffer()
    var targetCount = 0

    var lineCount: Int { bytes.count - targetCount }
}

extension TargetRewrite {
    /// What a target is made of.
    struct Source {
        /// Decoded and normal.
        var path: RequestValue.Bytes
        var captures: PathProgram.Captures
        /// The request's arguments as it has them.
        var query: RequestValue.Bytes
        /// The request's path has escapes or plus signs, so that captures are escaped in arguments.
        var isQuoted: Bool
    }

    enum Outcome: Equatable {
        case written(Int)
        /// It would be longer than there is room.
        case tooLong
        /// It would have an element `..`, which leads elsewhere than the target says.
        case climbs
    }

    /// Writes the target, escaped as nginx escapes paths that it has changed (`ngx_escape_uri`); nothing of a capture can end it
    /// or its path.
    ///
    /// - Parameter room: in bytes at `destination`; without that only its length is found out.
    func write(_ source: Source, to destination: UnsafeMutablePointer<UInt8>?, room: Int) -> Outcome {
        var out = TargetWriter(destination, room: room)
        for part in path {
            switch part {
            case .text(let text): text.withUnsafeBufferPointer { out.put(path: $0) }
            case .group(let number): out.put(path: Self.capture(number, source))
            }
        }
        out.endElement()
        var mark: UInt8 = 0x3F
        if let arguments {
            out.put(mark)
            mark = 0x26
            for part in arguments {
                switch part {
                case .text(let text): text.withUnsafeBufferPointer { out.put(raw: $0) }
                case .group(let number):
                    let bytes = Self.capture(number, source)
                    if source.isQuoted { out.put(argument: bytes) } else { out.put(raw: bytes) }
                }
            }
        }
        if keepsArguments, !source.query.isEmpty {
            out.put(mark)
            out.put(raw: source.query)
        }
        if out.climbs { return .climbs }
        return out.count > room ? .tooLong : .written(out.count)
    }

    private static func capture(_ number: Int, _ source: Source) -> RequestValue.Bytes {
        let (first, end) = (source.captures[2 * number], source.captures[2 * number + 1])
        guard first <= end, end <= UInt(source.path.count) else { return RequestValue.Bytes(start: nil, count: 0) }
        return RequestValue.Bytes(rebasing: source.path[Int(first)..<Int(end)])
    }
}

/// Counts bytes, and writes those for which there is room.
private struct TargetWriter {
    private(set) var count = 0
    private(set) var climbs = false
    private let destination: UnsafeMutablePointer<UInt8>?
    private let room: Int
    /// Of the path's last element, as long as it has nothing but dots; -1 then.
    private var dots = 0

    init(_ destination: UnsafeMutablePointer<UInt8>?, room: Int) {
        self.destination = destination
        self.room = room
    }

    mutating func put(_ byte: UInt8) {
        if let destination, count < room { destination[count] = byte }
        count += 1
    }

    mutating func put(raw bytes: RequestValue.Bytes) {
        for byte in bytes { put(byte) }
    }

    mutating func put(path bytes: RequestValue.Bytes) {
        for byte in bytes {
            if byte == 0x2F {
                endElement()
            } else if byte == 0x2E {
                if dots >= 0 { dots += 1 }
            } else {
                dots = -1
            }
            if Self.isEscaped(byte) { put(escaped: byte) } else { put(byte) }
        }
    }

    mutating func endElement() {
        if dots == 2 { climbs = true }
        dots = 0
    }

    mutating func put(argument bytes: RequestValue.Bytes) {
        for byte in bytes {
            let separates = byte == 0x26 || byte == 0x2B || byte == 0x3B
            if separates || Self.isEscaped(byte) { put(escaped: byte) } else { put(byte) }
        }
    }

    private mutating func put(escaped byte: UInt8) {
        put(0x25)
        put(Self.digit(byte >> 4))
        put(Self.digit(byte & 15))
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

    /// Space, `"`, `#`, `%`, `<`, `>`, `?`, `\`, `^`, `` ` ``, `{`, `|`, `}`, controls, and what is not ASCII.
    private static func isEscaped(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7F...0xFF, 0x22, 0x23, 0x25, 0x3C, 0x3E, 0x3F, 0x5C, 0x5E, 0x60, 0x7B, 0x7C, 0x7D: true
        default: false
        }
    }
}
