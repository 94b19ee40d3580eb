/// What an ``HTTP2Session`` found in the bytes it was given, in their order.
struct HTTP2Event {
    enum Kind: UInt8 {
        /// A head; its text is `range` of ``HTTP2Session/text``. A request's may be refused by `status`.
        case head
        /// Trailers; their lines are `range` of ``HTTP2Session/text``.
        case trailers
        /// `count` bytes of content at `bytes`, which live until the session is given more.
        case data
        /// The peer has ended its side of the stream.
        case end
        /// The stream is no more; `code` is its error code, 0 where both sides had ended it.
        case closed
        /// What was in the stream's output has gone into frames.
        case drained
        /// Our side of the stream has ended before the peer's.
        case endedEarly
    }

    let kind: Kind
    let id: Int32
    /// ``HTTP2Stream/owner``; 0 where nobody is known.
    var owner: UInt64 = 0
    var range = 0..<0
    var bytes: UnsafePointer<UInt8>?
    var count = 0
    var code: UInt32 = 0
    var status: Int32 = 0
    var endsStream = false
}
