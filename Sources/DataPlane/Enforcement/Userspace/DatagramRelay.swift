import NetworkTypes
package import Transport

/// One UDP address of a Service: each client address has a flow to one endpoint, with a socket of its own, so that
/// answers find their way back. A flow ends after 60 seconds without a datagram in either direction, or when it is the
/// one that has to make room (`FlowTable`).
///
/// `@unchecked Sendable`: every property is touched only on `loop`'s thread.
package final class DatagramRelay: EventHandler, @unchecked Sendable {
    static let idleTimeout: Duration = .seconds(60)
    /// Flows of one address, each of them a descriptor.
    package static let flowLimit = 8192
    private static let listenerToken: UInt64 = 0
    /// Batches of datagrams in a row before other descriptors of the loop get their turn.
    private static let burst = 16

    private struct FlowSocket {
        var descriptor: Int32
        var registration: LoopRegistration
    }

    private let loop: EventLoop
    private let counters: RelayCounters
    private let descriptors: RelayDescriptors
    private let scratch: UnsafeMutableRawBufferPointer
    private let pick: (IPAddress) -> SocketAddress?
    private var descriptor: Int32 = -1
    private var registration: LoopRegistration?
    private var flows: FlowTable
    private var sockets: [UInt64: FlowSocket] = [:]
    private var sweeper: LoopTimer?

    /// `scratch` holds one batch of datagrams of any length and may be shared by the relays of a loop.
    init(
        loop: EventLoop, counters: RelayCounters, descriptors: RelayDescriptors,
        scratch: UnsafeMutableRawBufferPointer, flowLimit: Int, pick: @escaping (IPAddress) -> SocketAddress?
    ) {
        self.loop = loop
        self.scratch = scratch
        self.counters = counters
        self.descriptors = descriptors
        self.pick = pick
        flows = FlowTable(capacity: flowLimit)
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
        end(Array(flows.flows.keys))
    }

    /// Ends the flows that a change makes wrong.
    func end(_ stale: StaleFlows) {
        switch stale {
        case .none: break
        case .all: end(Array(flows.flows.keys))
        case .toEndpoints(let gone): end(flows.flows.filter { gone.contains($0.value.endpoint) }.map(\.key))
        }
    }

    package func handle(_ events: ReadyEvents, token: UInt64) {
        guard events.contains(.readable) else { return }
        if token == Self.listenerToken { receiveFromClients() } else { receiveFromEndpoint(token) }
    }

    private func receiveFromClients() {
        for _ in 0..<Self.burst {
            let more = Socket.receiveDatagrams(descriptor, scratch: scratch) { bytes, client in
                guard let token = flows.token(of: client) ?? openFlow(for: client), let socket = sockets[token] else {
                    counters.countRefusal()
                    return
                }
                flows.noteRequest(token, now: loop.now)
                _ = Socket.write(socket.descriptor, bytes)
            }
            if !more { return }
        }
        loop.execute { [self] in if registration != nil { receiveFromClients() } }
    }

    private func receiveFromEndpoint(_ token: UInt64) {
        for _ in 0..<Self.burst {
            guard let client = flows[token]?.client, let socket = sockets[token] else { return }
            switch Socket.read(socket.descriptor, into: loop.readBuffer) {
            case .bytes(let count):
                flows.noteAnswer(token, now: loop.now)
                Socket.sendDatagram(
                    descriptor, UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]), to: client)
            case .closed:
                // A datagram of no bytes.
                flows.noteAnswer(token, now: loop.now)
                Socket.sendDatagram(descriptor, UnsafeRawBufferPointer(start: nil, count: 0), to: client)
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
        guard let endpoint = pick(client.ip) else { return nil }
        if !descriptors.take(1) {
            // The process has no more for relays: a flow of this address makes room for a newer one.
            guard let evicted = flows.endLongestIdle() else { return nil }
            counters.countEviction()
            closeSockets([evicted])
            guard descriptors.take(1) else { return nil }
        }
        let (token, evicted) = flows.begin(client, to: endpoint, now: loop.now)
        if let evicted {
            counters.countEviction()
            closeSockets([evicted])
        }
        var opened: Int32 = -1
        do throws(TransportError) {
            opened = try Socket.connectUDP(endpoint)
            let registration = try loop.register(opened, handler: self, token: token)
            sockets[token] = FlowSocket(descriptor: opened, registration: registration)
            counters.flowBegan()
            scheduleSweep()
            return token
        } catch {
            if opened >= 0 { Socket.close(opened) }
            descriptors.give(1)
            flows.end(token)
            return nil
        }
    }

    private func end(_ ended: [UInt64]) {
        for token in ended { flows.end(token) }
        closeSockets(ended)
    }

    private func closeSockets(_ ended: [UInt64]) {
        for token in ended {
            guard let socket = sockets.removeValue(forKey: token) else { continue }
            loop.close(socket.registration)
            counters.flowsEnded(1)
            descriptors.give(1)
        }
    }

    private func scheduleSweep() {
        guard sweeper == nil else { return }
        sweeper = loop.schedule(after: .seconds(10)) { [self] in
            sweeper = nil
            guard registration != nil else { return }
            end(flows.idle(for: Self.idleTimeout, at: loop.now))
            if flows.count > 0 { scheduleSweep() }
        }
    }
}
