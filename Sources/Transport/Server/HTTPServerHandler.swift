/// Answers requests.
package protocol HTTPServerHandler: Sendable {
    /// Called on the connection's loop when a request's head has arrived, and must not block: answer at once, or keep the
    /// responder and answer from any thread later. A responder that is dropped without an answer answers 500.
    ///
    /// The body is not there yet. A handler that wants it asks by ``HTTPResponder/readBody(_:)``; one that refuses the
    /// request just answers, and the body is never buffered.
    func handle(_ request: HTTPRequest, _ responder: HTTPResponder)
}
