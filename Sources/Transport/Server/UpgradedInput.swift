/// Who takes the bytes of a peer that has left HTTP. Both are called on the connection's loop.
package struct UpgradedInput: Sendable {
    /// What the peer sent, in order: first what came behind its request.
    package let receive: @Sendable ([UInt8]) -> Void
    /// The peer sends no more, and may still receive; called once, behind the last bytes. nil: the connection ends then.
    package let ended: (@Sendable () -> Void)?

    package init(receive: @escaping @Sendable ([UInt8]) -> Void, ended: (@Sendable () -> Void)? = nil) {
        self.receive = receive
        self.ended = ended
    }

    /// Whether bytes go on in one direction when the other has ended.
    var allowsHalfClose: Bool { ended != nil }
}

/// What the other side of a tunnel has the connection do.
enum UpgradeOrder: Sendable, Hashable {
    /// To read no more for now, and to go on.
    case hold, admit
    /// To drop what comes, and to close at the end of the output.
    case refuse
}
