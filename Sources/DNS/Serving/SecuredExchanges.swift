import NetworkTypes
import Transport

/// The TLS connections of one loop towards upstream servers (RFC 7858): messages to one server share one, as long as it is
/// used, since its handshake costs more than many of them.
///
/// `@unchecked Sendable`: used on its loop only.
final class SecuredExchanges: EventHandler, @unchecked Sendable {
    /// Messages under way on one connection, forgotten ones included: their answers may come still.
    private static let limit = 256
    /// How long a connection stays without a message under way.
    private let idleTimeout: Duration

    private struct Peer: Hashable {
        var address: SocketAddress
        var credentials: SecuredServer
    }

    private final class Connection {
        let peer: Peer
        let socket: StreamSocket
        let registration: LoopRegistration
        var unsent = SendBuffer()
        var received = FrameReader(lengths: MessageHeader.size...65_535)
        /// By id; nil for one that nobody waits for any more.
        var waiting: [UInt16: UInt64?] = [:]
        var lastUse: MonotonicTime

        init(peer: Peer, socket: StreamSocket, registration: LoopRegistration, now: MonotonicTime) {
            self.peer = peer
            self.socket = socket
            self.registration = registration
            lastUse = now
        }
    }

    private let loop: EventLoop
    private let places: DescriptorShare
    private var connections: [UInt64: Connection] = [:]
    /// The connection of each peer that takes messages.
    private var current: [Peer: UInt64] = [:]
    private var tokens: [UInt64: UInt64] = [:]
    private var contexts: [SecuredServer: TLSContext] = [:]
    private var lastToken: UInt64 = 0
    private var sweeper: LoopTimer?
    var onMessage: (UInt64, Span<UInt8>) -> Void = { _, _ in }
    var onFailure: (UInt64) -> Void = { _ in }

    init(loop: EventLoop, places: DescriptorShare, idleTimeout: Duration) {
        self.loop = loop
        self.idleTimeout = idleTimeout
        self.places = places
    }

    func send(
        _ attempt: UInt64, to server: SocketAddress, _ credentials: SecuredServer, _ bytes: [UInt8]
    ) -> UpstreamExchanges.Sending {
        let peer = Peer(address: server, credentials: credentials)
        let id = bytes.span.u16(at: 0)
        var token = current[peer]
        if let present = token.flatMap({ connections[$0] }),
            present.waiting.count >= Self.limit || present.waiting.keys.contains(id)
        {
            // It goes on with what it has; later messages have another one.
            current[peer] = nil
            token = nil
        }
        if token == nil {
            guard places.take(1) else { return .noRoom }
            do throws(TransportError) {
                token = try open(peer)
            } catch {
                places.give(1)
                return UpstreamExchanges.isLocal(error) ? .noRoom : .unreachable
            }
        }
        guard let token, let connection = connections[token] else { return .unreachable }
        // While something is waited for only what comes is a sign of life, however much is asked.
        if connection.waiting.isEmpty { connection.lastUse = loop.now }
        connection.waiting.updateValue(attempt, forKey: id)
        tokens[attempt] = token
        var frame: [UInt8] = []
        frame.append(bigEndian: UInt16(bytes.count))
        connection.unsent.append(frame + bytes)
        // Later, so that a failure is no part of this call.
        loop.execute { [self] in write(token) }
        return .sent
    }

    private func open(_ peer: Peer) throws(TransportError) -> UInt64 {
        let context: TLSContext
        if let known = contexts[peer.credentials] {
            context = known
        } else {
            let trust = peer.credentials.authoritiesPEM.map { TLSContext.ServerTrust.authorities(pem: $0) } ?? .system
            context = try TLSContext(client: trust, protocols: ["dot"])
            // Those of configurations that are gone.
            if contexts.count >= 16 { contexts = [:] }
            contexts[peer.credentials] = context
        }
        let descriptor = try Socket.connect(peer.address)
        let session: TLSSession
        do throws(TransportError) {
            session = try context.session(
                descriptor: descriptor, serverName: peer.credentials.name ?? peer.address.ip.description)
        } catch {
            Socket.close(descriptor)
            throw error
        }
        lastToken += 1
        do throws(TransportError) {
            let registration = try loop.register(descriptor, handler: self, token: lastToken)
            connections[lastToken] = Connection(
                peer: peer, socket: StreamSocket(descriptor: descriptor, tls: session), registration: registration,
                now: loop.now)
        } catch {
            session.free()
            Socket.close(descriptor)
            throw error
        }
        current[peer] = lastToken
        scheduleSweep()
        return lastToken
    }

    /// Nobody waits for the attempt any more.
    func forget(_ attempt: UInt64) {
        guard let connection = tokens.removeValue(forKey: attempt).flatMap({ connections[$0] }) else { return }
        for (id, waiting) in connection.waiting where waiting == attempt { connection.waiting[id] = .some(nil) }
    }

    func closeAll() {
        sweeper?.cancel()
        sweeper = nil
        for token in Array(connections.keys) { close(token) }
    }

    // MARK: Events

    func handle(_ events: ReadyEvents, token: UInt64) {
        if events.contains(.writable) { write(token) }
        if events.contains(.readable) {
            // TLS may have waited for bytes in order to write.
            write(token)
            read(token)
        }
    }

    private func write(_ token: UInt64) {
        guard let connection = connections[token], !connection.unsent.isEmpty else { return }
        guard Socket.pendingError(connection.socket.descriptor) == 0 else { return fail(token) }
        while !connection.unsent.isEmpty {
            switch connection.unsent.write(to: connection.socket) {
            case .bytes: continue
            case .wouldBlock: return
            case .closed, .failed: return fail(token)
            }
        }
    }

    private func read(_ token: UInt64) {
        while let connection = connections[token] {
            switch connection.socket.read(into: loop.readBuffer) {
            case .bytes(let count):
                connection.received.append(loop.readBuffer[..<count])
                guard takeMessages(of: connection, token) else { return fail(token) }
            case .wouldBlock: return
            case .closed, .failed: return fail(token)
            }
        }
    }

    /// False where the stream means nothing any more.
    private func takeMessages(of connection: Connection, _ token: UInt64) -> Bool {
        while connections[token] === connection {
            switch connection.received.next() {
            case .incomplete: return true
            case .hopeless: return false
            case .frame(let message):
                // An answer to nothing.
                guard let waiting = connection.waiting.removeValue(forKey: message.span.u16(at: 0)) else {
                    return false
                }
                connection.lastUse = loop.now
                guard let attempt = waiting else { continue }
                tokens[attempt] = nil
                onMessage(attempt, message.span)
            }
        }
        return true
    }

    private func fail(_ token: UInt64) {
        guard let connection = connections[token] else { return }
        let attempts = connection.waiting.values.compactMap { $0 }
        close(token)
        for attempt in attempts { onFailure(attempt) }
    }

    private func close(_ token: UInt64) {
        guard let connection = connections.removeValue(forKey: token) else { return }
        if current[connection.peer] == token { current[connection.peer] = nil }
        for attempt in connection.waiting.values.compactMap({ $0 }) { tokens[attempt] = nil }
        connection.socket.tls?.shutdown()
        connection.socket.tls?.free()
        loop.close(connection.registration)
        places.give(1)
    }

    private func scheduleSweep() {
        guard sweeper == nil else { return }
        sweeper = loop.schedule(after: idleTimeout) { [weak self] in
            guard let self else { return }
            sweeper = nil
            for (token, connection) in connections where loop.now - connection.lastUse >= idleTimeout {
                // What is waited for after so long comes no more.
                fail(token)
            }
            if !connections.isEmpty { scheduleSweep() }
        }
    }
}
