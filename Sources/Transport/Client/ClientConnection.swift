internal import Glibc
internal import NetworkTypes

/// One HTTP/1.1 connection of a client: connect, handshake, then one exchange after the other.
///
/// `@unchecked Sendable`: everything but `loop` is used on the loop only.
final class ClientConnection: EventHandler, @unchecked Sendable {
    enum Target: Sendable {
        /// Tried in order, each for as long as the last value says.
        case tcp([SocketAddress], ConnectionLiveness, connectTimeout: Duration)
        case unix(String)
    }

    private enum Phase {
        case new, connecting, handshaking, ready, closed
    }

    private enum Receiving {
        case head
        case length(Int)
        case chunked
        case untilClose
        /// The connection has left HTTP, and bytes go both ways.
        case upgraded
    }

    let loop: EventLoop
    private let pool: ClientPool
    private let tls: TLSContext?
    private let serverName: String?
    private var addresses: [SocketAddress] = []
    private var liveness: ConnectionLiveness?
    private var connectTimeout: Duration?
    private var connectTimer: LoopTimer?
    private var unixPath: String?
    private var socket: StreamSocket?
    private var registration: LoopRegistration?
    private var phase = Phase.new
    private var exchange: ClientExchange?
    private var output: [UInt8] = []
    private var sent = 0
    private var inbound: [UInt8] = []
    private var receiving = Receiving.head
    private var decoder = HTTP1ChunkedDecoder()
    private var keepsAlive = false
    private var isReadPaused = false
    private var hasAnswerBytes = false
    /// What answers of 1xx have taken of the limit before the answer itself.
    private var informationalBytes = 0
    private static let headLimit = 65_535
    private var exchangeCount = 0
    private var idleSince: MonotonicTime?
    private var isIdleTimerSet = false
    /// Of a connection that has left HTTP.
    private var upgraded: ClientUpgrade.Account?
    private var isSendingFinished = false
    private var hasPeerEnded = false

    init(loop: EventLoop, pool: ClientPool, target: Target, tls: TLSContext?, serverName: String?) {
        self.loop = loop
        self.pool = pool
        self.tls = tls
        self.serverName = serverName
        switch target {
        case .tcp(let list, let liveness, let limit):
            addresses = list
            self.liveness = liveness
            connectTimeout = limit
        case .unix(let path): unixPath = path
        }
    }

    // MARK: Exchanges

    /// Carries the exchange; fails it as unanswered if the connection is gone.
    func begin(_ exchange: ClientExchange) {
        guard exchange.attach(self) else {
            if phase == .ready { pool.release(self) } else { close() }
            return
        }
        self.exchange = exchange
        output = exchange.encodedRequest
        sent = 0
        hasAnswerBytes = false
        informationalBytes = 0
        receiving = .head
        idleSince = nil
        exchangeCount += 1
        switch phase {
        case .new: connect(TransportError(.hostNotFound, "no address to connect to"))
        case .ready:
            write()
        case .closed: fail(TransportError(.connectionClosed, "the server closed the connection"))
        case .connecting, .handshaking: break
        }
    }

    /// The task gave up.
    func abandon(_ exchange: ClientExchange) {
        guard self.exchange === exchange else { return }
        close()
    }

    // MARK: Another protocol

    /// Bytes for a server that has left HTTP, counted already.
    func send(_ bytes: [UInt8]) {
        guard phase == .ready, upgraded != nil, !isSendingFinished else { return }
        if sent > Self.spentOutput {
            output.removeFirst(sent)
            sent = 0
        }
        output.append(contentsOf: bytes)
        write()
    }

    /// Bytes of `output` that have gone before they are removed while others wait.
    private static let spentOutput = 64 << 10

    func finishSending() {
        guard phase == .ready, upgraded != nil, !isSendingFinished else { return }
        isSendingFinished = true
        write()
    }

    func closeUpgraded() {
        if upgraded != nil { close() }
    }

    private func endSending() {
        guard isSendingFinished, let socket else { return }
        if hasPeerEnded { return close() }
        socket.tls?.shutdown()
        Socket.shutdownWrite(socket.descriptor)
    }

    func resumeReading() {
        guard isReadPaused else { return }
        isReadPaused = false
        readAll()
    }

    // MARK: Connecting

    private func connect(_ lastError: TransportError) {
        do throws(TransportError) {
            let descriptor: Int32
            if let path = unixPath {
                descriptor = try Socket.connect(unixPath: path)
            } else {
                guard !addresses.isEmpty else { throw lastError }
                let address = addresses.removeFirst()
                do throws(TransportError) {
                    descriptor = try Socket.connect(address)
                } catch {
                    return connect(error)
                }
                liveness?.apply(to: descriptor)
            }
            phase = .connecting
            var session: TLSSession?
            do throws(TransportError) {
                session = try tls?.session(descriptor: descriptor, serverName: serverName)
                registration = try loop.register(descriptor, handler: self, token: 0)
            } catch {
                session?.free()
                Socket.close(descriptor)
                throw error
            }
            socket = StreamSocket(descriptor: descriptor, tls: session)
            connectTimer = connectTimeout.map { limit in
                loop.schedule(after: limit) { [weak self] in
                    self?.connectFailed(TransportError(.timedOut, "connect: no answer within \(limit)"))
                }
            }
        } catch {
            phase = .closed
            fail(error)
        }
    }

    private func finishConnecting() {
        guard let socket else { return }
        let number = Socket.pendingError(socket.descriptor)
        guard number == 0 else { return connectFailed(.system(number, "connect")) }
        connectTimer?.cancel()
        connectTimer = nil
        phase = socket.tls == nil ? .ready : .handshaking
        if phase == .handshaking { advanceHandshake() } else { write() }
    }

    /// Goes on with the next address.
    private func connectFailed(_ error: TransportError) {
        guard phase == .connecting else { return }
        connectTimer?.cancel()
        connectTimer = nil
        socket?.tls?.free()
        socket = nil
        if let registration { loop.close(registration) }
        registration = nil
        phase = .new
        connect(error)
    }

    private func advanceHandshake() {
        guard let session = socket?.tls else { return }
        switch session.handshake() {
        case .wouldBlock: return
        case .failed(let reason): fail(TransportError(.tls, "TLS handshake: \(reason)"))
        case .complete:
            phase = .ready
            write()
        }
    }

    // MARK: Events

    func handle(_ events: ReadyEvents, token: UInt64) {
        if phase == .connecting {
            guard events.contains(.writable) || events.contains(.failed) else { return }
            finishConnecting()
        } else if phase == .handshaking {
            advanceHandshake()
        } else if phase == .ready, events.contains(.writable), sent < output.count {
            write()
        }
        if phase == .ready, events.contains(.readable) { readAll() }
    }

    private func write() {
        while sent < output.count, let socket, phase == .ready {
            let result = output.withUnsafeBytes { socket.write(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            switch result {
            case .bytes(let count):
                sent += count
                upgraded?.wasSent(count)
            case .wouldBlock: return
            case .closed, .failed:
                // The server may have answered (413, 401) before it closed: look first.
                output = []
                sent = 0
                keepsAlive = false
                readAll(atMost: Self.readsOfRest)
                return fail(TransportError(.connectionClosed, "the server closed the connection"))
            }
        }
        if sent == output.count, !output.isEmpty {
            output = []
            sent = 0
        }
        if output.isEmpty, phase == .ready { endSending() }
    }

    /// A server that sends faster than this reads gets so many reads in a row; then it is the turn of others of the loop, and
    /// of its timers.
    private static let readsInTurn = 32
    /// What a server has left behind that takes nothing more: no more than the kernel has of it.
    private static let readsOfRest = 512

    private func readAll(atMost reads: Int = readsInTurn) {
        for _ in 0..<reads {
            guard phase == .ready, !isReadPaused, !hasPeerEnded, let socket else { return }
            switch socket.read(into: loop.readBuffer) {
            case .bytes(let count):
                receive(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]))
            case .wouldBlock: return
            case .closed: return peerClosed()
            case .failed(let number):
                return fail(.system(number, "read"))
            }
        }
        loop.execute { self.readAll() }
    }

    private func peerClosed() {
        if upgraded != nil, let exchange {
            hasPeerEnded = true
            self.exchange = nil
            if isSendingFinished, output.isEmpty { close() }
            return exchange.complete()
        }
        if exchange != nil, case .untilClose = receiving {
            keepsAlive = false
            finishExchange()
            return
        }
        fail(TransportError(.connectionClosed, "the server closed the connection"))
    }

    // MARK: Responses

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        guard exchange != nil else {
            // Bytes that nobody asked for: the next answer could not be trusted.
            return close()
        }
        hasAnswerBytes = true
        if inbound.isEmpty {
            parse(bytes)
        } else {
            inbound.append(contentsOf: bytes)
            let all = inbound
            inbound = []
            all.withUnsafeBytes { parse($0) }
        }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        while position < bytes.count, let exchange, phase == .ready {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            switch receiving {
            case .head:
                var head = HTTP1ResponseHead()
                switch head.parse(rest, toHead: exchange.isHead, limits: HTTP1HeadLimits(headBytes: Self.headLimit)) {
                case .incomplete:
                    inbound.append(contentsOf: rest)
                    return
                case .invalid(let violation):
                    return fail(TransportError(.protocolViolation, "malformed response: \(violation)"))
                case .complete:
                    position += head.byteCount
                    guard head.status != 101 || exchange.allowsUpgrade else {
                        return fail(
                            TransportError(.protocolViolation, "the server left HTTP although it was not asked to"))
                    }
                    guard head.isInformational else {
                        accept(head, rest, exchange)
                        break
                    }
                    informationalBytes += head.byteCount
                    if informationalBytes > Self.headLimit {
                        return fail(TransportError(.limitExceeded, "too many informational answers"))
                    }
                }
            case .length(let remaining):
                let count = min(remaining, rest.count)
                position += count
                deliver(rest[..<count], exchange)
                if count == remaining { finishExchange() } else { receiving = .length(remaining - count) }
            case .untilClose, .upgraded:
                position = bytes.count
                deliver(rest[...], exchange)
            case .chunked:
                var used = 0
                switch decoder.next(rest, position: &used) {
                case .data(let range): deliver(rest[range], exchange)
                case .needsMore: break
                case .end: finishExchange()
                case .invalid: return fail(TransportError(.protocolViolation, "malformed chunked body"))
                }
                position += used
            }
        }
        if position < bytes.count, exchange == nil { close() }
    }

    private func accept(
        _ head: borrowing HTTP1ResponseHead, _ bytes: UnsafeRawBufferPointer, _ exchange: ClientExchange
    ) {
        var headers = HTTPHeaders()
        headers.reserveCapacity(head.fields.count)
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            headers.add(field.name.string(in: bytes), field.value.string(in: bytes))
        }
        keepsAlive = head.keepsAlive && !exchange.allowsUpgrade
        if head.status == 101 {
            let account = ClientUpgrade.Account()
            upgraded = account
            receiving = .upgraded
            return exchange.receive(
                ClientExchange.Head(status: 101, headers: headers, upgrade: ClientUpgrade(self, account)))
        }
        exchange.receive(ClientExchange.Head(status: head.status, headers: headers))
        switch head.framing {
        case .none: finishExchange()
        case .length(let length): receiving = .length(length)
        case .chunked:
            decoder = HTTP1ChunkedDecoder()
            receiving = .chunked
        case .untilClose: receiving = .untilClose
        }
    }

    private func deliver(_ bytes: Slice<UnsafeRawBufferPointer>, _ exchange: ClientExchange) {
        guard !bytes.isEmpty else { return }
        if exchange.receive(Array(bytes)) { isReadPaused = true }
    }

    private func finishExchange() {
        guard let exchange else { return }
        self.exchange = nil
        receiving = .head
        isReadPaused = false
        // An answer before the request was sent completely leaves the connection in the middle of a message.
        let isReusable = keepsAlive && sent == output.count && phase == .ready
        if isReusable {
            idleSince = loop.now
            setIdleTimer(pool.idleTimeout)
            pool.release(self)
        } else {
            close()
        }
        exchange.complete()
    }

    // MARK: The end

    private func setIdleTimer(_ delay: Duration) {
        guard !isIdleTimerSet else { return }
        isIdleTimerSet = true
        loop.schedule(after: delay) { [weak self] in
            guard let self else { return }
            self.isIdleTimerSet = false
            guard self.phase == .ready, let since = self.idleSince else { return }
            let age = self.loop.now - since
            if age >= self.pool.idleTimeout { self.close() } else { self.setIdleTimer(self.pool.idleTimeout - age) }
        }
    }

    /// Closes if nothing is going on.
    func closeIfIdle() {
        if exchange == nil { close() }
    }

    private func fail(_ error: TransportError) {
        let exchange = exchange
        let wasSent = sent > 0 || (output.isEmpty && phase == .ready)
        let unanswered = !hasAnswerBytes
        self.exchange = nil
        close()
        guard let exchange else { return }
        if unanswered {
            exchange.fail(
                ClientExchange.Unanswered(cause: error, wasReused: exchangeCount > 1, wasSent: wasSent))
        } else {
            exchange.fail(error)
        }
    }

    private func close() {
        if phase == .ready { socket?.tls?.shutdown() }
        phase = .closed
        connectTimer?.cancel()
        connectTimer = nil
        socket?.tls?.free()
        socket = nil
        if let registration { loop.close(registration) }
        registration = nil
        inbound = []
        output = []
        sent = 0
        pool.remove(self)
        let upgraded = upgraded
        self.upgraded = nil
        upgraded?.didClose()
        let exchange = exchange
        self.exchange = nil
        exchange?.fail(TransportError(.connectionClosed, "the connection was closed"))
    }
}
