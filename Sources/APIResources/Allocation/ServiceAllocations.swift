package import KubeModel
package import NetworkTypes
import Synchronization

/// The cluster IPs and node ports that Services hold, in memory.
///
/// Nothing of it is stored: the stored Services say what is taken, and `restore` derives this state from them at start
/// (docs/decisions/0008-allocation.md). A write reserves first, then goes to the store, and its reservation is then
/// committed or rolled back. What an update or a delete gives up is released only when the store has committed it, so
/// an
/// address is never in two committed Services. All methods are thread-safe.
package final class ServiceAllocations: Sendable {
    struct State {
        var addresses: AddressRanges
        package var ports: NodePortAllocator
        /// What `restore` found, until `takeRestored`.
        package var restored: [RestoredService] = []

        package mutating func release(_ holding: ServiceHolding) {
            for address in holding.addresses { addresses.release(address) }
            for port in holding.ports { ports.release(port) }
        }
    }

    /// A stored Service as `restore` found it.
    package struct RestoredService: Sendable {
        package var namespace: String
        package var name: String
        package var addresses: [IPAddress]
        /// What it holds that another one held already.
        package var refused: ServiceHolding
    }

    /// The ServiceCIDR of the configured ranges.
    package static let defaultRangeName = "kubernetes"

    package let families: ServiceAddressFamilies
    package let configuredRanges: [CIDR]
    private let state: Mutex<State>
    private let callers = Mutex(Callers())

    /// Members of a struct of their own: a closure that is itself the value of a `Mutex` is wrapped once more by each look
    /// at it, without end.
    private struct Callers: Sendable {
        var onRelease: (@Sendable () -> Void)?
        var serviceLookup: ServiceLookup?
    }

    /// Gives a stored Service.
    package typealias ServiceLookup = @Sendable (_ namespace: String, _ name: String) -> JSONValue?

    /// - Throws: ``AllocationRangeError`` when a range can't be used, as kube-apiserver refuses to start with it.
    package init(ranges: AllocationRanges) throws(AllocationRangeError) {
        guard (1...2).contains(ranges.serviceCIDRs.count) else {
            throw AllocationRangeError("--service-cluster-ip-range must contain one or two ranges")
        }
        guard Set(ranges.serviceCIDRs.map(\.family)).count == ranges.serviceCIDRs.count else {
            throw AllocationRangeError(
                "--service-cluster-ip-range and --secondary-service-cluster-ip-range must be of different IP family")
        }
        for range in ranges.serviceCIDRs { _ = try AddressAllocator(range: range.masked) }
        configuredRanges = ranges.serviceCIDRs.map(\.masked)
        var addresses = AddressRanges()
        addresses.set(Self.defaultRangeName, configuredRanges, isReady: true)
        let ports = try NodePortAllocator(
            range: Int(ranges.nodePorts.lowerBound)...Int(ranges.nodePorts.upperBound),
            reserved: Set(ranges.reservedNodePorts.map(Int.init)))
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
    /// - Returns: what it holds that another one holds too, or that no range has.
    @discardableResult
    func restore(_ service: ServiceDocument) -> ServiceHolding {
        let holding = ServiceHolding(service)
        guard !holding.isEmpty else { return holding }
        return state.withLock { state in
            var refused = ServiceHolding()
            for address in holding.addresses where !state.addresses.restore(address) {
                refused.addresses.insert(address)
            }
            for port in holding.ports {
                do { try state.ports.allocate(port) } catch { refused.ports.insert(port) }
            }
            var shared = refused
            shared.addresses = refused.addresses.filter { !state.addresses.isStray($0) }
            state.restored.append(
                RestoredService(
                    namespace: service.namespace, name: service.name, addresses: holding.addresses.sorted(),
                    refused: shared))
            return refused
        }
    }

    /// What `restore` has found so far, once.
    package func takeRestored() -> [RestoredService] {
        state.withLock { state in
            defer { state.restored = [] }
            return state.restored
        }
    }

    /// Gives back everything a deleted Service held.
    func release(_ service: ServiceDocument) {
        release(ServiceHolding(service))
    }

    package func release(_ holding: ServiceHolding) {
        guard !holding.isEmpty else { return }
        state.withLock { $0.release(holding) }
        if !holding.addresses.isEmpty { callers.withLock({ $0 }).onRelease?() }
    }

    /// How many addresses of each range and how many node ports are free.
    package var free: (addresses: [Int], nodePorts: Int) {
        state.withLock { ($0.addresses.freeCounts, $0.ports.freeCount) }
    }
}

/// What ServiceCIDRs and IPAddresses are to the allocation.
extension ServiceAllocations {
    /// Sets the ranges of a ServiceCIDR, and whether new addresses may come from them.
    package func setRanges(of name: String, _ ranges: [CIDR], isReady: Bool) {
        state.withLock { $0.addresses.set(name, ranges, isReady: isReady) }
    }

    /// The ranges that cluster IPs come from.
    package var ranges: [CIDR] { state.withLock { $0.addresses.ranges } }

    package func removeRanges(of name: String) {
        state.withLock { $0.addresses.remove(name) }
    }

    /// Whether no Service would be left with an address outside every range.
    package func canRemoveRanges(of name: String) -> Bool {
        state.withLock { $0.addresses.canRemove(name) }
    }

    /// Which of a Service's addresses lie in no range.
    package func strays(among addresses: [IPAddress]) -> [IPAddress] {
        state.withLock { state in addresses.filter { state.addresses.isStray($0) } }
    }

    /// Keeps an address from Services; false when it is taken.
    package func reserve(_ address: IPAddress) -> Bool {
        state.withLock { $0.addresses.reserve(address) }
    }

    package func unreserve(_ address: IPAddress) {
        state.withLock { $0.addresses.unreserve(address) }
    }

    /// Has `observer` called whenever addresses were given back; nil ends it.
    package func observeReleases(_ observer: (@Sendable () -> Void)?) {
        callers.withLock { $0.onRelease = observer }
    }

    package func setServiceLookup(_ lookup: @escaping ServiceLookup) {
        callers.withLock { $0.serviceLookup = lookup }
    }

    /// Whether the stored Service holds the address.
    package func service(_ namespace: String, _ name: String, holds address: IPAddress) -> Bool {
        guard let service = callers.withLock({ $0 }).serviceLookup?(namespace, name) else { return false }
        return ServiceHolding(ServiceDocument(service)).addresses.contains(address)
    }
}
