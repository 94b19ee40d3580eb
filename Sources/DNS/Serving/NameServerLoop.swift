import NetworkTypes
import System
import Transport

/// One loop's share of a name server: its sockets, and the pure parts that decide (``Responder``, ``ResolverState``).
///
/// `@unchecked Sendable`: everything is used on `loop` only, apart from `init`.
final class NameServerLoop: EventHandler, @unchecked Sendable {
    enum ReplyPath: Sendable {
        case datagram(listener: Int32, DatagramPath)
        case stream(UInt64)
    }

    struct Waiter: Sendable {
        var query: [UInt8]
        var client: SocketAddress
        var isStream: Bool
        var path: ReplyPath
        var begun: MonotonicTime
    }

    /// An idle connection ends after this long (RFC 7766, 6.2.3).
    static let idleTimeout: Duration = .seconds(10)
    /// Batches of datagrams, or queries of a connection, before other descriptors get their turn.
    private static let burst = 16

    let loop: EventLoop
    var responder: Responder
    private(set) var resolver = ResolverState<Waiter>()
    private let admission: SharedAdmission
    private let exchanges: UpstreamExchanges
    private let batch = DatagramBatch()
    private let streamRoom = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_537, alignment: 16)
    private var random = SystemRandomNumberGenerator()
    private var datagramListeners: [UInt64: (descriptor: Int32, registration: LoopRegistration)] = [:]
    private var acceptors: [Acceptor] = []
    private var connections: [UInt64: StreamConnection] = [:]
    private var lastToken: UInt64 = 0
    private var ticker: LoopTimer?
    private var sweeper: LoopTimer?
    private var isStopped = false
    /// Called with every answered query.
    var log: (@Sendable (QueryLine) -> Void)?

    init(loop: EventLoop, cookies: ServerCookie, admission: SharedAdmission) {
        self.loop = loop
        self.admission = admission
        responder = Responder(cookies: cookies)
        exchanges = UpstreamExchanges(loop: loop)
        exchanges.onMessage = { [unowned self] attempt, bytes in
            perform(resolver.received(attempt, bytes, now: milliseconds, using: &random))
        }
        exchanges.onFailure = { [unowned self] attempt in
            perform(resolver.failed(attempt, now: milliseconds, using: &random))
        }
    }

    deinit { streamRoom.deallocate() }

    // MARK: Life

    func addDatagramListener(_ descriptor: Int32) throws(TransportError) {
        lastToken += 1
        let registration = try loop.register(descriptor, handler: self, token: lastToken)
        datagramListeners[lastToken] = (descriptor, registration)
    }

    func addStreamListener(_ descriptor: Int32) {
        let acceptor = Acceptor(
            loop: loop, descriptor: descriptor, hasRoom: { [admission] in admission.hasRoom(isLocal: false) },
            take: { [unowned self] in take($0, $1) })
        acceptors.append(acceptor)
        acceptor.start()
    }

    func setPolicy(_ policy: AnswerPolicy) {
        responder.setPolicy(policy)
        if policy.forwardedZones != resolver.zones { resolver.setZones(policy.forwardedZones) }
    }

    func stop() {
        isStopped = true
        for acceptor in acceptors { acceptor.stop() }
        for listener in datagramListeners.values { loop.close(listener.registration) }
        acceptors = []
        datagramListeners = [:]
        for token in Array(connections.keys) { end(token) }
        exchanges.forgetAll()
        ticker?.cancel()
        sweeper?.cancel()
    }

    // MARK: Events

    func handle(_ events: ReadyEvents, token: UInt64) {
        if let listener = datagramListeners[token] {
            if events.contains(.readable) { receive(listener.descriptor, token) }
            return
        }
        guard connections[token] != nil else { return }
        if events.contains(.writable) { flush(token) }
        if events.contains(.readable) { read(token) }
    }

    private var milliseconds: UInt64 { MonotonicTime.now.nanoseconds / 1_000_000 }

    private var moment: Responder.Moment {
        Responder.Moment(
            monotonic: UInt32(truncatingIfNeeded: loop.now.nanoseconds / 1_000_000_000),
            wall: UInt32(truncatingIfNeeded: SystemClock.secondsSinceEpoch))
    }

    // MARK: UDP

    private func receive(_ descriptor: Int32, _ token: UInt64) {
        for _ in 0..<Self.burst {
            let begun = MonotonicTime.now
            let count = batch.receive(descriptor)
            guard count > 0 else { return }
            let moment = moment
            var answered: UInt64 = 0
            for index in 0..<count {
                guard let bytes = batch.bytes(index), let peer = batch.peer(index) else { continue }
                var writer = MessageWriter(batch.room(index))
                let client = Responder.Client(ip: peer.ip.mappedV4 ?? peer.ip, isStream: false)
                switch responder.respond(to: bytes.span, from: client, at: moment, into: &writer) {
                case .drop: continue
                case .answer(let refresh):
                    batch.answer(index, count: writer.count)
                    answered += 1
                    if let refresh { resolve(refresh, nil, hasStale: false) }
                    if log != nil { note(Array(bytes), peer, false, writer, begun) }
                case .resolve(let lookup, let hasStale):
                    let waiter = Waiter(
                        query: Array(bytes), client: peer, isStream: false,
                        path: .datagram(listener: descriptor, batch.path(index)), begun: begun)
                    resolve(lookup, waiter, hasStale: hasStale)
                }
            }
            batch.send(descriptor)
            if answered > 0 {
                responder.accounts.countDuration(
                    nanoseconds: MonotonicTime.now.nanoseconds - begun.nanoseconds, times: answered)
            }
            if count < DatagramBatch.capacity { return }
        }
        loop.execute { [self] in if datagramListeners[token] != nil { receive(descriptor, token) } }
    }

    // MARK: TCP

    private func take(_ descriptor: Int32, _ peer: SocketAddress?) {
        guard let peer, admission.admit(peer.ip) == .admitted else {
            Socket.close(descriptor)
            return
        }
        lastToken += 1
        do throws(TransportError) {
            let registration = try loop.register(descriptor, handler: self, token: lastToken)
            connections[lastToken] = StreamConnection(
                descriptor: descriptor, registration: registration, peer: peer, lastProgress: loop.now)
            scheduleSweep()
        } catch {
            Socket.close(descriptor)
            admission.leave(peer.ip)
        }
    }

    private func end(_ token: UInt64) {
        guard let connection = connections.removeValue(forKey: token) else { return }
        loop.close(connection.registration)
        admission.leave(connection.peer.ip)
    }

    private func read(_ token: UInt64) {
        for _ in 0..<Self.burst {
            guard let connection = connections[token], !connection.isHalfClosed, !connection.isFull else { return }
            switch Socket.read(connection.descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                connections[token]?.received += loop.readBuffer[..<count]
                connections[token]?.lastProgress = loop.now
                answerQueries(token)
            case .wouldBlock: return
            case .closed:
                connections[token]?.isHalfClosed = true
                endIfDone(token)
                return
            case .failed:
                end(token)
                return
            }
        }
        loop.execute { [self] in if connections[token] != nil { read(token) } }
    }

    private func answerQueries(_ token: UInt64) {
        while let connection = connections[token], !connection.isFull {
            guard let next = connections[token]?.nextQuery() else { return }
            switch next {
            case .incomplete: return
            case .hopeless:
                end(token)
                return
            case .query(let query):
                let waiter = Waiter(
                    query: query, client: connection.peer, isStream: true, path: .stream(token), begun: .now)
                answer(waiter, nil)
            }
        }
    }

    private func flush(_ token: UInt64) {
        guard let connection = connections[token], !connection.unsent.isEmpty else { return }
        switch connection.unsent.withUnsafeBytes({ Socket.write(connection.descriptor, $0) }) {
        case .bytes(let count):
            connections[token]?.unsent.removeFirst(count)
            connections[token]?.lastProgress = loop.now
        case .wouldBlock: return
        case .closed, .failed:
            end(token)
            return
        }
        resumeReading(token)
        endIfDone(token)
    }

    /// What had to wait is read on; its event is gone.
    private func resumeReading(_ token: UInt64) {
        guard let connection = connections[token], !connection.isFull else { return }
        answerQueries(token)
        if connections[token]?.isHalfClosed == false {
            loop.execute { [self] in if connections[token] != nil { read(token) } }
        }
    }

    private func endIfDone(_ token: UInt64) {
        guard let connection = connections[token], connection.isHalfClosed, connection.waiting == 0,
            connection.unsent.isEmpty
        else { return }
        end(token)
    }

    private func scheduleSweep() {
        guard sweeper == nil, !isStopped else { return }
        sweeper = loop.schedule(after: .seconds(1)) { [weak self] in
            guard let self else { return }
            sweeper = nil
            for (token, connection) in connections
            where connection.waiting == 0 && loop.now - connection.lastProgress >= Self.idleTimeout { end(token) }
            if !connections.isEmpty { scheduleSweep() }
        }
    }

    // MARK: Answers that come later, and those over TCP

    private func answer(_ waiter: Waiter, _ resolution: Responder.Resolution?) {
        var writer = MessageWriter(
            UnsafeMutableRawBufferPointer(rebasing: streamRoom[2...]))
        let client = Responder.Client(ip: waiter.client.ip.mappedV4 ?? waiter.client.ip, isStream: waiter.isStream)
        let outcome = responder.respond(
            to: waiter.query.span, from: client, at: moment, given: resolution, into: &writer)
        switch outcome {
        case .drop:
            // A stream whose bytes are no queries is of no use.
            if case .stream(let token) = waiter.path { end(token) }
        case .resolve(let lookup, let hasStale):
            // A second question for one query: the rules changed in between.
            guard resolution == nil else { return giveUp(waiter) }
            if case .stream(let token) = waiter.path { connections[token]?.waiting += 1 }
            resolve(lookup, waiter, hasStale: hasStale)
        case .answer(let refresh):
            send(writer, waiter)
            responder.accounts.countDuration(nanoseconds: MonotonicTime.now.nanoseconds - waiter.begun.nanoseconds)
            if let refresh { resolve(refresh, nil, hasStale: false) }
            if log != nil { note(waiter.query, waiter.client, waiter.isStream, writer, waiter.begun) }
        }
    }

    /// Nobody will answer: an asker over TCP would wait for it.
    private func giveUp(_ waiter: Waiter) {
        if case .stream(let token) = waiter.path { end(token) }
    }

    private func send(_ writer: MessageWriter, _ waiter: Waiter) {
        switch waiter.path {
        case .datagram(let listener, let path):
            guard datagramListeners.values.contains(where: { $0.descriptor == listener }) else { return }
            let bytes = UnsafeMutableRawBufferPointer(rebasing: streamRoom[2..<(2 + writer.count)])
            Socket.send(listener, bytes, along: path)
        case .stream(let token):
            guard let connection = connections[token] else { return }
            streamRoom[0] = UInt8(truncatingIfNeeded: writer.count >> 8)
            streamRoom[1] = UInt8(truncatingIfNeeded: writer.count)
            let frame = UnsafeRawBufferPointer(rebasing: streamRoom[..<(2 + writer.count)])
            var written = 0
            if connection.unsent.isEmpty {
                switch Socket.write(connection.descriptor, frame) {
                case .bytes(let count): written = count
                case .wouldBlock: break
                case .closed, .failed:
                    end(token)
                    return
                }
            }
            connections[token]?.lastProgress = loop.now
            if written < frame.count { connections[token]?.unsent += frame[written...] }
        }
    }

    private func note(
        _ query: [UInt8], _ client: SocketAddress, _ isStream: Bool, _ writer: MessageWriter, _ begun: MonotonicTime
    ) {
        log?(
            QueryLine(
                client: client, isStream: isStream, query: query, flags: writer.u16(at: 2), answerSize: writer.count,
                elapsed: MonotonicTime.now - begun))
    }

    // MARK: Upstream

    private func resolve(_ lookup: Lookup, _ waiter: Waiter?, hasStale: Bool) {
        perform(resolver.ask(lookup, waiter: waiter, hasStale: hasStale, now: milliseconds, using: &random))
        scheduleTick()
    }

    private func perform(_ actions: [ResolverState<Waiter>.Action]) {
        for action in actions {
            switch action {
            case .send(let attempt, let server, let byStream, let bytes):
                if !exchanges.send(attempt, to: server, byStream: byStream, bytes) {
                    // Later, so that a server that refuses at once does not make this call itself for ever.
                    loop.execute { [self] in perform(resolver.failed(attempt, now: milliseconds, using: &random)) }
                }
            case .forget(let attempt): exchanges.forget(attempt)
            case .settle(let lookup, let answer, let waiters):
                if responder.policy.isCaching { responder.cache.store(answer, for: lookup, now: moment.monotonic) }
                for waiter in waiters { answerLate(waiter, .answer(answer)) }
            case .fail(let lookup, let waiters):
                responder.cache.refreshFailed(lookup)
                for waiter in waiters { answerLate(waiter, .failed) }
            }
        }
    }

    private func answerLate(_ waiter: Waiter, _ resolution: Responder.Resolution) {
        if case .stream(let token) = waiter.path { connections[token]?.waiting -= 1 }
        answer(waiter, resolution)
        if case .stream(let token) = waiter.path {
            resumeReading(token)
            endIfDone(token)
        }
    }

    private func scheduleTick() {
        guard ticker == nil, resolver.isWaiting, !isStopped else { return }
        ticker = loop.schedule(after: .milliseconds(Int64(ResolverState<Waiter>.tick))) { [weak self] in
            guard let self else { return }
            ticker = nil
            perform(resolver.advance(now: milliseconds, using: &random))
            scheduleTick()
        }
    }
}
