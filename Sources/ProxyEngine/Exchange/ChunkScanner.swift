/// Finds the end of a chunked body (RFC 9112 section 7.1) without copying it.
///
/// Strict, since whatever it accepts is forwarded as it is: lines end in CRLF only, a size is 1 to 15 hexadecimal
/// digits, extensions hold no control characters and are bounded (``Extensions``). The trailer section is bounded and its lines end
/// in CRLF; what may be passed on of it is not decided here, so the bytes to pass on as they are end with the last chunk's line.
struct ChunkScanner: BitwiseCopyable {
    enum Progress: Equatable {
        /// Everything was consumed and belongs to the body; more must come.
        case more
        /// The body ended.
        case done
        /// The bytes are no chunked body; nothing of them may be forwarded.
        case malformed
    }

    /// How much a size line may hold beside its size, and what becomes of it.
    enum Extensions: UInt8 {
        /// Of a request, whose sender is anybody: passed on as they are, so a line's are bounded, and all of a body's.
        case passedOn
        /// Of a response: skipped as any recipient may (RFC 9112 section 7.1.1), so only a line's are bounded.
        case skipped
    }

    private enum State: UInt8 {
        case sizeFirst, size, padding, extension_, sizeLF, data, dataCR, dataLF
        case trailerStart, trailer, trailerLF, endLF, done
    }

    private var state = State.sizeFirst
    private var digits: UInt8 = 0
    private var isLast = false
    private var trailerBytes: UInt16 = 0
    /// Padding and extensions of this size line, and of all of them.
    private let extensions: Extensions
    private var lineExtra: UInt16 = 0
    private var totalExtra: UInt32 = 0
    private var remaining = 0

    /// Bytes of content seen, without framing.
    private(set) var contentBytes = 0

    init(extensions: Extensions = .passedOn) { self.extensions = extensions }

    /// Scans `count` bytes.
    ///
    /// - Parameter forwarded: how many leading bytes are to be passed on as they are.
    /// - Parameter consumed: how many bytes belong to the message, trailers included.
    /// - Parameter content: called for each run of content bytes.
    /// - Parameter extra: called for each run of what stands between a size and the end of its line.
    @inline(__always)
    mutating func scan(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, forwarded: inout Int, consumed: inout Int,
        content: (_ offset: Int, _ count: Int) -> Void, extra: (_ offset: Int, _ count: Int) -> Void = { _, _ in }
    ) -> Progress {
        var index = 0
        forwarded = count
        consumed = count
        if state.rawValue >= State.trailerStart.rawValue { forwarded = 0 }
        while index < count {
            if state == .data {
                let run = min(remaining, count - index)
                content(index, run)
                contentBytes += run
                index += run
                remaining -= run
                if remaining > 0 { return .more }
                state = .dataCR
                continue
            }
            if state == .padding || state == .extension_ {
                let start = index
                guard scanExtra(bytes, count, &index) else { return .malformed }
                if index > start { extra(start, index - start) }
                if index == count { return .more }
                // The line's end, which is not an extra.
                index += 1
                state = .sizeLF
                continue
            }
            let byte = bytes[index]
            index += 1
            switch state {
            case .sizeFirst, .size:
                let value = Self.hexValue(byte)
                if value < 16 {
                    digits += 1
                    if digits > 15 { return .malformed }
                    remaining = remaining << 4 | Int(value)
                    state = .size
                } else if state == .sizeFirst {
                    return .malformed
                } else if byte == 0x0D {
                    state = .sizeLF
                } else {
                    // It is looked at again as the first of the extras.
                    index -= 1
                    lineExtra = 0
                    state = .padding
                }
            case .sizeLF:
                if byte != 0x0A { return .malformed }
                digits = 0
                if remaining == 0 {
                    forwarded = index
                    state = .trailerStart
                } else {
                    state = .data
                }
            case .dataCR:
                if byte != 0x0D { return .malformed }
                state = .dataLF
            case .dataLF:
                if byte != 0x0A { return .malformed }
                state = .sizeFirst
            case .trailerStart:
                if byte == 0x0D {
                    state = .endLF
                } else if byte <= 0x20 || byte == 0x3A || byte >= 0x7F {
                    return .malformed
                } else {
                    state = .trailer
                }
            case .trailer:
                trailerBytes += 1
                if trailerBytes > 8192 { return .malformed }
                if byte == 0x0D {
                    state = .trailerLF
                } else if byte < 0x20 && byte != 0x09 || byte == 0x7F {
                    return .malformed
                }
            case .trailerLF:
                if byte != 0x0A { return .malformed }
                state = .trailerStart
            case .endLF:
                if byte != 0x0A { return .malformed }
                state = .done
                consumed = index
                return .done
            case .data, .padding, .extension_, .done:
                return .malformed
            }
        }
        return .more
    }

    /// Moves `index` to the CR that ends a size line, or to the end of what there is; false for what may not stand there.
    private mutating func scanExtra(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ index: inout Int) -> Bool {
        while index < count, bytes[index] != 0x0D {
            let byte = bytes[index]
            // Old servers pad the size with blanks; nothing but an extension may follow them.
            if state == .padding, byte == 0x3B {
                state = .extension_
            } else if state == .padding ? byte != 0x20 && byte != 0x09 : byte < 0x20 && byte != 0x09 || byte == 0x7F {
                return false
            }
            if countExtra() { return false }
            index += 1
        }
        return true
    }

    /// True when the line, or the body as a whole, carries more beside its sizes than anybody has reason to.
    private mutating func countExtra() -> Bool {
        lineExtra += 1
        totalExtra &+= 1
        return switch extensions {
        case .passedOn: lineExtra > Self.maxLineExtra || totalExtra > Self.maxTotalExtra
        case .skipped: lineExtra > Self.maxSkippedLineExtra
        }
    }

    /// The semicolon, and 256 bytes.
    private static var maxLineExtra: UInt16 { 257 }
    private static var maxSkippedLineExtra: UInt16 { 16 << 10 }
    private static var maxTotalExtra: UInt32 { 16 << 10 }

    private static func hexValue(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: 255
        }
    }
}
