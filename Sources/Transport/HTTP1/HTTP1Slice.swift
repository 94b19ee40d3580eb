/// A range of bytes in the buffer that a head was parsed from. Meaningful only with that buffer.
package struct HTTP1Slice: Sendable, Hashable {
    package var start: UInt16
    package var count: UInt16

    package static let empty = HTTP1Slice(start: 0, count: 0)

    @inline(__always)
    package init(start: UInt16, count: UInt16) {
        self.start = start
        self.count = count
    }

    @inline(__always)
    init(_ start: Int, _ end: Int) {
        // Heads are limited to 65,535 bytes before anything is parsed.
        self.start = UInt16(truncatingIfNeeded: start)
        count = UInt16(truncatingIfNeeded: end - start)
    }

    package var isEmpty: Bool { count == 0 }
    @inline(__always)
    package var range: Range<Int> { Int(start)..<Int(start) + Int(count) }

    /// The bytes themselves. Traps if the buffer is shorter than the one that was parsed.
    @inline(__always)
    package func bytes(in buffer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer[range])
    }

    /// A copy as text; bytes that are not UTF-8 become U+FFFD.
    package func string(in buffer: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes(in: buffer), as: UTF8.self)
    }

    /// Whether the bytes are `text`, without regard to ASCII case. `text` must be lower case.
    package func matches(_ text: StaticString, in buffer: UnsafeRawBufferPointer) -> Bool {
        HTTP1Scan.equals(bytes(in: buffer), lowercase: text)
    }
}
