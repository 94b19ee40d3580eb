import NFTables
import NetworkTypes
import TrafficModel

/// What is done with the first packet of a connection to an address of a Service. Each is a chain; any number of
/// addresses share one.
indirect enum TrafficChain: Hashable, Sendable {
    /// The client is told that nobody serves this.
    case refuse
    /// The client hears nothing.
    case silence
    /// On to one of so many endpoints, each as likely.
    case choose(IPFamily, count: Int, of: EndpointRow = .all)
    /// As `choose`, but a client keeps its endpoint until it was idle for so many seconds.
    case stick(IPFamily, count: Int, seconds: Int, of: EndpointRow = .all)
    /// As `choose`, but by the client's address, the same on every node: see `HashSlots`.
    case hash(IPFamily, slots: Int, of: EndpointRow = .all)
    /// On to a virtual server of IPVS, which chooses.
    case virtualServer
    /// On to another chain for clients of these networks; others hear nothing. Networks neither overlap nor touch, in
    /// ascending order.
    case guarded(IPFamily, [AddressRange], then: TrafficChain)
}

/// Which of the endpoints of an address are chosen from: each row has numbers of its own.
enum EndpointRow: UInt32, Hashable, Sendable {
    /// Those for all clients but where there is a row for some.
    case all = 0
    /// Those for clients inside.
    case inside = 0x1_0000

    /// The number that the first endpoint has.
    var first: UInt32 { rawValue }
    var words: String { self == .all ? "" : "inside-" }
}

extension TrafficChain {
    /// The chain for a frontend.
    ///
    /// - Parameter chooser: who chooses among its endpoints.
    init(_ frontend: Frontend, family: IPFamily, of row: EndpointRow = .all, by chooser: EndpointChooser = .rules) {
        let open: TrafficChain
        if frontend.endpoints.isEmpty {
            open = frontend.absence == .refused ? .refuse : .silence
        } else if chooser == .virtualServers {
            open = .virtualServer
        } else if let seconds = frontend.affinitySeconds {
            open = .stick(family, count: frontend.endpoints.count, seconds: max(1, seconds), of: row)
        } else if frontend.balancing == .consistentHash, frontend.endpoints.count > 1 {
            open = .hash(family, slots: HashSlots.count, of: row)
        } else {
            open = .choose(family, count: frontend.endpoints.count, of: row)
        }
        switch frontend.sourceRanges {
        case .everyone: self = open
        case .only(let networks):
            let ranges = AddressRange.merged(networks.filter { $0.family == family })
            self = ranges.isEmpty ? .silence : .guarded(family, ranges, then: open)
        }
    }

    /// Whether clients keep their endpoints.
    var remembers: Bool {
        switch self {
        case .stick, .guarded(_, _, then: .stick): true
        default: false
        }
    }

    /// The chain that a guard leads to.
    var next: TrafficChain? {
        if case .guarded(_, _, let next) = self { return next }
        return nil
    }
}

extension AddressRange {
    /// The networks as ranges that neither overlap nor touch, in ascending order.
    static func merged(_ networks: [CIDR]) -> [AddressRange] {
        var result: [AddressRange] = []
        for network in networks.sorted(by: { $0.first < $1.first }) {
            guard let last = result.last else {
                result.append(AddressRange(network))
                continue
            }
            // Past the last address of the family there is nothing to touch.
            let beyond = last.last.advanced(by: 1)
            guard beyond.map({ network.first <= $0 }) ?? true else {
                result.append(AddressRange(network))
                continue
            }
            if let joined = AddressRange(first: last.first, last: max(last.last, network.last)) {
                result[result.count - 1] = joined
            }
        }
        return result
    }
}
