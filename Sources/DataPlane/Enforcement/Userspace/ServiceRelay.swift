import NetworkTypes
import TrafficModel
import Transport

/// The service proxy's share of one event loop: its listening sockets, rotations, TCP connections and UDP flows.
///
/// `@unchecked Sendable`: every property is touched only on `loop`'s thread.
final class ServiceRelay: EventHandler, @unchecked Sendable {
    private struct Listening {
        var key: FrontendKey
        var frontend: Frontend
        var descriptor: Int32
        var registration: LoopRegistration?
        var udp: DatagramRelay?
    }

    private struct Backend {
        var picker: EndpointPicker
        var frontends: Int
    }

    /// How long one endpoint may take to accept a connection before the next one is tried.
    static let connectTimeout: Duration = .seconds(5)
    /// The pause after the process ran out of descriptors.
    private static let acceptPause: Duration = .milliseconds(100)
    /// Accepted connections in a row before other descriptors of the loop get their turn.
    private static let acceptBurst = 64

    let loop: EventLoop
    private let counters: RelayCounters
    private let flowLimit: Int
    private let liveness: TCPLiveness
    private var listening: [UInt64: Listening] = [:]
    private var tokens: [FrontendKey: UInt64] = [:]
    private var backends: [ServiceBackendID: Backend] = [:]
    private var connections: [ObjectIdentifier: RelayedConnection] = [:]
    private var connecting: [ObjectIdentifier: RelayedConnection] = [:]
    /// Room for a batch of datagrams of the greatest length (RFC 768), taken from the system when the first UDP address
    /// is opened and touched only as far as datagrams reach.
    private lazy var datagrams = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 65_536, alignment: 64)
    private var nextToken: UInt64 = 1
    private var isSweeping = false
    /// Called when the last connection of a drain has ended.
    private var onDrained: (() -> Void)?

    init(loop: EventLoop, counters: RelayCounters, flowLimit: Int, liveness: TCPLiveness) {
        self.liveness = liveness
        self.loop = loop
        self.flowLimit = flowLimit
        self.counters = counters
    }

    // MARK: Changes

    /// Starts to listen, or gives a listener other endpoints. Established connections stay; UDP flows that the change
    /// makes wrong end (`StaleFlows`).
    func set(_ key: FrontendKey, _ frontend: Frontend) throws(TransportError) {
        guard let token = tokens[key], let previous = listening[token]?.frontend else { return try open(key, frontend) }
        retain(frontend)
        release(previous)
        listening[token]?.frontend = frontend
        listening[token]?.udp?.end(StaleFlows(.set(key, frontend, replacing: previous)))
    }

    private func open(_ key: FrontendKey, _ frontend: Frontend) throws(TransportError) {
        let token = nextToken
        nextToken += 1
        var entry = Listening(key: key, frontend: frontend, descriptor: -1)
        if key.transport == .udp {
            let relay = DatagramRelay(
                loop: loop, counters: counters, scratch: datagrams, flowLimit: flowLimit
            ) { [unowned self] client in pick(token: token, client: client) }
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
        retain(frontend)
        listening[token] = entry
        tokens[key] = token
    }

    /// Stops to listen. Established TCP connections go on.
    func close(_ key: FrontendKey) {
        guard let token = tokens.removeValue(forKey: key), let entry = listening.removeValue(forKey: token) else {
            return
        }
        if let registration = entry.registration {
            loop.close(registration)
        } else if entry.udp == nil {
            // Accepting was paused: the descriptor is not with the loop.
            Socket.close(entry.descriptor)
        }
        entry.udp?.close()
        release(entry.frontend)
    }

    /// Closes every listener, then waits for the connections to end, at most for `limit`; breaks what is left and calls
    /// `done`.
    func drain(limit: Duration, _ done: @escaping () -> Void) {
        for (key, token) in tokens {
            // A client whose connection the kernel has already taken is one of those under way.
            if key.transport == .tcp { acceptWaiting(token, atMost: .max) }
            close(key)
        }
        let timer = loop.schedule(after: limit) { [self] in
            for connection in Array(connections.values) { connection.abort() }
        }
        onDrained = {
            timer.cancel()
            done()
        }
        finishDrainIfEmpty()
    }

    private func finishDrainIfEmpty() {
        guard connections.isEmpty, let done = onDrained else { return }
        onDrained = nil
        done()
    }

    private func retain(_ frontend: Frontend) {
        if backends[frontend.backend] == nil {
            backends[frontend.backend] = Backend(
                picker: EndpointPicker(endpoints: frontend.endpoints, affinitySeconds: frontend.affinitySeconds),
                frontends: 1)
        } else {
            backends[frontend.backend]?.frontends += 1
            backends[frontend.backend]?.picker.replace(
                endpoints: frontend.endpoints, affinitySeconds: frontend.affinitySeconds)
        }
    }

    private func release(_ frontend: Frontend) {
        backends[frontend.backend]?.frontends -= 1
        if backends[frontend.backend]?.frontends == 0 { backends[frontend.backend] = nil }
    }

    // MARK: Connections

    func handle(_ events: ReadyEvents, token: UInt64) { acceptWaiting(token, atMost: Self.acceptBurst) }

    private func acceptWaiting(_ token: UInt64, atMost limit: Int) {
        guard let entry = listening[token] else { return }
        var left = limit
        while left > 0 {
            left -= 1
            switch Socket.accept(entry.descriptor) {
            case .connection(let descriptor, let peer): accept(descriptor, from: peer, entry.frontend)
            case .wouldBlock: return
            case .aborted: continue
            case .exhausted, .failed:
                counters.countRefusal()
                pauseAccepting(token)
                return
            }
        }
    }

    private func accept(_ descriptor: Int32, from peer: SocketAddress?, _ frontend: Frontend) {
        guard let peer, frontend.sourceRanges.admits(peer.ip) else {
            counters.countRefusal()
            Socket.resetOnClose(descriptor)
            Socket.close(descriptor)
            return
        }
        let backend = frontend.backend
        let connection = RelayedConnection(
            loop: loop, accepted: descriptor, connectTimeout: Self.connectTimeout, liveness: liveness,
            nextEndpoint: { [unowned self] tried in
                let now = loop.now
                return backends[backend]?.picker.pick(for: peer.ip, excluding: tried, now: now)
            },
            onEnd: { [unowned self] connection in
                connections[ObjectIdentifier(connection)] = nil
                connecting[ObjectIdentifier(connection)] = nil
                counters.connectionEnded()
                finishDrainIfEmpty()
            })
        counters.connectionBegan()
        connections[ObjectIdentifier(connection)] = connection
        connecting[ObjectIdentifier(connection)] = connection
        connection.start()
        scheduleSweep()
    }

    private func pick(token: UInt64, client: IPAddress) -> SocketAddress? {
        guard let frontend = listening[token]?.frontend, frontend.sourceRanges.admits(client) else { return nil }
        let now = loop.now
        return backends[frontend.backend]?.picker.pick(for: client, now: now)
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
