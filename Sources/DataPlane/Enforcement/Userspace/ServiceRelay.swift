import Glibc
import NetworkTypes
import TrafficModel
import Transport

/// The service proxy's share of one event loop: its listening sockets, rotations, TCP connections and UDP flows.
///
/// `@unchecked Sendable`: every property is touched only on `loop`'s thread.
final class ServiceRelay: @unchecked Sendable {
    private struct Listening {
        var key: FrontendKey
        var frontend: Frontend
        var acceptor: Acceptor?
        var udp: DatagramRelay?
    }

    private struct Backend {
        var picker: EndpointPicker
        var frontends: Int
    }

    /// How long one endpoint may take to accept a connection before the next one is tried.
    static let connectTimeout: Duration = .seconds(5)
    let loop: EventLoop
    /// Which of the relays it is.
    private let index: Int
    private let room: RelayRoom
    private let counters: RelayCounters
    private let descriptors: RelayDescriptors
    private let flowLimit: Int
    private let liveness: ConnectionLiveness
    private var listening: [UInt64: Listening] = [:]
    private var tokens: [FrontendKey: UInt64] = [:]
    private var backends: [ServiceBackendID: Backend] = [:]
    private var connections: [UInt64: RelayedConnection] = [:]
    private var connecting: [UInt64: RelayedConnection] = [:]
    private var nextConnection: UInt64 = 0
    /// Room for a batch of datagrams of the greatest length (RFC 768), taken from the system when the first UDP address
    /// is opened and touched only as far as datagrams reach.
    private lazy var datagrams = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 65_536, alignment: 64)
    private var nextToken: UInt64 = 1
    private var isSweeping = false
    /// Called when the last connection of a drain has ended.
    private var onDrained: (() -> Void)?

    init(
        loop: EventLoop, index: Int, room: RelayRoom, counters: RelayCounters, flowLimit: Int,
        liveness: ConnectionLiveness
    ) {
        self.index = index
        self.room = room
        descriptors = room.descriptors
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
        var entry = Listening(key: key, frontend: frontend)
        guard descriptors.takeListener() else {
            throw TransportError(
                .system(errno: EMFILE),
                "\(descriptors.listenerLimit) addresses are served already, as many as the limit on open files allows")
        }
        do throws(TransportError) {
            try listen(&entry, token)
        } catch {
            descriptors.giveListener()
            throw error
        }
        retain(frontend)
        listening[token] = entry
        tokens[key] = token
        entry.acceptor?.start()
    }

    private func listen(_ entry: inout Listening, _ token: UInt64) throws(TransportError) {
        let key = entry.key
        if key.transport == .udp {
            let relay = DatagramRelay(
                loop: loop, counters: counters, descriptors: descriptors, scratch: datagrams, flowLimit: flowLimit
            ) { [unowned self] client in pick(token: token, client: client) }
            try relay.open(key.address)
            entry.udp = relay
        } else {
            entry.acceptor = Acceptor(
                loop: loop, descriptor: try Socket.listen(key.address),
                hasRoom: { [room] in room.mayAccept },
                onExhaustion: { [counters] in counters.countRefusal() },
                take: { [unowned self] descriptor, peer in accept(descriptor, from: peer, token) })
        }
    }

    /// Stops to listen. Established TCP connections go on.
    func close(_ key: FrontendKey) {
        guard let token = tokens.removeValue(forKey: key), let entry = listening.removeValue(forKey: token) else {
            return
        }
        entry.acceptor?.stop()
        entry.udp?.close()
        descriptors.giveListener()
        release(entry.frontend)
    }

    /// Closes every listener, then waits for the connections to end, at most for `limit`; breaks what is left and calls
    /// `done`.
    func drain(limit: Duration, _ done: @escaping () -> Void) {
        for (key, token) in tokens {
            // A client whose connection the kernel has already taken is one of those under way.
            listening[token]?.acceptor?.stop()
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
                picker: EndpointPicker(
                    endpoints: frontend.endpoints, affinitySeconds: frontend.affinitySeconds,
                    balancing: frontend.balancing),
                frontends: 1)
        } else {
            backends[frontend.backend]?.frontends += 1
            backends[frontend.backend]?.picker.replace(
                endpoints: frontend.endpoints, affinitySeconds: frontend.affinitySeconds,
                balancing: frontend.balancing)
        }
    }

    private func release(_ frontend: Frontend) {
        backends[frontend.backend]?.frontends -= 1
        if backends[frontend.backend]?.frontends == 0 { backends[frontend.backend] = nil }
    }

    // MARK: Connections

    /// Relays a connection; one of an address that is served no more, from somebody who is not admitted, or for which there is
    /// no room, is reset.
    private func accept(_ descriptor: Int32, from peer: SocketAddress?, _ token: UInt64) {
        nextConnection += 1
        let number = nextConnection
        let place = RelayShares.Place(relay: index, number: number)
        guard let peer, let frontend = listening[token]?.frontend, frontend.sourceRanges.admits(peer.ip),
            room.take(
                place, for: .init(service: frontend.backend.port.service, peer: PeerKey(peer.ip)), on: loop)
        else {
            counters.countRefusal()
            Socket.resetOnClose(descriptor)
            Socket.close(descriptor)
            return
        }
        let backend = frontend.backend
        let held = HeldEndpoint()
        let connection = RelayedConnection(
            loop: loop, accepted: descriptor, connectTimeout: Self.connectTimeout, liveness: liveness,
            nextEndpoint: { [unowned self] tried in
                let now = loop.now
                let endpoint = backends[backend]?.picker.pick(for: peer.ip, excluding: tried, now: now)
                hold(endpoint, in: held, of: backend)
                return endpoint
            },
            onEnd: { [unowned self] _ in
                hold(nil, in: held, of: backend)
                connections[number] = nil
                connecting[number] = nil
                counters.connectionEnded()
                room.give(place)
                finishDrainIfEmpty()
            })
        counters.connectionBegan()
        connections[number] = connection
        connecting[number] = connection
        connection.start()
        scheduleSweep()
    }

    /// Counts a connection to the endpoint that it is at now, and no longer to the one before.
    private func hold(_ endpoint: SocketAddress?, in held: HeldEndpoint, of backend: ServiceBackendID) {
        if let before = held.endpoint { backends[backend]?.picker.ended(at: before) }
        if let endpoint { backends[backend]?.picker.began(at: endpoint) }
        held.endpoint = endpoint
    }

    /// The endpoint that a connection counts for.
    private final class HeldEndpoint {
        var endpoint: SocketAddress?
    }

    /// Breaks a connection whose place another one got, unless it has ended.
    func end(connection number: UInt64) { connections[number]?.abort() }

    private func pick(token: UInt64, client: IPAddress) -> SocketAddress? {
        guard let frontend = listening[token]?.frontend, frontend.sourceRanges.admits(client) else { return nil }
        let now = loop.now
        return backends[frontend.backend]?.picker.pick(for: client, now: now)
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
