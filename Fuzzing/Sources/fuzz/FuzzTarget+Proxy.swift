extension FuzzTarget {
    /// The L7 engine as a stream: requests and answers in whatever pieces, over real sockets.
    static func proxy(_ input: [UInt8]) { stage.play(input) }

    /// Inputs come on one thread.
    nonisolated(unsafe) private static let stage = ProxyStage()
}
