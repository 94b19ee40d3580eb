import NetworkTypes
import TrafficModel
import Transport

/// The service proxy's share of one event loop: its listening sockets, rotations, TCP connections and UDP flows.
///
/// `@unchecked Sendable`: every property is touched only on `loop`'s thread.
final class ServiceRelay: EventHandler, @unchecked Sendable {
    private struct Listening {
        var key: ServiceListenerKey
        var listener: ServiceListener
        var descriptor: Int32
        var registration: LoopRegistration?
        var udp: DatagramRelay?
    }

    private struct Backend {
        var picker: EndpointPicker
        var listeners: Int
    }

    /// How long one endpoint may take to accept a connection before the next one is tried.
    static let connectTimeout: Duration = .seconds(5)
    /// The pause after the process ran out of descriptors.
    private static let acceptPause: Duration = .milliseconds(100)
    /// Accepted connections in a row before other descriptors of the loop get their turn.
    private static let acceptBurst = 64

    let loop: EventLoop
    private let counters: ServiceProxyCounters
    private var listening: [UInt64: Listening] = [:]
    private var tokens: [ServiceListenerKey: UInt64] = [:]
    private var backends: [ServiceBackendID: Backend] = [:]
    private var connections: [ObjectIdentifier: RelayedConnection] = [:]
    private var connecting: [ObjectIdentifier: RelayedConnection] = [:]
    /// Room for a batch of datagrams of the greatest length (RFC 768), taken from the system when the first UDP address
    /// is opened and touched only as far as datagrams reach.
    private lazy var datagrams = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 65_536, alignment: 64)
    private var nextToken: UInt64 = 1
    private var isSweeping = false

    init(loop: EventLoop, counters: ServiceProxyCounters) {
        self.loop = loop
        self.counters = counters
    }

    // MARK: Changes

    /// Starts to listen.
    func open(_ key: ServiceListenerKey, _ listener: ServiceListener) throws(TransportError) {
        precondition(tokens[key] == nil, "an address is opened once")
        let token = nextToken
        nextToken += 1
        var entry = Listening(key: key, listener: listener, descriptor: -1)
        if key.transport == .udp {
            let relay = DatagramRelay(loop: loop, counters: counters, scratch: datagrams) { [unowned self] client in
                pick(token: token, client: client)
            }
            try relay.open(key.address)
            entry.udp = relay
        } else {
            entry.descriptor = try Socket.listen(key.address)
            do {
                entry.registration = try loop.registerListener(
                    entry.descriptor, handler: self, token: token, shared: false)
            } catch {
                Socket.close(entry.descriptor)
                throw error
            }
        }
        retain(listener)
        listening[token] = entry
        tokens[key] = token
    }

    /// Gives a listener other endpoints. Connections stay; UDP flows to endpoints that are gone end, since a client has
    /// no other way to notice.
    func update(_ key: ServiceListenerKey, _ listener: ServiceListener) {
        guard let token = tokens[key], let previous = listening[token]?.listener else { return }
        retain(listener)
        release(previous)
        listening[token]?.listener = listener
        listening[token]?.udp?.keepFlows(to: Set(listener.endpoints))
    }

    /// Stops to listen. Established TCP connections go on.
    func close(_ key: ServiceListenerKey) {
        guard let token = tokens.removeValue(forKey: key), let entry = listening.removeValue(forKey: token) else {
            return
        }
        if let registration = entry.registration { loop.close(registration) }
        entry.udp?.close()
        release(entry.listener)
    }

    /// Closes everything at once.
    func shutDown() {
        for key in Array(tokens.keys) { close(key) }
        for connection in Array(connections.values) { connection.abort() }
    }

    private func retain(_ listener: ServiceListener) {
        if backends[listener.backend] == nil {
            backends[listener.backend] = Backend(
                picker: EndpointPicker(endpoints: listener.endpoints, affinitySeconds: listener.affinitySeconds),
                listeners: 1)
        } else {
            backends[listener.backend]?.listeners += 1
            backends[listener.backend]?.picker.replace(
                endpoints: listener.endpoints, affinitySeconds: listener.affinitySeconds)
        }
    }

    private func release(_ listener: ServiceListener) {
        backends[listener.backend]?.listeners -= 1
        if backends[listener.backend]?.listeners == 0 { backends[listener.backend] = nil }
    }

    // MARK: Connections

    func handle(_ events: ReadyEvents, token: UInt64) {
        guard let entry = listening[token] else { return }
        for _ in 0..<Self.acceptBurst {
            switch Socket.accept(entry.descriptor) {
            case .connection(let descriptor, let peer): accept(descriptor, from: peer, token: token, entry.listener)
            case .wouldBlock: return
            case .aborted: continue
            case .exhausted, .failed:
                counters.countRefusal()
                pauseAccepting(token)
                return
            }
        }
    }

    private func accept(_ descriptor: Int32, from peer: SocketAddress?, token: UInt64, _ listener: ServiceListener) {
        guard let peer, admits(peer.ip, listener) else {
            counters.countRefusal()
            Socket.resetOnClose(descriptor)
            Socket.close(descriptor)
            return
        }
        let backend = listener.backend
        let connection = RelayedConnection(
            loop: loop, accepted: descriptor, connectTimeout: Self.connectTimeout,
            nextEndpoint: { [unowned self] tried in
                let now = loop.now
                return backends[backend]?.picker.pick(for: peer.ip, excluding: tried, now: now)
            },
            onEnd: { [unowned self] connection in
                connections[ObjectIdentifier(connection)] = nil
                connecting[ObjectIdentifier(connection)] = nil
                counters.connectionEnded()
            })
        counters.connectionBegan()
        connections[ObjectIdentifier(connection)] = connection
        connecting[ObjectIdentifier(connection)] = connection
        connection.start()
        scheduleSweep()
    }

    private func admits(_ client: IPAddress, _ listener: ServiceListener) -> Bool {
        listener.sourceRanges.contains(client)
    }

    private func pick(token: UInt64, client: IPAddress) -> SocketAddress? {
        guard let listener = listening[token]?.listener, admits(client, listener) else { return nil }
        let now = loop.now
        return backends[listener.backend]?.picker.pick(for: client, now: now)
    }

    /// The listener is level-triggered: without a pause it would spin until a descriptor is free.
    private func pauseAccepting(_ token: UInt64) {
        guard let registration = listening[token]?.registration else { return }
        loop.deregister(registration)
        listening[token]?.registration = nil
        loop.schedule(after: Self.acceptPause) { [self] in
            guard let entry = listening[token], entry.registration == nil else { return }
            do throws(TransportError) {
                listening[token]?.registration = try loop.registerListener(
                    entry.descriptor, handler: self, token: token, shared: false)
            } catch {
                pauseAccepting(token)
            }
        }
    }

    /// Looks every second, while anything connects, for attempts that take too long.
    private func scheduleSweep() {
        guard !isSweeping, !connecting.isEmpty else { return }
        isSweeping = true
        loop.schedule(after: .seconds(1)) { [self] in
            isSweeping = false
            for (id, connection) in connecting {
                if !connection.isConnecting {
                    connecting[id] = nil
                } else if connection.connectDeadline <= loop.now {
                    connection.connectTimedOut()
                }
            }
            scheduleSweep()
        }
    }
}
