/// One stream of an ``HTTP2Session``: what is on its way between nghttp2 and whoever carries an exchange on it. In memory
/// of its own, which nghttp2 keeps a pointer to.
struct HTTP2Stream {
    /// Whose stream it is: a packed handle, of a client's or an upstream's slot.
    let owner: UInt64
    let id: Int32
    /// Bytes for DATA frames; the owner's, who adds behind what is sent from the front.
    let output: UnsafeMutablePointer<ByteBuffer>
    /// Place in ``HTTP2Session/streams``.
    var position: Int
    /// Nothing is added to `output` any more; the stream ends with it, and with `trailers`.
    var isOutputComplete = false
    /// Where our HEADERS end among all bytes of the connection, once they are among the frames to be written. See
    /// ``HTTP2Session/hasWrittenHead(_:)``.
    var headEnd = UInt64.max
    /// Our END_STREAM is among the frames to be written.
    var hasEnded = false
    /// The peer has ended its side.
    var isInputComplete = false
    /// nghttp2 found nothing to send and waits for ``HTTP2Session/resume(_:)``.
    var isDeferred = false
    /// Something was sent since the owner's timer was set.
    var hasProgressed = false
    /// Bytes of DATA that were taken and not passed on; the peer's window for the stream opens with them.
    var held = 0
    /// Field lines (name, colon, space, value, CR, LF) to end the stream with; empty for none.
    var trailers: [UInt8] = []
}

typealias HTTP2StreamPointer = UnsafeMutablePointer<HTTP2Stream>
