import KubeModel
import NetworkTypes
import TrafficModel

/// What the maps are to hold, and what leads from what they hold to that. Pure.
///
/// - Frontends that choose from the same endpoints share a row. A row keeps its number as long as any of them is there, and
///   its endpoints keep theirs as others come and go: the last one moves into a gap.
/// - Additions come before the frontends that lead to them, removals after: a program that runs meanwhile finds an endpoint
///   that serves, or at worst none, and leaves the connection to the kernel mode.
struct SocketPlan {
    /// Why an address is left to the kernel mode.
    enum Abstention: Hashable {
        /// Refused or dropped: rules do that.
        case noEndpoints
        /// Who may use it is judged by the client's address, which a socket has not got yet.
        case someClients
        /// The endpoint follows from the client's address.
        case byClient
        /// The kernel has no hook for it.
        case transport
    }

    private struct RowID: Hashable {
        var backend: ServiceBackendID
        /// Clients inside have other endpoints than those outside.
        var isInside: Bool
    }

    private struct Row {
        let number: UInt32
        var endpoints: [SocketAddress] = []
        /// Whether something remembers its endpoints.
        var hasMembers: Bool
        var users: Set<FrontendKey> = []
    }

    /// What an address leads to.
    private struct Entry: Hashable {
        var row: RowID
        var affinitySeconds: UInt32
        var isOfHostOnly: Bool
    }

    /// Whether processes in other network namespaces are led too, to cluster IPs.
    let servesOtherNamespaces: Bool
    let room: SocketMaps.Room
    private var entries: [FrontendKey: Entry] = [:]
    private var rows: [RowID: Row] = [:]
    private var numbers: Set<UInt32> = []
    private var nextNumber: UInt32 = 1
    private(set) var endpointCount = 0
    /// Addresses that there was no room for.
    private(set) var crowded: [FrontendKey: Frontend] = [:]
    /// What an earlier process left: numbers of rows by their addresses, and their endpoints.
    private var adopted: (rows: [FrontendKey: UInt32], endpoints: [UInt32: [SocketAddress]]) = ([:], [:])

    init(_ policy: MasqueradePolicy = MasqueradePolicy(), room: SocketMaps.Room = SocketMaps.Room()) {
        // Who is masqueraded is judged by the client's address; this machine's own is right as it is.
        servesOtherNamespaces = policy.podNetworks.isEmpty && !policy.isForAll
        self.room = room
    }

    /// The addresses that sockets are led from.
    var keys: some Collection<FrontendKey> { entries.keys }
    var count: Int { entries.count }

    /// Why an address is left to the kernel mode; nil where it is not.
    static func abstention(_ key: FrontendKey, _ frontend: Frontend) -> Abstention? {
        if key.transport == .sctp { return .transport }
        if frontend.sourceRanges != .everyone { return .someClients }
        if frontend.balancing == .consistentHash, frontend.affinitySeconds == nil { return .byClient }
        return endpoints(of: frontend).isEmpty ? .noEndpoints : nil
    }

    /// Those for processes of this machine, which are clients inside.
    static func endpoints(of frontend: Frontend) -> [SocketAddress] {
        frontend.insideEndpoints ?? frontend.endpoints
    }

    /// 0 without session affinity.
    static func affinitySeconds(of frontend: Frontend) -> UInt32 {
        frontend.affinitySeconds.map { UInt32(clamping: max(1, $0)) } ?? 0
    }

    // MARK: Changes

    /// The steps to be taken for the changes of a batch, in this order.
    struct Steps: Hashable {
        var additions: [SocketChange] = []
        var frontends: [SocketChange] = []
        var removals: [SocketChange] = []

        var all: [SocketChange] { additions + frontends + removals }
        var isEmpty: Bool { additions.isEmpty && frontends.isEmpty && removals.isEmpty }
    }

    /// Takes changes in.
    mutating func apply(_ changes: [FrontendPlanner.Change]) -> Steps {
        var steps = Steps()
        var touched: Set<RowID> = []
        for change in changes {
            switch change {
            case .remove(let key, _): drop(key, &steps, &touched)
            case .set(let key, let frontend, _): take(key, frontend, &steps, &touched)
            }
        }
        // What there was no room for may have some now.
        if !crowded.isEmpty, !steps.removals.isEmpty || touched.contains(where: { rows[$0]?.users.isEmpty == true }) {
            collect(&touched, &steps)
            for (key, frontend) in crowded.sorted(by: { $0.key < $1.key }) { take(key, frontend, &steps, &touched) }
        }
        collect(&touched, &steps)
        return steps
    }

    private mutating func take(
        _ key: FrontendKey, _ frontend: Frontend, _ steps: inout Steps, _ touched: inout Set<RowID>
    ) {
        crowded[key] = nil
        guard Self.abstention(key, frontend) == nil else { return drop(key, &steps, &touched) }
        let wanted = Self.endpoints(of: frontend)
        // A loopback address means another place in each namespace, on either side.
        let isHere = key.address.ip.isLoopback || wanted.contains { $0.ip.isLoopback }
        let entry = Entry(
            row: RowID(backend: frontend.backend, isInside: frontend.insideEndpoints != nil),
            affinitySeconds: Self.affinitySeconds(of: frontend),
            isOfHostOnly: !servesOtherNamespaces || frontend.role != .clusterIP || isHere)
        let growth = max(0, wanted.count - (rows[entry.row]?.endpoints.count ?? 0))
        guard entries[key] != nil || entries.count < room.frontends, endpointCount + growth <= room.endpoints else {
            drop(key, &steps, &touched)
            crowded[key] = frontend
            return
        }
        if let old = entries[key], old.row != entry.row { leave(old.row, key, &touched) }
        let isNew = entries[key] != entry
        entries[key] = entry
        let count = rows[entry.row]?.endpoints.count
        fill(entry.row, wanted, key, hasMembers: key.transport == .udp || entry.affinitySeconds > 0, &steps)
        guard let row = rows[entry.row] else { return }
        if isNew { set(key, &steps) }
        guard count != nil, count != row.endpoints.count else { return }
        for user in row.users where user != key || !isNew { set(user, &steps) }
    }

    private func front(_ entry: Entry) -> SocketFront? {
        rows[entry.row].map {
            SocketFront(
                row: $0.number, count: UInt32($0.endpoints.count), affinitySeconds: entry.affinitySeconds,
                isOfHostOnly: entry.isOfHostOnly)
        }
    }

    private func set(_ key: FrontendKey, _ steps: inout Steps) {
        guard let front = entries[key].flatMap({ front($0) }) else { return }
        steps.frontends.append(.setFrontend(key, front))
    }

    private mutating func drop(_ key: FrontendKey, _ steps: inout Steps, _ touched: inout Set<RowID>) {
        crowded[key] = nil
        guard let old = entries.removeValue(forKey: key) else { return }
        steps.frontends.append(.removeFrontend(key))
        leave(old.row, key, &touched)
    }

    private mutating func leave(_ row: RowID, _ key: FrontendKey, _ touched: inout Set<RowID>) {
        rows[row]?.users.remove(key)
        touched.insert(row)
    }

    /// Ends rows that nobody uses any more.
    private mutating func collect(_ touched: inout Set<RowID>, _ steps: inout Steps) {
        for id in touched {
            guard let row = rows[id], row.users.isEmpty else { continue }
            rows[id] = nil
            numbers.remove(row.number)
            endpointCount -= row.endpoints.count
            for number in row.endpoints.indices {
                steps.removals.append(.removeEndpoint(row: row.number, number: number))
            }
            guard row.hasMembers else { continue }
            for endpoint in row.endpoints {
                steps.removals.append(.removeMember(SocketMember(row: row.number, endpoint: endpoint)))
            }
        }
        touched = []
    }

    /// Gives a row its endpoints.
    private mutating func fill(
        _ id: RowID, _ wanted: [SocketAddress], _ key: FrontendKey, hasMembers: Bool, _ steps: inout Steps
    ) {
        var row = rows[id] ?? newRow(at: key, hasMembers: hasMembers)
        row.users.insert(key)
        let old = row.endpoints
        let gainsMembers = hasMembers && !row.hasMembers
        row.hasMembers = row.hasMembers || hasMembers
        if old != wanted {
            row.endpoints = Self.arrange(wanted, over: old)
            endpointCount += row.endpoints.count - old.count
        }
        rows[id] = row
        let (before, after) = (Set(old), Set(row.endpoints))
        for (number, endpoint) in row.endpoints.enumerated() where number >= old.count || old[number] != endpoint {
            steps.additions.append(.setEndpoint(row: row.number, number: number, endpoint))
        }
        for number in row.endpoints.count..<max(old.count, row.endpoints.count) {
            steps.removals.append(.removeEndpoint(row: row.number, number: number))
        }
        guard row.hasMembers else { return }
        for endpoint in row.endpoints where gainsMembers || !before.contains(endpoint) {
            steps.additions.append(.addMember(SocketMember(row: row.number, endpoint: endpoint)))
        }
        for endpoint in old where !gainsMembers && !after.contains(endpoint) {
            steps.removals.append(.removeMember(SocketMember(row: row.number, endpoint: endpoint)))
        }
    }

    /// The same endpoints, those that stay at their numbers as far as that goes.
    private static func arrange(_ wanted: [SocketAddress], over old: [SocketAddress]) -> [SocketAddress] {
        var new = wanted.filter { [old = Set(old)] in !old.contains($0) }[...]
        let stays = Set(wanted)
        var result: [SocketAddress?] = old.map { stays.contains($0) ? $0 : nil }
        for index in result.indices where result[index] == nil { result[index] = new.popFirst() }
        result += new.map { $0 }
        // The last ones move into the gaps that are left.
        var gap = 0
        while let index = result[gap...].firstIndex(of: nil) {
            while let last = result.last, last == nil { result.removeLast() }
            guard index < result.count else { break }
            result[index] = result.removeLast()
            gap = index
        }
        return result.compactMap { $0 }
    }

    private mutating func newRow(at key: FrontendKey, hasMembers: Bool) -> Row {
        if let number = adopted.rows[key], numbers.insert(number).inserted {
            nextNumber = max(nextNumber, number &+ 1)
            let endpoints = adopted.endpoints[number] ?? []
            endpointCount += endpoints.count
            return Row(number: number, endpoints: endpoints, hasMembers: hasMembers)
        }
        while nextNumber == 0 || !numbers.insert(nextNumber).inserted { nextNumber &+= 1 }
        defer { nextNumber &+= 1 }
        return Row(number: nextNumber, hasMembers: hasMembers)
    }

    // MARK: What the kernel has

    /// What the maps hold.
    struct Listing: Hashable {
        var frontends: [FrontendKey: SocketFront] = [:]
        var endpoints: [UInt32: [Int: SocketAddress]] = [:]
        var members: Set<SocketMember> = []

        /// The endpoints of a row, as far as they are numbered without a gap.
        func endpoints(of row: UInt32) -> [SocketAddress] {
            var result: [SocketAddress] = []
            while let next = endpoints[row]?[result.count] { result.append(next) }
            return result
        }
    }

    /// Goes on with the numbers that an earlier process gave, where the next `apply` gives new ones. Of an empty plan.
    mutating func adopt(_ listing: Listing) {
        adopted.rows = listing.frontends.mapValues(\.row)
        for row in Set(adopted.rows.values) { adopted.endpoints[row] = listing.endpoints(of: row) }
        // No number of an old row may mean another one to what programs remember.
        nextNumber = (listing.endpoints.keys.max() ?? 0) &+ 1
    }

    mutating func forgetAdopted() { adopted = ([:], [:]) }

    /// What the maps are to hold.
    var wanted: Listing {
        var listing = Listing()
        listing.frontends = entries.compactMapValues { front($0) }
        for row in rows.values {
            for (number, endpoint) in row.endpoints.enumerated() {
                listing.endpoints[row.number, default: [:]][number] = endpoint
            }
            guard row.hasMembers else { continue }
            listing.members.formUnion(row.endpoints.map { SocketMember(row: row.number, endpoint: $0) })
        }
        return listing
    }

    /// What leads from what the maps hold to what they are to hold.
    func repairs(of listing: Listing) -> Steps {
        var steps = Steps()
        let wanted = wanted
        for (row, endpoints) in wanted.endpoints {
            for (number, endpoint) in endpoints where listing.endpoints[row]?[number] != endpoint {
                steps.additions.append(.setEndpoint(row: row, number: number, endpoint))
            }
        }
        steps.additions += wanted.members.subtracting(listing.members).map { .addMember($0) }
        for (key, front) in wanted.frontends where listing.frontends[key] != front {
            steps.frontends.append(.setFrontend(key, front))
        }
        for key in listing.frontends.keys where wanted.frontends[key] == nil {
            steps.frontends.append(.removeFrontend(key))
        }
        for (row, endpoints) in listing.endpoints {
            for number in endpoints.keys where wanted.endpoints[row]?[number] == nil {
                steps.removals.append(.removeEndpoint(row: row, number: number))
            }
        }
        steps.removals += listing.members.subtracting(wanted.members).map { .removeMember($0) }
        return steps
    }
}
