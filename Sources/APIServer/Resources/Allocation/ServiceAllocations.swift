import KubeModel
import NetworkTypes
import Synchronization

/// The cluster IPs and node ports that Services hold, in memory.
///
/// Nothing of it is stored: the stored Services say what is taken, and `restore` derives this state from them at start
/// (docs/decisions/0008-allocation.md). A write reserves first, then goes to the store, and its reservation is then
/// committed or rolled back. What an update or a delete gives up is released only when the store has committed it, so
/// an
/// address is never in two committed Services. All methods are thread-safe.
final class ServiceAllocations: Sendable {
    struct State {
        var addresses: [AddressAllocator]
        var ports: NodePortAllocator

        mutating func release(_ holding: ServiceHolding) {
            for address in holding.addresses {
                for index in addresses.indices where addresses[index].family == address.family {
                    addresses[index].release(address)
                }
            }
            for port in holding.ports { ports.release(port) }
        }
    }

    let families: ServiceAddressFamilies
    private let state: Mutex<State>

    /// - Throws: ``AllocationRangeError`` when a range can't be used, as kube-apiserver refuses to start with it.
    init(ranges: AllocationRanges) throws(AllocationRangeError) {
        guard (1...2).contains(ranges.serviceCIDRs.count) else {
            throw AllocationRangeError("--service-cluster-ip-range must contain one or two ranges")
        }
        guard Set(ranges.serviceCIDRs.map(\.family)).count == ranges.serviceCIDRs.count else {
            throw AllocationRangeError(
                "--service-cluster-ip-range and --secondary-service-cluster-ip-range must be of different IP family")
        }
        var addresses: [AddressAllocator] = []
        for range in ranges.serviceCIDRs { addresses.append(try AddressAllocator(range: range.masked)) }
        let ports = try NodePortAllocator(range: Int(ranges.nodePorts.lowerBound)...Int(ranges.nodePorts.upperBound))
        families = ServiceAddressFamilies(configured: ranges.serviceCIDRs.map(\.family))
        state = Mutex(State(addresses: addresses, ports: ports))
    }

    /// Chooses and takes everything the Service needs and `old` does not hold, and writes it into the document.
    ///
    /// The result must be committed when the store has committed the Service, or rolled back when it has not.
    /// - Throws: 422 when a requested address or port can't be had, 500 when a range is full; nothing is taken then.
    func reserve(_ service: inout ServiceDocument, replacing old: ServiceDocument?) throws(Status)
        -> ServiceReservation
    {
        let errors = families.fill(&service, from: old)
        guard errors.isEmpty else { throw Status.invalidService(service, errors) }
        let held = old.map(ServiceHolding.init) ?? ServiceHolding()
        var plan = ServiceReservationPlan(service: service, old: old, held: held)
        let failure = state.withLock { state in plan.claim(in: &state, families: families) }
        if let failure { throw failure }
        service = plan.service
        return ServiceReservation(
            allocations: self, claimed: plan.claimed, released: held.subtracting(ServiceHolding(service)))
    }

    /// Takes what a stored Service holds.
    /// - Returns: what it holds that another one holds too, or that no configured range has.
    func restore(_ service: ServiceDocument) -> ServiceHolding {
        let holding = ServiceHolding(service)
        return state.withLock { state in
            var refused = ServiceHolding()
            for address in holding.addresses where !Self.take(address, &state) { refused.addresses.insert(address) }
            for port in holding.ports {
                do { try state.ports.allocate(port) } catch { refused.ports.insert(port) }
            }
            return refused
        }
    }

    /// Gives back everything a deleted Service held.
    func release(_ service: ServiceDocument) {
        release(ServiceHolding(service))
    }

    func release(_ holding: ServiceHolding) {
        guard !holding.isEmpty else { return }
        state.withLock { $0.release(holding) }
    }

    /// How many addresses of each range, in the order of configuration, and how many node ports are free.
    var free: (addresses: [Int], nodePorts: Int) {
        state.withLock { ($0.addresses.map(\.freeCount), $0.ports.freeCount) }
    }

    private static func take(_ address: IPAddress, _ state: inout State) -> Bool {
        for index in state.addresses.indices where state.addresses[index].family == address.family {
            do {
                try state.addresses[index].allocate(address)
                return true
            } catch {
                return false
            }
        }
        return false
    }
}
