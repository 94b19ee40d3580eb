internal import Transport

/// Where one message's body ends, and how much of what has arrived belongs to it (RFC 9112 section 6.3). Pure.
struct MessageBody: BitwiseCopyable {
    enum Kind: UInt8 {
        case none, length, chunked
        /// A response that ends with its connection.
        case untilClose
    }

    /// What to do with a run of received bytes.
    struct Step: Equatable {
        /// Leading bytes to pass on as they are.
        var forward = 0
        /// Bytes that belong to the message; the rest is the next one's.
        var consumed = 0
        var isMalformed = false
        /// The chunked body ended, and the CRLF that ends its trailer section is not among `forward`.
        var needsFinalCRLF = false
        /// Where bytes of the trailer section are, the line that ends it included. They are not among `forward`.
        var trailers = 0..<0
    }

    private(set) var kind = Kind.none
    private(set) var isComplete = true
    /// Bytes to come of a `.length` body.
    private(set) var remaining = 0
    private var scanner = ChunkScanner()

    static var empty: MessageBody { MessageBody() }

    static func length(_ count: Int) -> MessageBody {
        var body = MessageBody()
        body.kind = .length
        body.remaining = count
        body.isComplete = count == 0
        return body
    }

    static var chunked: MessageBody {
        var body = MessageBody()
        body.kind = .chunked
        body.isComplete = false
        return body
    }

    static var untilClose: MessageBody {
        var body = MessageBody()
        body.kind = .untilClose
        body.isComplete = false
        return body
    }

    init() {}

    init(_ framing: HTTP1BodyFraming) {
        switch framing {
        case .none: self = .empty
        case .length(let count): self = .length(count)
        case .chunked: self = .chunked
        case .untilClose: self = .untilClose
        }
    }

    /// The body of a response: extensions of its chunks are skipped, and long ones taken.
    static func response(_ framing: HTTP1BodyFraming) -> MessageBody {
        var body = MessageBody(framing)
        body.scanner = ChunkScanner(extensions: .skipped)
        return body
    }

    /// Content bytes of a chunked body so far.
    var chunkedContentBytes: Int { scanner.contentBytes }

    /// Takes note of `count` more bytes.
    @inline(__always)
    mutating func advance(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Step {
        switch kind {
        case .length:
            let run = min(count, remaining)
            remaining -= run
            isComplete = remaining == 0
            return Step(forward: run, consumed: run)
        case .untilClose:
            return Step(forward: count, consumed: count)
        case .none:
            return Step()
        case .chunked:
            return advanceChunked(bytes, count)
        }
    }

    @inline(__always)
    private mutating func advanceChunked(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, extra: (_ offset: Int, _ count: Int) -> Void = { _, _ in }
    ) -> Step {
        if isComplete { return Step() }
        var step = Step()
        let progress = scanner.scan(
            bytes, count, forwarded: &step.forward, consumed: &step.consumed, content: { _, _ in }, extra: extra)
        switch progress {
        case .more: step.trailers = step.forward..<step.consumed
        case .malformed:
            step.isMalformed = true
        case .done:
            isComplete = true
            // Without trailers the final CRLF is the next two bytes: send them along.
            if step.forward > 0, step.consumed == step.forward + 2 {
                step.forward += 2
            } else {
                step.trailers = step.forward..<step.consumed
                step.needsFinalCRLF = true
            }
        }
        return step
    }

    /// As ``advance(_:_:)``, and moves what is to be passed on together at the front of `bytes`, without the extensions of
    /// chunks. What `trailers` of the result tells of stays where it is.
    @inline(__always)
    mutating func advanceRemovingExtensions(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Step {
        if kind != .chunked { return advance(bytes, count) }
        // Without extensions, which nobody sends, nothing moves.
        var kept = 0
        var copied = 0
        var step = advanceChunked(bytes, count) { offset, run in
            if copied != kept { (bytes + kept).update(from: bytes + copied, count: offset - copied) }
            kept += offset - copied
            copied = offset + run
        }
        if copied > 0, !step.isMalformed {
            let rest = step.forward - copied
            (bytes + kept).update(from: bytes + copied, count: rest)
            step.forward = kept + rest
        }
        return step
    }

    /// Takes note of `count` bytes of a chunked body and moves its content together at the front of `bytes`, for a
    /// client that cannot read chunks. `forward` of the result is the length of the content.
    mutating func advanceRemovingFraming(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Step {
        if isComplete { return Step() }
        var step = Step()
        var written = 0
        let progress = scanner.scan(
            bytes, count, forwarded: &step.forward, consumed: &step.consumed,
            content: { offset, run in
                // Content only ever moves towards the front, over bytes already scanned.
                (bytes + written).update(from: bytes + offset, count: run)
                written += run
            })
        if progress != .malformed { step.trailers = step.forward..<step.consumed }
        step.forward = written
        switch progress {
        case .more: break
        case .malformed: step.isMalformed = true
        case .done: isComplete = true
        }
        return step
    }

    /// The connection ended: completes a body that may end so.
    mutating func endOfStream() {
        if kind == .untilClose { isComplete = true }
    }
}
