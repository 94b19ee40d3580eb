package import NetworkTypes

/// Takes what is to be told about queries. Called on event loops, several at a time: it may make a line of what it gets, and
/// must wait for nothing but other loops' copying.
package protocol QueryLog: AnyObject, Sendable {
    /// - Parameters:
    ///   - query: the message as it came, which the server could read.
    ///   - answer: the message as it goes.
    ///   - nanoseconds: between the two.
    func record(
        _ query: Span<UInt8>, from client: SocketAddress, isStream: Bool, answer: Span<UInt8>, nanoseconds: UInt64)
}
