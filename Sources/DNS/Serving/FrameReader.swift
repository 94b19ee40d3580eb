/// Messages behind their lengths (RFC 1035, 4.2.2) out of a stream that comes in any pieces.
struct FrameReader {
    enum Next {
        case frame([UInt8])
        /// More has to come first.
        case incomplete
        /// A length that no message has here: the rest of the stream means nothing.
        case hopeless
    }

    private let lengths: ClosedRange<Int>
    private var bytes: [UInt8] = []
    /// Of these bytes so many were taken out already; they go when the next piece comes.
    private var consumed = 0

    /// - Parameter lengths: of messages, in bytes.
    init(lengths: ClosedRange<Int>) { self.lengths = lengths }

    mutating func append(_ piece: some Collection<UInt8>) {
        if consumed > 0 {
            bytes.removeFirst(consumed)
            consumed = 0
        }
        bytes += piece
    }

    /// The next whole message, taken out.
    mutating func next() -> Next {
        guard bytes.count - consumed >= 2 else { return .incomplete }
        let length = Int(bytes.span.u16(at: consumed))
        guard lengths.contains(length) else { return .hopeless }
        let start = consumed + 2
        guard bytes.count - start >= length else { return .incomplete }
        let frame = Array(bytes[start..<(start + length)])
        consumed = start + length
        // An idle connection keeps no memory.
        if consumed == bytes.count {
            bytes = []
            consumed = 0
        }
        return .frame(frame)
    }
}
