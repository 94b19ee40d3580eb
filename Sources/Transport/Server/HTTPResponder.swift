internal import Synchronization

/// The way back to one request's client. Callable from any thread; the first answer counts, later ones are ignored
/// (and so is every answer after the client has gone).
package final class HTTPResponder: Sendable {
    private struct State: Sendable {
        var isAnswered = false
        var isClosed = false
        var onClose: [@Sendable () -> Void] = []
    }

    /// The loop of the connection.
    package let loop: EventLoop
    private let sink: any ResponseSink
    private let exchange: UInt64
    private let state = Mutex(State())

    init(loop: EventLoop, sink: any ResponseSink, exchange: UInt64) {
        self.loop = loop
        self.sink = sink
        self.exchange = exchange
    }

    deinit {
        guard claim() else { return }
        let sink = sink
        let exchange = exchange
        loop.execute {
            sink.respond(HTTPResponse(status: 500, text: "the request was dropped\n"), exchange: exchange)
        }
    }

    /// Asks for the request's body, once and before an answer. `completion` gets the whole of it, or why it did not come,
    /// on the loop (before this returns where nothing is missing); it is not called after an answer. The answer to a
    /// failure is the handler's affair too.
    /// - Parameter sender: of whose share of the room for bodies it takes; nil where nobody knows.
    package func readBody(
        of sender: RequestSender? = nil,
        _ completion: @escaping @Sendable (Result<[UInt8], RequestBodyFailure>) -> Void
    ) {
        if loop.isCurrent {
            sink.readBody(exchange: exchange, of: sender, completion)
        } else {
            loop.execute { [sink, exchange] in sink.readBody(exchange: exchange, of: sender, completion) }
        }
    }

    /// Calls `body` with the request once its body is there. A body that does not come is answered in plain text.
    package func withBody(of request: HTTPRequest, _ body: @escaping @Sendable (HTTPRequest) -> Void) {
        guard request.hasBody else { return body(request) }
        readBody { result in
            switch result {
            case .success(let bytes):
                var request = request
                request.body = bytes
                body(request)
            case .failure(let failure):
                self.send(HTTPResponse(status: failure.status, text: failure.reason + "\n"))
            }
        }
    }

    /// Sends a complete response.
    package func send(_ response: HTTPResponse) {
        guard claim() else {
            response.onSent?()
            return
        }
        if loop.isCurrent {
            sink.respond(response, exchange: exchange)
        } else {
            loop.execute { [sink, exchange] in sink.respond(response, exchange: exchange) }
        }
    }

    /// Starts a response of unknown length (chunked in HTTP/1.1, DATA frames in HTTP/2). The stream must be finished
    /// or cancelled; one that is dropped is cancelled.
    ///
    /// - Parameter endsWithServer: Whether a server that stops ends the body properly at once, as is right for one without an
    ///   end of its own. Another has the server's time to end, and is broken off behind it.
    package func startStream(
        status: Int, headers: HTTPHeaders, endsWithServer: Bool = true
    ) -> HTTPResponseStream {
        let stream = HTTPResponseStream(
            loop: loop, sink: sink, exchange: exchange, endsWithServer: endsWithServer)
        guard claim() else {
            stream.queue.didClose()
            return stream
        }
        let queue = stream.queue
        if loop.isCurrent {
            sink.begin(status: status, headers: headers, stream: queue, exchange: exchange)
        } else {
            loop.execute { [sink, exchange] in
                sink.begin(status: status, headers: headers, stream: queue, exchange: exchange)
            }
        }
        return stream
    }

    /// Answers 101 with `headers` and leaves HTTP (RFC 9110, 7.8): `input` gets what the peer sends, and the stream carries
    /// bytes to it as they are. Only for requests over HTTP/1.1 without a body; elsewhere the stream is closed.
    ///
    /// With ``UpgradedInput/ended`` it is a tunnel: ``HTTPResponseStream/finish()`` ends its own direction only, the peers
    /// set the pace (``ConnectionLiveness/relay``, ``HTTPServerConfiguration/halfClosedTimeout``), and the stream is closed
    /// when both directions are over or the server stops.
    package func upgrade(headers: HTTPHeaders, input: UpgradedInput) -> HTTPResponseStream {
        let stream = HTTPResponseStream(loop: loop, sink: sink, exchange: exchange)
        guard claim() else {
            stream.queue.didClose()
            return stream
        }
        let queue = stream.queue
        loop.run { [sink, exchange] in
            sink.upgrade(headers: headers, stream: queue, input: input, exchange: exchange)
        }
        return stream
    }

    /// Calls `body` once if the client goes away, or the server stops, before an answer was given: at once if that
    /// has happened already, else on the loop. Not called after an answer.
    package func onClose(_ body: @escaping @Sendable () -> Void) {
        let callNow = state.withLock { state in
            if state.isClosed { return true }
            if !state.isAnswered { state.onClose.append(body) }
            return false
        }
        if callNow { body() }
    }

    private func claim() -> Bool {
        let (claimed, dropped) = state.withLock { state in
            guard !state.isAnswered, !state.isClosed else { return (false, [@Sendable () -> Void]()) }
            state.isAnswered = true
            let dropped = state.onClose
            state.onClose = []
            return (true, dropped)
        }
        withExtendedLifetime(dropped) {}
        return claimed
    }

    /// The exchange ended before an answer.
    func didClose() {
        let callbacks = state.withLock { state in
            guard !state.isAnswered, !state.isClosed else { return [@Sendable () -> Void]() }
            state.isClosed = true
            let callbacks = state.onClose
            state.onClose = []
            return callbacks
        }
        for callback in callbacks { callback() }
    }
}
