import NetworkTypes
import Transport

/// One UDP address of a Service: each client address has a flow to one endpoint, with a socket of its own, so that
/// answers find their way back. A flow ends after 60 seconds without a datagram in either direction.
///
/// `@unchecked Sendable`: every property is touched only on `loop`'s thread.
final class DatagramRelay: EventHandler, @unchecked Sendable {
    private struct Flow {
        var client: SocketAddress
        var endpoint: SocketAddress
        var descriptor: Int32
        var registration: LoopRegistration
        var lastUse: MonotonicTime
    }

    static let idleTimeout: Duration = .seconds(60)
    /// Flows of one address; beyond it datagrams of new clients are dropped until older flows end.
    static let flowLimit = 8192
    private static let listenerToken: UInt64 = 0
    /// Batches of datagrams in a row before other descriptors of the loop get their turn.
    private static let burst = 16

    private let loop: EventLoop
    private let counters: ServiceProxyCounters
    private let scratch: UnsafeMutableRawBufferPointer
    private let pick: (IPAddress) -> SocketAddress?
    private var descriptor: Int32 = -1
    private var registration: LoopRegistration?
    private var flows: [UInt64: Flow] = [:]
    private var tokens: [SocketAddress: UInt64] = [:]
    private var nextToken: UInt64 = 1
    private var sweeper: LoopTimer?

    /// `scratch` holds one batch of datagrams of any length and may be shared by the relays of a loop.
    init(
        loop: EventLoop, counters: ServiceProxyCounters, scratch: UnsafeMutableRawBufferPointer,
        pick: @escaping (IPAddress) -> SocketAddress?
    ) {
        self.loop = loop
        self.scratch = scratch
        self.counters = counters
        self.pick = pick
    }

    func open(_ address: SocketAddress) throws(TransportError) {
        descriptor = try Socket.bindUDP(address)
        do {
            registration = try loop.register(descriptor, handler: self, token: Self.listenerToken)
        } catch {
            Socket.close(descriptor)
            throw error
        }
    }

    func close() {
        if let registration { loop.close(registration) }
        registration = nil
        sweeper?.cancel()
        end(Array(flows.keys))
    }

    /// Ends the flows to all other endpoints.
    func keepFlows(to endpoints: Set<SocketAddress>) {
        end(flows.filter { !endpoints.contains($0.value.endpoint) }.map(\.key))
    }

    func handle(_ events: ReadyEvents, token: UInt64) {
        guard events.contains(.readable) else { return }
        if token == Self.listenerToken { receiveFromClients() } else { receiveFromEndpoint(token) }
    }

    private func receiveFromClients() {
        for _ in 0..<Self.burst {
            let more = Socket.receiveDatagrams(descriptor, scratch: scratch) { bytes, client in
                guard let token = tokens[client] ?? openFlow(for: client) else {
                    counters.countRefusal()
                    return
                }
                guard let flow = flows[token] else { return }
                flows[token]?.lastUse = loop.now
                _ = Socket.write(flow.descriptor, bytes)
            }
            if !more { return }
        }
        loop.execute { [self] in if registration != nil { receiveFromClients() } }
    }

    private func receiveFromEndpoint(_ token: UInt64) {
        for _ in 0..<Self.burst {
            guard let flow = flows[token] else { return }
            switch Socket.read(flow.descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                flows[token]?.lastUse = loop.now
                Socket.sendDatagram(
                    descriptor, UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]), to: flow.client)
            case .closed:
                // A datagram of no bytes.
                Socket.sendDatagram(descriptor, UnsafeRawBufferPointer(start: nil, count: 0), to: flow.client)
            case .wouldBlock:
                return
            case .failed:
                // Nobody listens there (ICMP port unreachable): the client's next datagram picks anew.
                end([token])
                return
            }
        }
        loop.execute { [self] in if flows[token] != nil { receiveFromEndpoint(token) } }
    }

    private func openFlow(for client: SocketAddress) -> UInt64? {
        guard flows.count < Self.flowLimit, let endpoint = pick(client.ip) else { return nil }
        var opened: Int32 = -1
        do throws(TransportError) {
            opened = try Socket.connectUDP(endpoint)
            let token = nextToken
            nextToken += 1
            let registration = try loop.register(opened, handler: self, token: token)
            flows[token] = Flow(
                client: client, endpoint: endpoint, descriptor: opened, registration: registration, lastUse: loop.now)
            tokens[client] = token
            counters.flowBegan()
            scheduleSweep()
            return token
        } catch {
            if opened >= 0 { Socket.close(opened) }
            return nil
        }
    }

    private func end(_ ended: [UInt64]) {
        for token in ended {
            guard let flow = flows.removeValue(forKey: token) else { continue }
            tokens[flow.client] = nil
            loop.close(flow.registration)
        }
        counters.flowsEnded(ended.count)
    }

    private func scheduleSweep() {
        guard sweeper == nil else { return }
        sweeper = loop.schedule(after: .seconds(10)) { [self] in
            sweeper = nil
            guard registration != nil else { return }
            let now = loop.now
            end(flows.filter { now - $0.value.lastUse >= Self.idleTimeout }.map(\.key))
            if !flows.isEmpty { scheduleSweep() }
        }
    }
}
