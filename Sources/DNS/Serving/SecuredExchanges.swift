import NetworkTypes
import Transport

/// The TLS connections of one loop towards upstream servers, for DNS over TLS (RFC 7858) and over HTTPS (RFC 8484): messages
/// to one server share one, as long as it is used, since its handshake costs more than many of them.
///
/// `@unchecked Sendable`: used on its loop only.
final class SecuredExchanges: EventHandler, @unchecked Sendable {
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
        let framing: any SecuredFraming
        var unsent = SendBuffer()
        var lastUse: MonotonicTime
        /// The handshake is over, and the server is who it should be.
        var isEstablished = false

        init(
            peer: Peer, socket: StreamSocket, framing: any SecuredFraming, registration: LoopRegistration,
            now: MonotonicTime
        ) {
            self.framing = framing
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
    var onFailure: (UInt64, String) -> Void = { _, _ in }

    init(loop: EventLoop, places: DescriptorShare, idleTimeout: Duration) {
        self.loop = loop
        self.idleTimeout = idleTimeout
        self.places = places
    }

    func send(
        _ attempt: UInt64, to server: SocketAddress, _ credentials: SecuredServer, _ bytes: [UInt8]
    ) -> UpstreamExchanges.Sending {
        let peer = Peer(address: server, credentials: credentials)
        if let token = current[peer], let connection = connections[token] {
            if submit(attempt, bytes, token, connection) { return .sent }
            // It goes on with what it has; later messages have another one.
            current[peer] = nil
        }
        guard places.take(1) else { return .noRoom }
        let token: UInt64
        do throws(TransportError) {
            token = try open(peer)
        } catch {
            places.give(1)
            return UpstreamExchanges.isLocal(error) ? .noRoom : .unreachable(error.message)
        }
        guard let connection = connections[token], submit(attempt, bytes, token, connection) else {
            return .unreachable("its connection takes nothing")
        }
        return .sent
    }

    private func submit(_ attempt: UInt64, _ bytes: [UInt8], _ token: UInt64, _ connection: Connection) -> Bool {
        // While something is waited for only what comes is a sign of life, however much is asked.
        if connection.framing.isIdle { connection.lastUse = loop.now }
        guard connection.framing.send(attempt, bytes) else { return false }
        tokens[attempt] = token
        // Later, so that a failure is no part of this call.
        loop.execute { [self] in write(token) }
        return true
    }

    private func open(_ peer: Peer) throws(TransportError) -> UInt64 {
        let context: TLSContext
        if let known = contexts[peer.credentials] {
            context = known
        } else {
            let trust = peer.credentials.authoritiesPEM.map { TLSContext.ServerTrust.authorities(pem: $0) } ?? .system
            context = try TLSContext(client: trust, protocols: [Self.protocolName(peer.credentials)])
            // Those of configurations that are gone.
            if contexts.count >= 16 { contexts = [:] }
            contexts[peer.credentials] = context
        }
        let framing: any SecuredFraming
        if let path = peer.credentials.path {
            framing = try HTTP2Framing(
                peer.address, name: peer.credentials.name, path: path, now: loop.now.nanoseconds)
        } else {
            framing = LengthFraming()
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
                peer: peer, socket: StreamSocket(descriptor: descriptor, tls: session), framing: framing,
                registration: registration, now: loop.now)
        } catch {
            session.free()
            Socket.close(descriptor)
            throw error
        }
        current[peer] = lastToken
        scheduleSweep()
        return lastToken
    }

    /// Told to servers in the handshake (RFC 7301).
    private static func protocolName(_ credentials: SecuredServer) -> String {
        credentials.path == nil ? "dot" : "h2"
    }

    /// Nobody waits for the attempt any more.
    func forget(_ attempt: UInt64) {
        guard let token = tokens.removeValue(forKey: attempt), let connection = connections[token] else { return }
        connection.framing.forget(attempt)
        // The server may have to be told.
        loop.execute { [self] in write(token) }
    }

    func closeAll() {
        sweeper?.cancel()
        sweeper = nil
        for token in Array(connections.keys) { close(token) }
    }

    // MARK: Events

    func handle(_ events: ReadyEvents, token: UInt64) {
        if events.contains(.writable) || events.contains(.readable) {
            // TLS may have waited for bytes in order to write.
            write(token)
        }
        if events.contains(.readable) { read(token) }
    }

    /// Goes on with the handshake where there is one; true when messages may go.
    private func establish(_ connection: Connection, _ token: UInt64) -> Bool {
        guard !connection.isEstablished, let session = connection.socket.tls else { return true }
        let number = Socket.pendingError(connection.socket.descriptor)
        guard number == 0 else {
            fail(token, TransportError.system(number, "connect").message)
            return false
        }
        switch session.handshake() {
        case .complete:
            // Servers of DNS over TLS need not know its name (RFC 7858, 3.1).
            guard connection.peer.credentials.path == nil || session.applicationProtocol == "h2" else {
                fail(token, "it does not speak HTTP/2")
                return false
            }
            connection.isEstablished = true
            return true
        case .wouldBlock: return false
        case .failed(let reason):
            fail(token, reason)
            return false
        }
    }

    private func write(_ token: UInt64) {
        guard let connection = connections[token], establish(connection, token) else { return }
        let output = connection.framing.takeOutput()
        if !output.isEmpty { connection.unsent.append(output) }
        while !connection.unsent.isEmpty {
            switch connection.unsent.write(to: connection.socket) {
            case .bytes: continue
            case .wouldBlock: return
            case .closed: return fail(token, Self.closed)
            case .failed(let number): return fail(token, TransportError.system(number, "send").message)
            }
        }
    }

    private func read(_ token: UInt64) {
        while let connection = connections[token], connection.isEstablished {
            switch connection.socket.read(into: loop.readBuffer) {
            case .bytes(let count):
                guard take(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]), of: connection, token) else {
                    return fail(token, "what it sends is no answer")
                }
            case .wouldBlock: return
            case .closed: return fail(token, Self.closed)
            case .failed(let number): return fail(token, TransportError.system(number, "receive").message)
            }
        }
    }

    /// False where the stream means nothing any more.
    private func take(_ bytes: UnsafeRawBufferPointer, of connection: Connection, _ token: UInt64) -> Bool {
        guard let events = connection.framing.receive(bytes) else { return false }
        for event in events {
            connection.lastUse = loop.now
            switch event {
            case .message(let attempt, let message):
                tokens[attempt] = nil
                onMessage(attempt, message.span)
            case .failure(let attempt, let cause):
                tokens[attempt] = nil
                onFailure(attempt, cause)
            }
        }
        // Windows and acknowledgements.
        write(token)
        return true
    }

    private static let closed = "it closed the connection"

    private func fail(_ token: UInt64, _ cause: String) {
        guard let connection = connections[token] else { return }
        let attempts = connection.framing.attempts
        close(token)
        for attempt in attempts { onFailure(attempt, cause) }
    }

    private func close(_ token: UInt64) {
        guard let connection = connections.removeValue(forKey: token) else { return }
        if current[connection.peer] == token { current[connection.peer] = nil }
        for attempt in connection.framing.attempts { tokens[attempt] = nil }
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
                fail(token, "nothing came for \(idleTimeout)")
            }
            if !connections.isEmpty { scheduleSweep() }
        }
    }
}
