/// Finds the pieces of a chunked body (RFC 9112, 7.1) in buffers as they arrive. A plain value of a few words; strict
/// about line ends and sizes. Extensions and trailer fields are checked, bounded and skipped.
package struct HTTP1ChunkedDecoder: Sendable {
    package enum Step: Sendable, Hashable {
        /// Payload bytes, as a range of the buffer; call again.
        case data(Range<Int>)
        /// The buffer is used up.
        case needsMore
        /// The body is complete; `position` is where the next message begins.
        case end
        /// The body is malformed: the connection must be closed.
        case invalid
    }

    private enum State: UInt8, Sendable {
        case size, afterSize, chunkExtension, sizeLineFeed
        case data, dataReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, lastLineFeed
        case done, broken
    }

    private var state = State.size
    private var digits: UInt8 = 0
    /// Bytes of the current chunk that have not arrived.
    private var remaining = 0
    /// Bytes of extensions and trailers so far.
    private var overhead = 0
    private static let maximumOverhead = 16 * 1024

    package init() {}

    package var isComplete: Bool { state == .done }

    /// Goes on at `position`, and moves it behind what was used.
    package mutating func next(_ buffer: UnsafeRawBufferPointer, position: inout Int) -> Step {
        while position < buffer.count {
            if state == .data {
                let end = min(buffer.count, remaining < buffer.count - position ? position + remaining : buffer.count)
                let range = position..<end
                remaining -= range.count
                position = end
                if remaining == 0 { state = .dataReturn }
                return .data(range)
            }
            if state == .done { return .end }
            state = after(buffer[position])
            if state == .broken { return .invalid }
            position += 1
            if state == .done { return .end }
        }
        switch state {
        case .done: return .end
        case .broken: return .invalid
        default: return .needsMore
        }
    }

    private mutating func after(_ byte: UInt8) -> State {
        switch state {
        case .size:
            if let digit = Self.hexValue(byte) {
                // 15 digits stay below 2^60.
                guard digits < 15 else { return .broken }
                digits += 1
                remaining = remaining << 4 | Int(digit)
                return .size
            }
            guard digits > 0 else { return .broken }
            return afterSize(byte)
        case .afterSize: return afterSize(byte)
        case .chunkExtension:
            if byte == 0x0D { return .sizeLineFeed }
            return isCounted(byte) ? .chunkExtension : .broken
        case .sizeLineFeed:
            guard byte == 0x0A else { return .broken }
            digits = 0
            return remaining == 0 ? .trailerStart : .data
        case .dataReturn: return byte == 0x0D ? .dataLineFeed : .broken
        case .dataLineFeed: return byte == 0x0A ? .size : .broken
        case .trailerStart:
            if byte == 0x0D { return .lastLineFeed }
            return HTTP1Scan.isToken(byte) && isCounted(byte) ? .trailerName : .broken
        case .trailerName:
            if byte == 0x3A { return .trailerValue }
            return HTTP1Scan.isToken(byte) && isCounted(byte) ? .trailerName : .broken
        case .trailerValue:
            if byte == 0x0D { return .trailerLineFeed }
            return isCounted(byte) ? .trailerValue : .broken
        case .trailerLineFeed: return byte == 0x0A ? .trailerStart : .broken
        case .lastLineFeed: return byte == 0x0A ? .done : .broken
        case .data, .done, .broken: return .broken
        }
    }

    private mutating func afterSize(_ byte: UInt8) -> State {
        switch byte {
        case 0x0D: return .sizeLineFeed
        case 0x3B: return .chunkExtension
        // "Bad" white space before an extension.
        case 0x20, 0x09: return isCounted(byte) ? .afterSize : .broken
        default: return .broken
        }
    }

    /// Whether a byte may stand in an extension or trailer value and there is still room for it.
    private mutating func isCounted(_ byte: UInt8) -> Bool {
        overhead += 1
        return overhead <= Self.maximumOverhead && (byte >= 0x20 || byte == 0x09) && byte != 0x7F
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

/// Writes the framing of a chunked body.
package enum HTTP1ChunkedEncoder {
    /// What ends a body without trailers.
    package static let end: StaticString = "0\r\n\r\n"
    /// The most bytes that ``writeSize(_:to:)`` writes.
    package static let maximumSizeLine = 18

    /// Writes the size line of a chunk of `size` bytes (more than 0) to the start of `output`, which has room for
    /// ``maximumSizeLine`` bytes; returns its length. The payload and CR LF follow.
    package static func writeSize(_ size: Int, to output: UnsafeMutableRawBufferPointer) -> Int {
        precondition(size > 0)
        let digits: StaticString = "0123456789abcdef"
        let count = (Int.bitWidth - size.leadingZeroBitCount + 3) / 4
        for index in 0..<count {
            output[index] = digits.utf8Start[(size >> (4 * (count - 1 - index))) & 15]
        }
        output[count] = 0x0D
        output[count + 1] = 0x0A
        return count + 2
    }

    /// As ``writeSize(_:to:)``, at the end of an array.
    package static func appendSize(_ size: Int, to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: maximumSizeLine, alignment: 1) { scratch in
            let count = writeSize(size, to: scratch)
            output.append(contentsOf: scratch[..<count])
        }
    }
}
