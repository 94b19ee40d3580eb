import IPVS
import NetworkTypes
import TrafficModel

/// The virtual servers that Services want, those that stand, and what leads from one to the other. Pure.
///
/// A real server that nobody wants any more keeps its TCP connections: it stays, without a weight, until they have ended
/// (`drain`). So does a virtual server whose Service is gone.
struct IPVSPlan {
    /// What one address wants.
    struct Wanted: Hashable {
        var server: VirtualServer
        var reals: Set<SocketAddress>
    }

    /// What stands in the kernel under one address, and is ours.
    struct Standing: Hashable {
        var server: VirtualServer
        /// Real servers with their weights; those that drain have none.
        var weights: [SocketAddress: UInt32]

        var hasDraining: Bool { weights.values.contains(0) }
    }

    /// What has to be done for some addresses, in this order.
    struct Steps: Equatable {
        /// Virtual servers that are new, or other than before.
        var servers: [IPVSChange] = []
        /// Real servers that are to get connections.
        var reals: [IPVSChange] = []
        /// What goes, once nobody is led there any more.
        var removals: [IPVSChange] = []

        var isEmpty: Bool { servers.isEmpty && reals.isEmpty && removals.isEmpty }
    }

    /// Of Services that ask for nothing in particular.
    let scheduler: IPVSScheduler
    private(set) var wanted: [FrontendKey: Wanted] = [:]
    private(set) var standing: [FrontendKey: Standing] = [:]
    /// How many addresses of Services make each the machine's own.
    private var holders: [IPAddress: Int] = [:]
    private var held: [FrontendKey: IPAddress] = [:]
    /// Addresses that began or ceased to be needed since `takeTouched`.
    private var touched: Set<IPAddress> = []
    /// Where real servers drain.
    private(set) var draining: Set<FrontendKey> = []

    init(scheduler: IPVSScheduler = .roundRobin) { self.scheduler = scheduler }

    // MARK: What is wanted

    mutating func take(_ change: FrontendPlanner.Change, ownAddresses: Set<IPAddress>) {
        switch change {
        case .remove(let key, _):
            wanted[key] = nil
            hold(nil, for: key)
        case .set(let key, let frontend, _):
            wanted[key] = want(frontend, at: key)
            let isOwn = EndpointChooser.virtualServers.makesOwn(key, frontend.role, besides: ownAddresses)
            hold(isOwn ? key.address.ip : nil, for: key)
        }
    }

    /// The addresses that the device is to have.
    var addresses: Set<IPAddress> { Set(holders.keys) }

    func isToHave(_ ip: IPAddress) -> Bool { holders[ip] != nil }

    /// The addresses that the device may have to get or to lose since this was asked last.
    mutating func takeTouched() -> Set<IPAddress> {
        defer { touched = [] }
        return touched
    }

    private func want(_ frontend: Frontend, at key: FrontendKey) -> Wanted? {
        guard !frontend.endpoints.isEmpty,
            EndpointChooser.virtualServers.chooser(for: frontend, at: key.address.ip) == .virtualServers
        else { return nil }
        let scheduler: IPVSScheduler =
            switch frontend.balancing {
            case .leastConnections: .leastConnections
            case .random, .consistentHash, .unknown: self.scheduler
            }
        var server = VirtualServer(key: VirtualServer.Key(key), scheduler: scheduler, flags: .owned)
        if scheduler.isHashing { server.flags.insert(.fallback) }
        if let seconds = frontend.affinitySeconds {
            server.flags.insert(.persistent)
            server.persistence = UInt32(clamping: max(1, seconds))
        }
        return Wanted(server: server, reals: Set(frontend.endpoints))
    }

    private mutating func hold(_ ip: IPAddress?, for key: FrontendKey) {
        let old = held[key]
        guard old != ip else { return }
        held[key] = ip
        if let ip {
            holders[ip, default: 0] += 1
            touched.insert(ip)
        }
        if let old {
            holders[old, default: 0] -= 1
            if holders[old] == 0 {
                holders[old] = nil
                touched.insert(old)
            }
        }
    }

    // MARK: What is to be done

    /// What leads from what stands to what is wanted.
    func steps(for keys: some Sequence<FrontendKey>) -> Steps {
        var steps = Steps()
        for key in keys { add(key, to: &steps) }
        return steps
    }

    private func add(_ key: FrontendKey, to steps: inout Steps) {
        let server = VirtualServer.Key(key)
        let (new, old) = (wanted[key], standing[key])
        if let new, new.server != old?.server {
            steps.servers.append(old == nil ? .addServer(new.server) : .changeServer(new.server))
        }
        let weights = old?.weights ?? [:]
        for address in new?.reals.sorted() ?? [] {
            switch weights[address] {
            case nil: steps.reals.append(.addReal(RealServer(address), server))
            case 1: break
            default: steps.reals.append(.changeReal(RealServer(address), server))
            }
        }
        var left = weights.keys.filter { new?.reals.contains($0) != true }.sorted()
        // Whoever has no connections has nothing to end.
        if key.transport != .tcp {
            steps.removals += left.map { .removeReal($0, server) }
            left = []
        }
        for address in left where weights[address] != 0 {
            steps.removals.append(.changeReal(RealServer(address, weight: 0), server))
        }
        if new == nil, old != nil, left.isEmpty { steps.removals.append(.removeServer(server)) }
    }

    /// What ends at an address now that its real servers have those connections: real servers that drained, and the
    /// virtual server with its last one.
    func drained(_ reals: [RealServer.Standing], at key: FrontendKey) -> [IPVSChange] {
        let server = VirtualServer.Key(key)
        let idle = Set(reals.filter(\.isIdle).map(\.server.address))
        let known = standing[key]?.weights ?? [:]
        let listed = Set(reals.map(\.server.address))
        let over = known.filter { $0.value == 0 && (idle.contains($0.key) || !listed.contains($0.key)) }.map(\.key)
        var changes: [IPVSChange] = over.sorted().map { .removeReal($0, server) }
        if wanted[key] == nil, over.count == known.count { changes.append(.removeServer(server)) }
        return changes
    }

    // MARK: What stands

    /// Changes were carried out.
    mutating func commit(_ changes: some Sequence<IPVSChange>) {
        for change in changes {
            guard let key = FrontendKey(change.key) else { continue }
            switch change {
            case .addServer(let server): standing[key] = Standing(server: server, weights: [:])
            case .changeServer(let server): standing[key]?.server = server
            case .removeServer: standing[key] = nil
            case .addReal(let real, _), .changeReal(let real, _): standing[key]?.weights[real.address] = real.weight
            case .removeReal(let address, _): standing[key]?.weights[address] = nil
            }
            note(key)
        }
    }

    private mutating func note(_ key: FrontendKey) {
        if standing[key]?.hasDraining == true { draining.insert(key) } else { draining.remove(key) }
    }

    /// The kernel was listed.
    mutating func adopt(_ found: [FrontendKey: Standing]) {
        standing = found
        draining = []
        for key in found.keys { note(key) }
    }

    /// Every address that is wanted, or that something stands under.
    var keys: Set<FrontendKey> { Set(wanted.keys).union(standing.keys) }
}

extension VirtualServer.Key {
    init(_ key: FrontendKey) { self.init(transport: key.transport.number, address: key.address) }
}

extension FrontendKey {
    /// Nil for a protocol that Services do not have.
    init?(_ key: VirtualServer.Key) {
        guard let transport = TransportProtocol(number: key.transport) else { return nil }
        self.init(transport: transport, address: key.address)
    }
}
