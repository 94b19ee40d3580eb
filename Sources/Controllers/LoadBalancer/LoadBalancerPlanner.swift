import KubeModel
import NetworkTypes

/// Who has which address, and who gets which. The state of the world is what Services have in their status, so a restart
/// forgets nothing: it is told again.
///
/// A decision costs as much as there are pools, and the logarithm of the Services, whatever the size of the pools.
struct LoadBalancerPlanner: Sendable {
    /// How many addresses of a pool are in use.
    struct Use: Sendable, Equatable {
        var v4: Int64 = 0
        var v6: Int64 = 0

        subscript(family: IPFamily) -> Int64 {
            get { family == .v4 ? v4 : v6 }
            set { if family == .v4 { v4 = newValue } else { v6 = newValue } }
        }
    }

    private struct FamilyOfPool: Hashable {
        var pool: Int
        var family: IPFamily
    }

    private struct SharedInPool: Hashable {
        var place: FamilyOfPool
        var key: SharingKey
    }

    /// In order of their identity.
    private(set) var pools: [PoolAddresses] = []
    private var directory = PoolDirectory([])
    private var uses: [Use] = []
    private var free: [FamilyOfPool: FreeAddresses] = [:]
    private var shared: [SharedInPool: SharedAddresses] = [:]
    private var holders: [IPAddress: [AddressHolder]] = [:]
    private var held: [NamespacedName: (addresses: [IPAddress], holder: AddressHolder)] = [:]
    /// By the name of a pool, the Services that have addresses from it which it no longer has.
    private(set) var leftBehind: [String: Set<NamespacedName>] = [:]

    init(pools: [PoolAddresses] = []) {
        replacePools(pools)
    }

    // MARK: What there is

    mutating func replacePools(_ new: [PoolAddresses]) {
        pools = new.sorted { $0.id < $1.id }
        directory = PoolDirectory(pools)
        uses = pools.map { _ in Use() }
        free = [:]
        for (number, pool) in pools.enumerated() {
            for family in [IPFamily.v4, .v6] {
                free[FamilyOfPool(pool: number, family: family)] = FreeAddresses(
                    pool.choosable.filter { $0.family == family })
            }
        }
        shared = [:]
        let known = held
        (held, holders, leftBehind) = ([:], [:], [:])
        for (addresses, holder) in known.values { hold(addresses, holder) }
    }

    /// Notes the addresses that a Service has; nil for one that is gone or of somebody else.
    ///
    /// - Returns: whether somebody who waits may have better luck now.
    @discardableResult
    mutating func note(_ request: LoadBalancerRequest?, for key: NamespacedName) -> Bool {
        let old = held[key]
        if let request, let old, old.addresses == request.current, old.holder == request.holder { return false }
        if old != nil { letGo(of: key) }
        if let request, !request.current.isEmpty { hold(request.current, request.holder) }
        return old != nil
    }

    /// Notes the addresses that a Service is about to get: nobody else gets them from now on.
    mutating func promise(_ addresses: [IPAddress], to request: LoadBalancerRequest) {
        letGo(of: request.key)
        if !addresses.isEmpty { hold(addresses, request.holder) }
    }

    private mutating func hold(_ addresses: [IPAddress], _ holder: AddressHolder) {
        held[holder.key] = (addresses, holder)
        if let name = holder.pool, addresses.contains(where: { !isInPool(named: name, $0) }) {
            leftBehind[name, default: []].insert(holder.key)
        }
        for address in Set(addresses) {
            let isFirst = holders[address]?.isEmpty ?? true
            holders[address, default: []].append(holder)
            for pool in directory.pools(of: address) {
                if isFirst { uses[pool][address.family] += 1 }
                if let key = holder.sharing {
                    let place = FamilyOfPool(pool: pool, family: address.family)
                    shared[SharedInPool(place: place, key: key), default: SharedAddresses()].insert(address)
                }
            }
        }
    }

    private mutating func letGo(of key: NamespacedName) {
        guard let old = held.removeValue(forKey: key) else { return }
        if let name = old.holder.pool, leftBehind[name]?.remove(key) != nil, leftBehind[name]?.isEmpty == true {
            leftBehind[name] = nil
        }
        for address in Set(old.addresses) {
            let rest = (holders[address] ?? []).filter { $0.key != key }
            holders[address] = rest.isEmpty ? nil : rest
            for pool in directory.pools(of: address) {
                if rest.isEmpty {
                    uses[pool][address.family] -= 1
                    if pools[pool].isChoosable(address) {
                        free[FamilyOfPool(pool: pool, family: address.family)]?.release(address)
                    }
                }
                guard let sharing = old.holder.sharing else { continue }
                let place = SharedInPool(
                    place: FamilyOfPool(pool: pool, family: address.family), key: sharing)
                shared[place]?.release(address, isUnused: !rest.contains { $0.sharing == sharing })
                if shared[place]?.addresses.isEmpty == true { shared[place] = nil }
            }
        }
    }

    // MARK: What is asked of it

    /// How many addresses of a pool are in use; nil for a pool that there is not.
    func use(of id: PoolAddresses.Identity) -> Use? {
        pools.firstIndex { $0.id == id }.map { uses[$0] }
    }

    private func isInPool(named name: String, _ address: IPAddress) -> Bool {
        directory.pools(of: address).contains { pools[$0].name == name }
    }

    func numbers(ofPoolsWith address: IPAddress) -> [Int] { directory.pools(of: address) }

    func holders(of address: IPAddress) -> [AddressHolder] { holders[address] ?? [] }

    /// The name of the pool that has all of the addresses, or else the first one.
    func poolName(of addresses: [IPAddress], preferring wanted: String?) -> String? {
        guard let first = addresses.first else { return nil }
        let candidates = directory.pools(of: first)
        let common = candidates.filter { number in addresses.allSatisfy { pools[number].contains($0) } }
        let named = common.first { pools[$0].name == wanted }
        return (named ?? common.first ?? candidates.first).map { pools[$0].name }
    }

    /// Whether nobody but the Service has the address, or only those that it can share with.
    func isAvailable(_ address: IPAddress, to holder: AddressHolder) -> Bool {
        holders(of: address).allSatisfy { $0.key == holder.key || holder.canShare(with: $0) }
    }

    /// The lowest address of a pool that the Service may have.
    mutating func lowest(in number: Int, _ family: IPFamily, for holder: AddressHolder) -> IPAddress? {
        let (holders, pool) = (holders, pools[number])
        let place = FamilyOfPool(pool: number, family: family)
        var candidates: [IPAddress] = []
        if let key = holder.sharing {
            let found = shared[SharedInPool(place: place, key: key)]?.first(for: holder.ports) { address in
                pool.isChoosable(address) && (holders[address] ?? []).allSatisfy { holder.canShare(with: $0) }
            }
            if let found { candidates.append(found) }
        }
        let unused = free[place]?.first(isUsed: { holders[$0] != nil }, isGood: { pool.isGood($0) })
        if let unused { candidates.append(unused) }
        return candidates.min()
    }
}
