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

    /// Batches of datagrams, or queries of a connection, before other descriptors get their turn.
    private static let burst = 16

    let loop: EventLoop
    var responder: Responder
    private(set) var resolver = ResolverState<Waiter>()
    private var places: StreamPlaces
    private let crowding: CrowdingWatch
    private let idleTimeout: Duration
    private let exchanges: UpstreamExchanges
    private let batch = DatagramBatch()
    private let streamRoom = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_537, alignment: 16)
    private var random = SystemRandomNumberGenerator()
    /// By token, with the number of the address that each belongs to; acceptors likewise.
    private var datagramListeners: [UInt64: (address: Int, descriptor: Int32, registration: LoopRegistration)] = [:]
    private var acceptors: [(address: Int, acceptor: Acceptor)] = []
    private var connections: [UInt64: StreamConnection] = [:]
    private var lastToken: UInt64 = 0
    /// For the resolver, and when it is due in milliseconds.
    private var ticker: (timer: LoopTimer, due: UInt64)?
    private var sweeper: LoopTimer?
    private var isStopped = false
    private let log: (any QueryLog)?
    private let troubles: TroubleTeller

    /// - Parameter idleTimeout: An idle connection ends after this long (RFC 7766, 6.2.3).
    init(
        loop: EventLoop, cookies: ServerCookie, cache: SharedAnswerCache, places: StreamPlaces,
        crowding: CrowdingWatch, exchangePlaces: DescriptorShare, waiters: Int, idleTimeout: Duration,
        log: (any QueryLog)?,
        troubles: TroubleTeller
    ) {
        self.log = log
        self.troubles = troubles
        self.loop = loop
        self.places = places
        self.crowding = crowding
        self.idleTimeout = idleTimeout
        resolver.limits.allWaiters = waiters
        responder = Responder(cookies: cookies, cache: cache)
        exchanges = UpstreamExchanges(loop: loop, places: exchangePlaces, idleTimeout: idleTimeout)
        exchanges.onMessage = { [unowned self] attempt, bytes in
            perform(resolver.received(attempt, bytes, now: milliseconds, using: &random))
            scheduleTick()
        }
        exchanges.onPieces = { [unowned self] attempt, bytes in
            perform(resolver.received(attempt, bytes, isWhole: false, now: milliseconds, using: &random))
            scheduleTick()
        }
        exchanges.onFailure = { [unowned self] attempt, cause in failed(attempt, cause) }
    }

    deinit { streamRoom.deallocate() }

    // MARK: Life

    func addDatagramListener(_ descriptor: Int32, of address: Int) throws(TransportError) {
        lastToken += 1
        let registration = try loop.register(descriptor, handler: self, token: lastToken)
        datagramListeners[lastToken] = (address, descriptor, registration)
    }

    func addStreamListener(_ descriptor: Int32, of address: Int) {
        let acceptor = Acceptor(
            loop: loop, descriptor: descriptor, hasRoom: { [unowned self] in places.hasRoom },
            take: { [unowned self] in take($0, $1) })
        acceptors.append((address, acceptor))
        acceptor.start()
    }

    /// Closes the sockets of one address; connections go on.
    func stopListening(on address: Int) {
        for (token, listener) in datagramListeners where listener.address == address {
            loop.close(listener.registration)
            datagramListeners[token] = nil
        }
        for entry in acceptors where entry.address == address { entry.acceptor.stop() }
        acceptors.removeAll { $0.address == address }
    }

    func setPolicy(_ policy: AnswerPolicy) {
        responder.setPolicy(policy)
        guard policy.forwardedZones != resolver.zones else { return }
        resolver.setZones(policy.forwardedZones)
        scheduleTick()
    }

    func stop() {
        isStopped = true
        for entry in acceptors { entry.acceptor.stop() }
        for listener in datagramListeners.values { loop.close(listener.registration) }
        acceptors = []
        datagramListeners = [:]
        for token in Array(connections.keys) { end(token) }
        exchanges.forgetAll()
        ticker?.timer.cancel()
        sweeper?.cancel()
    }

    // MARK: Events

    func handle(_ events: ReadyEvents, token: UInt64) {
        if let listener = datagramListeners[token] {
            if events.contains(.readable) { receive(listener.descriptor, token) }
            return
        }
        guard let connection = connections[token] else { return }
        if events.contains(.writable) { flush(connection, token) }
        if events.contains(.readable) { read(connection, token) }
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
                let client = Responder.Client(ip: peer.ip, isStream: false)
                switch responder.respond(to: bytes.span, from: client, at: moment, into: &writer) {
                case .drop: continue
                case .answer(let refresh):
                    batch.answer(index, count: writer.count)
                    if responder.log != nil { tell(bytes.span, from: peer, isStream: false, writer, since: begun) }
                    answered += 1
                    if let refresh { resolve(refresh, nil, hasStale: false) }
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
        guard let peer else { return Socket.close(descriptor) }
        let isStranger = responder.policy.access.standing(of: peer.ip) == .stranger
        lastToken += 1
        let token = lastToken
        let arrival = places.arrived(token, from: peer.ip, isStranger: isStranger) { other in
            guard let connection = connections[other], connection.wasUsed else { return false }
            connection.wasUsed = false
            return true
        }
        switch arrival {
        case .taken: break
        case .afterClosing(let other, let reason):
            crowding.note(reason, largest: places.largest, on: loop)
            end(other)
            guard places.claim(token, peer.ip) else { return Socket.close(descriptor) }
        case .refused(let reason):
            crowding.note(reason, largest: places.largest, on: loop)
            return Socket.close(descriptor)
        }
        do throws(TransportError) {
            let registration = try loop.register(descriptor, handler: self, token: token)
            connections[token] = StreamConnection(
                descriptor: descriptor, registration: registration, peer: peer, isStranger: isStranger,
                lastProgress: loop.now)
            scheduleSweep()
        } catch {
            Socket.close(descriptor)
            places.left(token, peer.ip, isStranger: isStranger)
        }
    }

    private func end(_ token: UInt64) {
        guard let connection = connections.removeValue(forKey: token) else { return }
        connection.isEnded = true
        loop.close(connection.registration)
        places.left(token, connection.peer.ip, isStranger: connection.isStranger)
    }

    private func read(_ connection: StreamConnection, _ token: UInt64) {
        for _ in 0..<Self.burst {
            guard !connection.isEnded, !connection.isHalfClosed, !connection.isRefused else { return }
            guard !connection.isFull else {
                connection.isHeldBack = true
                return
            }
            switch Socket.read(connection.descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                connection.received.append(loop.readBuffer[..<count])
                answerQueries(connection, token)
            case .wouldBlock: return
            case .closed:
                connection.isHalfClosed = true
                answerQueries(connection, token)
                endIfDone(connection, token)
                return
            case .failed:
                end(token)
                return
            }
        }
        loop.execute { [self] in if let connection = connections[token] { read(connection, token) } }
    }

    /// Answers what has come, one query behind the other; the only place that goes on to a next one.
    private func answerQueries(_ connection: StreamConnection, _ token: UInt64) {
        connection.isHeldBack = false
        while !connection.isEnded, !connection.isRefused {
            guard !connection.isFull else {
                connection.isHeldBack = true
                return
            }
            switch connection.received.next() {
            case .incomplete: return
            case .hopeless:
                end(token)
                return
            case .frame(let query):
                connection.lastProgress = loop.now
                connection.wasUsed = true
                let waiter = Waiter(
                    query: query, client: connection.peer, isStream: true, path: .stream(token), begun: .now)
                answer(waiter, nil)
                // Told once that it is not answered: it holds its place no longer.
                if connection.isStranger {
                    connection.isRefused = true
                    endIfDone(connection, token)
                }
            }
        }
    }

    private func flush(_ connection: StreamConnection, _ token: UInt64) {
        guard !connection.isEnded, !connection.unsent.isEmpty else { return }
        switch connection.unsent.write(to: connection.descriptor) {
        case .bytes: connection.lastProgress = loop.now
        case .wouldBlock: return
        case .closed, .failed:
            end(token)
            return
        }
        resumeReading(token)
    }

    /// What had to wait is read on; its event is gone.
    private func resumeReading(_ token: UInt64) {
        guard let connection = connections[token], !connection.isFull else { return }
        answerQueries(connection, token)
        endIfDone(connection, token)
        guard !connection.isEnded, !connection.isHalfClosed, !connection.isRefused else { return }
        loop.execute { [self] in if let connection = connections[token] { read(connection, token) } }
    }

    private func endIfDone(_ connection: StreamConnection, _ token: UInt64) { if connection.isDone { end(token) } }

    private func scheduleSweep() {
        guard sweeper == nil, !isStopped else { return }
        sweeper = loop.schedule(after: min(.seconds(1), idleTimeout)) { [weak self] in
            guard let self else { return }
            sweeper = nil
            for (token, connection) in connections
            where connection.waiting == 0 && loop.now - connection.lastProgress >= idleTimeout { end(token) }
            if !connections.isEmpty { scheduleSweep() }
        }
    }

    // MARK: Answers that come later, and those over TCP

    private func answer(_ waiter: Waiter, _ resolution: Responder.Resolution?) {
        var writer = MessageWriter(
            UnsafeMutableRawBufferPointer(rebasing: streamRoom[2...]))
        let client = Responder.Client(ip: waiter.client.ip, isStream: waiter.isStream)
        let outcome = responder.respond(
            to: waiter.query.span, from: client, at: moment, given: resolution, into: &writer)
        switch outcome {
        case .drop:
            // A stream whose bytes are no queries is of no use.
            if case .stream(let token) = waiter.path { end(token) }
        case .resolve(let lookup, let hasStale):
            // A second question for one query: the rules changed in between.
            guard resolution == nil else { return giveUp(waiter) }
            if case .stream(let token) = waiter.path, let connection = connections[token] {
                connection.waiting += 1
                if connection.waiting == 1 { places.busy(token) }
            }
            resolve(lookup, waiter, hasStale: hasStale)
        case .answer(let refresh):
            if responder.log != nil {
                tell(waiter.query.span, from: waiter.client, isStream: waiter.isStream, writer, since: waiter.begun)
            }
            send(writer, waiter)
            responder.accounts.countDuration(nanoseconds: MonotonicTime.now.nanoseconds - waiter.begun.nanoseconds)
            if let refresh { resolve(refresh, nil, hasStale: false) }
        }
    }

    /// Tells the log about an answer of the kind that it wants.
    private func tell(
        _ query: Span<UInt8>, from client: SocketAddress, isStream: Bool, _ writer: MessageWriter,
        since begun: MonotonicTime
    ) {
        let answer = writer.bytes.bindMemory(to: UInt8.self).span
        guard let log, let filter = responder.log, let header = MessageHeader(answer), filter.takes(header) else {
            return
        }
        log.record(
            query, from: client, isStream: isStream, answer: answer,
            nanoseconds: MonotonicTime.now.nanoseconds - begun.nanoseconds)
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
            streamRoom.storeBytes(of: UInt16(writer.count).bigEndian, as: UInt16.self)
            let frame = UnsafeRawBufferPointer(rebasing: streamRoom[..<(2 + writer.count)])
            var written = 0
            if connection.unsent.isEmpty {
                switch Socket.write(connection.descriptor, frame) {
                case .bytes(let count):
                    written = count
                    connection.lastProgress = loop.now
                case .wouldBlock: break
                case .closed, .failed:
                    end(token)
                    return
                }
            }
            if written < frame.count { connection.unsent.append(frame[written...]) }
        }
    }

    // MARK: Upstream

    private func resolve(_ lookup: Lookup, _ waiter: Waiter?, hasStale: Bool) {
        perform(resolver.ask(lookup, waiter: waiter, hasStale: hasStale, now: milliseconds, using: &random))
        scheduleTick()
    }

    private func failed(_ attempt: UInt64, _ cause: String) {
        perform(resolver.failed(attempt, because: cause, now: milliseconds, using: &random))
        scheduleTick()
    }

    private func perform(_ actions: [ResolverState<Waiter>.Action]) {
        for action in actions {
            switch action {
            case .send(let attempt, let server, let transport, let bytes):
                // Later, so that a server that refuses at once does not make this call itself for ever.
                switch exchanges.send(attempt, to: server, by: transport, bytes) {
                case .sent: break
                case .unreachable(let cause): loop.execute { [self] in failed(attempt, cause) }
                case .noRoom: loop.execute { [self] in perform(resolver.notSent(attempt)) }
                }
            case .forget(let attempt): exchanges.forget(attempt)
            case .tell(let trouble): troubles.record(trouble, now: moment.monotonic)
            case .settle(let lookup, let answer, let waiters):
                responder.cache.store(answer, for: lookup, now: moment.monotonic)
                for waiter in waiters { answerLate(waiter, .answer(answer)) }
            case .fail(let lookup, let waiters):
                responder.cache.refreshFailed(lookup)
                for waiter in waiters { answerLate(waiter, .failed) }
            }
        }
    }

    /// Answers one who waited. This may happen inside of ``answerQueries(_:_:)``, where the next query is none of its
    /// concern: a connection that had to wait is read on later, never from here, however many fail at once.
    private func answerLate(_ waiter: Waiter, _ resolution: Responder.Resolution) {
        guard case .stream(let token) = waiter.path else { return answer(waiter, resolution) }
        guard let connection = connections[token] else { return }
        connection.waiting -= 1
        if connection.waiting == 0 { places.rested(token, of: connection.peer.ip) }
        answer(waiter, resolution)
        if connection.isHeldBack { loop.execute { [self] in resumeReading(token) } }
        endIfDone(connection, token)
    }

    private func scheduleTick() {
        guard !isStopped, let due = resolver.nextDue else {
            ticker?.timer.cancel()
            ticker = nil
            return
        }
        if let ticker, ticker.due <= due { return }
        ticker?.timer.cancel()
        let left = due > milliseconds ? due - milliseconds : 0
        let timer = loop.schedule(after: .milliseconds(Int64(clamping: max(1, left)))) { [weak self] in
            guard let self else { return }
            ticker = nil
            perform(resolver.advance(now: milliseconds, using: &random))
            scheduleTick()
        }
        ticker = (timer, due)
    }
}
