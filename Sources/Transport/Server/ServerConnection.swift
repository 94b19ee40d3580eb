internal import Glibc

/// One accepted connection: handshake, reading, writing, timeouts and the end. What the bytes mean is its engine's
/// affair.
///
/// `@unchecked Sendable`: used on its worker's loop only.
final class ServerConnection: EventHandler, @unchecked Sendable {
    private enum Phase {
        /// Over TLS, without a byte of the client yet: there is no TLS state either.
        case silent
        case handshaking, open, lingering, closed
    }

    let worker: HTTPServerWorker
    let loop: EventLoop
    /// The position in the worker's list.
    var index = 0
    private(set) var peer: PeerIdentity
    /// Encoded bytes for the peer; `sent` of them have gone. Without a buffer when nothing is pending: the worker lends
    /// one while there is.
    var output: [UInt8] = []
    private var sent = 0
    private var socket: StreamSocket
    private var registration: LoopRegistration?
    private var engine: (any ServerProtocolEngine)?
    private var phase: Phase
    private var isProcessing = false
    private var isFlushDue = false
    private var closesAfterFlush = false
    private var lingersAtEnd = false
    private var lingering = LingeringClose()
    private var endsOutputAfterFlush = false
    private var peerEnded = false
    private var isDraining = false
    /// When bytes last moved in either direction, or the phase began.
    private var lastProgress: MonotonicTime
    private let accepted: MonotonicTime
    private var headBegan: MonotonicTime?
    private(set) var hasRequest = false
    /// Bytes that the peer has taken.
    private var sentTotal = 0
    private var pace = DeliveryPace()

    init(worker: HTTPServerWorker, descriptor: Int32, peer: PeerIdentity) {
        self.worker = worker
        loop = worker.loop
        self.peer = peer
        socket = StreamSocket(descriptor: descriptor)
        phase = peer.isTLS ? .silent : .open
        lastProgress = worker.loop.now
        accepted = worker.loop.now
    }

    var configuration: HTTPServerConfiguration { worker.configuration }
    var isClosed: Bool { phase == .closed }
    var isHandshaking: Bool { phase == .handshaking }

    /// Registers with the loop; the first event follows at once when bytes are there already.
    func start() {
        if phase == .open { engine = HTTP1ServerEngine(connection: self) }
        do {
            registration = try loop.register(socket.descriptor, handler: self, token: 0)
        } catch {
            // Out of kernel memory for the registration: this connection cannot be served.
            Socket.close(socket.descriptor)
            phase = .closed
            worker.remove(self)
        }
    }

    // MARK: Events

    func handle(_ events: ReadyEvents, token: UInt64) {
        guard phase != .closed else { return }
        if events.contains(.peerClosed) { peerEnded = true }
        if phase == .silent, events.contains(.readable) { return beginHandshake() }
        if phase == .silent {
            // Nobody waits for the answer of someone who left without a word.
            if peerEnded { close() }
            return
        }
        isProcessing = true
        worker.lendBuffer(to: &output)
        if phase == .handshaking { advanceHandshake() }
        if phase == .lingering { discardInput() }
        if phase == .open, events.contains(.readable) { readAll() }
        isProcessing = false
        flush()
    }

    private func beginHandshake() {
        guard let context = configuration.tls else { return }
        phase = .handshaking
        worker.handshakeBegins(self)
        lastProgress = loop.now
        do throws(TransportError) {
            socket = StreamSocket(
                descriptor: socket.descriptor, tls: try context.session(descriptor: socket.descriptor))
        } catch {
            // Out of memory for this one connection.
            return close()
        }
        isProcessing = true
        advanceHandshake()
        isProcessing = false
        flush()
    }

    private func advanceHandshake() {
        guard let tls = socket.tls else { return }
        switch tls.handshake() {
        case .wouldBlock: return
        case .failed(let reason):
            // OpenSSL's word for a first record that is the line of a request.
            if reason.contains("http request") { refusePlainHTTP() }
            close()
        case .complete:
            worker.handshakeEnded(self)
            lastProgress = loop.now
            peer.clientCertificate = tls.peerSubject
            phase = .open
            engine =
                tls.applicationProtocol == "h2"
                ? HTTP2ServerEngine(connection: self) : HTTP1ServerEngine(connection: self)
            if isDraining { engine?.beginDrain() }
            readAll()
        }
    }

    /// Tells a client that forgot the `s`, in the words of Go's server. Best effort: it is a stranger's, and closed at once.
    private func refusePlainHTTP() {
        let answer = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
        let plain = StreamSocket(descriptor: socket.descriptor, tls: nil)
        // What has arrived is taken first: a socket that is closed over unread bytes is reset, and the answer lost.
        _ = plain.read(into: loop.readBuffer)
        _ = Array(answer.utf8).withUnsafeBytes { plain.write($0) }
    }

    private func readAll() {
        var rounds = 0
        while phase == .open, let engine, !engine.isReadPaused {
            rounds += 1
            if rounds > 32 {
                // A fast sender must not starve the loop's other connections.
                loop.execute { self.resumeReading() }
                return
            }
            switch socket.read(into: loop.readBuffer) {
            case .bytes(let count):
                lastProgress = loop.now
                engine.receive(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]))
                // A short read means that the socket is drained (a TLS record says nothing about that).
                if socket.tls == nil, count < loop.readBuffer.count, !peerEnded { return }
            case .wouldBlock: return
            case .closed:
                engine.peerClosed()
                return
            case .failed:
                close()
                return
            }
        }
    }

    /// A request's head has arrived.
    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
        if !hasRequest {
            hasRequest = true
            worker.proved(self)
        }
        worker.handler.handle(request, responder)
    }

    /// Reads on after a pause.
    func resumeReading() {
        guard phase == .open else { return }
        let outermost = !isProcessing
        isProcessing = true
        readAll()
        if outermost {
            isProcessing = false
            flush()
        }
    }

    // MARK: Output

    /// As ``flush()``, once for all who ask before the loop's round ends.
    func flushAtEndOfRound() {
        guard !isProcessing, !isFlushDue, phase == .open else { return }
        isFlushDue = true
        worker.flushAtEndOfRound(self)
    }

    func flushDue() {
        isFlushDue = false
        flush()
    }

    /// Sends `output` and whatever the engine adds, unless an event is being processed (then at its end).
    func flush() {
        guard !isProcessing else { return }
        var isCorked = false
        defer {
            if isCorked, phase != .closed { Socket.cork(socket.descriptor, false) }
            if output.isEmpty { worker.takeBuffer(from: &output) }
        }
        worker.lendBuffer(to: &output)
        while phase == .open {
            if sent == output.count {
                if !output.isEmpty { releaseOutput() }
                isProcessing = true
                engine?.produce()
                isProcessing = false
                if output.isEmpty {
                    if closesAfterFlush { finish() } else if endsOutputAfterFlush { endOutput() }
                    return
                }
            }
            // Each TLS record is a system call; held back until the last, they travel as one.
            if !isCorked, socket.tls != nil, pendingOutput > TLSSession.recordSize {
                isCorked = true
                Socket.cork(socket.descriptor, true)
            }
            let result = output.withUnsafeBytes { bytes in
                socket.write(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
            }
            switch result {
            case .bytes(let count):
                sent += count
                sentTotal &+= count
                lastProgress = loop.now
            case .wouldBlock: return
            case .closed, .failed:
                close()
                return
            }
        }
    }

    /// Bytes that the socket has not taken yet.
    var pendingOutput: Int { output.count - sent }

    private func releaseOutput() {
        output.removeAll(keepingCapacity: true)
        sent = 0
    }

    /// Closes once everything is sent. `lingering`: bytes of the peer may be unread, and a plain close would make
    /// the kernel reset the connection before the peer has read the answer.
    func closeAfterFlush(lingering: Bool = false) {
        closesAfterFlush = true
        lingersAtEnd = lingersAtEnd || lingering
    }

    /// Sends nothing more once everything is sent; reading goes on.
    func endOutputAfterFlush() { endsOutputAfterFlush = true }

    private func endOutput() {
        endsOutputAfterFlush = false
        socket.tls?.shutdown()
        Socket.shutdownWrite(socket.descriptor)
    }

    /// Since when no bytes have moved.
    func quiet(at now: MonotonicTime) -> Duration { now - lastProgress }

    /// The peers of a tunnel may pause for longer than clients of HTTP.
    func becomeTunnel() { ConnectionLiveness.relay.apply(to: socket.descriptor) }

    private func finish() {
        guard lingersAtEnd, !peerEnded else { return close() }
        socket.tls?.shutdown()
        Socket.shutdownWrite(socket.descriptor)
        phase = .lingering
        lastProgress = loop.now
        engine?.connectionClosed()
        engine = nil
        discardInput()
    }

    /// Throws away what comes, up to a bound that the loop's other connections can wait for.
    private func discardInput() {
        while phase == .lingering {
            switch Socket.read(socket.descriptor, into: loop.readBuffer) {
            case .bytes(let count): if !lingering.discarded(count) { close() }
            case .wouldBlock: return
            case .closed, .failed: close()
            }
        }
    }

    // MARK: The end

    /// Closes, since a newcomer gets this place, unless what this connection is late with is in the socket already: a busy
    /// server must not blame its clients.
    func makeRoom(unless isProved: (ServerConnection) -> Bool) {
        if phase != .silent { handle(.readable, token: 0) }
        if !isProved(self) { close() }
    }

    /// Closes at once; pending output is lost.
    func close() {
        guard phase != .closed else { return }
        if phase == .open { socket.tls?.shutdown() }
        if phase == .handshaking { worker.handshakeEnded(self) }
        phase = .closed
        output = []
        sent = 0
        socket.tls?.free()
        if let registration { loop.close(registration) }
        registration = nil
        let engine = engine
        self.engine = nil
        engine?.connectionClosed()
        worker.remove(self)
    }

    /// The server is going away: requests that have arrived are answered.
    func beginDrain() {
        isDraining = true
        switch phase {
        case .open:
            resumeReading()
            engine?.beginDrain()
            flush()
        case .silent, .handshaking: close()
        case .lingering, .closed: break
        }
    }

    /// Called about once a second: closes what waited too long.
    func checkTimeouts(at now: MonotonicTime) {
        let quiet = now - lastProgress
        switch phase {
        case .silent, .handshaking:
            if now - accepted > configuration.headTimeout { close() }
        case .lingering:
            if quiet > .seconds(2) { close() }
        case .closed: break
        case .open:
            engine?.checkTimeouts(at: now)
            guard let waiting = engine?.waiting, waiting != .tunnel else { return }
            if pace.isTooSlow(
                pending: pendingOutput, sent: sentTotal, period: configuration.stallTimeout, now: now)
            {
                return close()
            }
            guard pendingOutput == 0 else { return }
            switch waiting {
            case .idle:
                headBegan = nil
                // Strangers get the time of a handshake, not that of a client between two requests.
                let limit =
                    hasRequest ? configuration.idleTimeout : min(configuration.headTimeout, configuration.idleTimeout)
                if quiet > limit || !hasRequest && now - accepted > limit { close() }
            case .head:
                // From its beginning, not from the last byte: a head may not trickle in for ever.
                let began = headBegan ?? lastProgress
                headBegan = began
                if now - began > configuration.headTimeout { close() }
            case .application, .tunnel: headBegan = nil
            }
        }
    }
}

extension ServerConnection: Hashable {
    static func == (a: ServerConnection, b: ServerConnection) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
