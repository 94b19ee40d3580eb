/// Answers requests.
package protocol HTTPServerHandler: Sendable {
    /// Called on the connection's loop and must not block: answer at once, or keep the responder and answer from
    /// any thread later. A responder that is dropped without an answer answers 500.
    func handle(_ request: HTTPRequest, _ responder: HTTPResponder)
}
