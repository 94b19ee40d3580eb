internal import NetworkTypes

/// Which routes a peer is to have and which it has (RFC 4271's Adj-RIB-Out), and the messages that lead from one to the
/// other. Changes wait here rather than as bytes: a slow peer gets the last state, not each one.
struct BGPRouteTable: Sendable {
    private(set) var wanted: [CIDR: BGPRoute] = [:]
    /// Sent in this session and not withdrawn since.
    private(set) var sent: [CIDR: BGPRoute] = [:]
    /// To be sent, or sent again.
    private var changed: Set<CIDR> = []
    /// Parts of what was in ``changed``, not yet sent; a prefix that has changed again is skipped.
    private var queue: [Batch] = []

    /// Prefixes of one family that the same is said of, or that are withdrawn.
    private struct Batch {
        var family: IPFamily
        var route: BGPRoute?
        /// In descending order: taken from the end.
        var prefixes: [CIDR]
    }

    /// How the messages of a session are written.
    struct Style: Sendable {
        var localASN: UInt32
        var negotiated: BGPNegotiated
        var nextHops: BGPNextHops

        /// Whether routes of the family can be sent at all.
        func carries(_ family: IPFamily) -> Bool {
            guard negotiated.families.contains(family) else { return false }
            return switch family {
            case .v4: nextHops.v4 != nil || (negotiated.extendedNextHop && nextHops.v6 != nil)
            case .v6: nextHops.v6 != nil
            }
        }
    }

    /// How many prefixes wait to be sent.
    var pendingCount: Int { changed.count + queue.reduce(0) { $0 + $1.prefixes.count } }

    mutating func want(_ routes: [CIDR: BGPRoute]) {
        let old = wanted
        wanted = routes
        for (prefix, route) in routes where old[prefix] != route { changed.insert(prefix) }
        for prefix in old.keys where routes[prefix] == nil { changed.insert(prefix) }
    }

    /// A session begins: the peer has nothing.
    mutating func beginSession() {
        sent = [:]
        queue = []
        changed = Set(wanted.keys)
    }

    /// A session has ended: nothing waits to be sent.
    mutating func endSession() {
        sent = [:]
        queue = []
        changed = []
    }

    /// The peer asks for all routes of a family again.
    mutating func resend(_ family: IPFamily) {
        changed.formUnion(wanted.keys.lazy.filter { $0.family == family })
    }

    /// The next message; nil when the peer has everything.
    mutating func nextUpdate(_ style: Style) -> BGPUpdate? {
        if queue.isEmpty { fillQueue(style) }
        while let batch = queue.last {
            let message =
                if let route = batch.route { announcement(route, batch.family, style) } else {
                    withdrawal(batch.family)
                }
            if let message { return message }
            queue.removeLast()
            if queue.isEmpty { fillQueue(style) }
        }
        return nil
    }

    private mutating func fillQueue(_ style: Style) {
        guard !changed.isEmpty else { return }
        struct Key: Hashable {
            var family: IPFamily
            var route: BGPRoute?
        }
        var groups: [Key: [CIDR]] = [:]
        for prefix in changed where style.carries(prefix.family) {
            let route = wanted[prefix]
            // Gone again before the peer heard of it.
            if route == nil, sent[prefix] == nil { continue }
            groups[Key(family: prefix.family, route: route), default: []].append(prefix)
        }
        changed = []
        queue = groups.map { key, prefixes in
            Batch(
                family: key.family, route: key.route,
                prefixes: prefixes.sorted { ($1.address, $1.prefixLength) < ($0.address, $0.prefixLength) })
        }
        // Taken from the end: withdrawals first, then IPv4, then by the first prefix.
        queue.sort { left, right in
            if (left.route == nil) != (right.route == nil) { return right.route == nil }
            return (right.prefixes.last?.address ?? .anyV4) < (left.prefixes.last?.address ?? .anyV4)
        }
    }

    /// Takes as many prefixes of the last batch as fit `room` bytes and are still to be sent.
    private mutating func takePrefixes(room: Int) -> [CIDR] {
        var taken: [CIDR] = []
        var room = room
        let last = queue.count - 1
        let route = queue[last].route
        while let prefix = queue[last].prefixes.last {
            guard wanted[prefix] == route else {
                queue[last].prefixes.removeLast()
                continue
            }
            let size = BGPWriter.size(of: prefix)
            guard size <= room else { break }
            room -= size
            queue[last].prefixes.removeLast()
            // A change back to this state came meanwhile: this message is its too.
            changed.remove(prefix)
            taken.append(prefix)
        }
        return taken
    }

    private mutating func withdrawal(_ family: IPFamily) -> BGPUpdate? {
        var update = BGPUpdate()
        if family == .v6 { update.attributes.unreachable = .init(family: .ipv6Unicast, prefixes: []) }
        let prefixes = takePrefixes(room: Self.room(in: update, fourOctetASN: true))
        guard !prefixes.isEmpty else { return nil }
        for prefix in prefixes { sent[prefix] = nil }
        switch family {
        case .v4: update.withdrawn = prefixes
        case .v6: update.attributes.unreachable?.prefixes = prefixes
        }
        return update
    }

    private mutating func announcement(_ route: BGPRoute, _ family: IPFamily, _ style: Style) -> BGPUpdate? {
        var update = BGPUpdate()
        update.attributes.origin = .igp
        update.attributes.asPath = style.negotiated.isInternal ? [] : [.sequence([style.localASN])]
        if style.negotiated.isInternal { update.attributes.localPreference = route.localPreference ?? 100 }
        update.attributes.communities = route.communities
        update.attributes.largeCommunities = route.largeCommunities
        if family == .v4, let nextHop = style.nextHops.v4 {
            update.attributes.nextHop = nextHop
        } else {
            update.attributes.reachable = .init(
                family: .init(unicast: family), nextHop: style.nextHops.v6Bytes ?? [], prefixes: [])
        }
        let prefixes = takePrefixes(room: Self.room(in: update, fourOctetASN: style.negotiated.fourOctetASN))
        guard !prefixes.isEmpty else { return nil }
        for prefix in prefixes { sent[prefix] = route }
        if update.attributes.reachable != nil {
            update.attributes.reachable?.prefixes = prefixes
        } else {
            update.announced = prefixes
        }
        return update
    }

    /// The bytes that prefixes may take in a message which has none yet.
    private static func room(in update: BGPUpdate, fourOctetASN: Bool) -> Int {
        let size = BGPMessage.update(update).encoded(fourOctetASN: fourOctetASN)?.count ?? BGPMessage.maximumSize
        // An attribute that grows beyond 255 bytes has one more byte of length.
        return BGPMessage.maximumSize - size - 1
    }
}
