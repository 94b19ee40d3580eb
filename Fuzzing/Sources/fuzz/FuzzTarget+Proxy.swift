extension FuzzTarget {
    /// The L7 engine as a stream: requests and answers in whatever pieces, over real sockets.
    static func proxy(_ input: [UInt8]) { stage.play(input) }

    /// The same with a client that speaks HTTP/2: an input's first part is the frames behind the preface.
    static func http2(_ input: [UInt8]) { stage.play(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + input) }

    /// Inputs come on one thread.
    nonisolated(unsafe) private static let stage = ProxyStage()
}
