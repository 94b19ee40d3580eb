import NFTables
import NetworkTypes
import TrafficModel

/// What the table does with connections to one address, in terms that can be compared and read: whatever numbers and
/// chains it is done by.
struct EnforcedAddress: Hashable {
    enum Manner: Hashable {
        case refused, silent, balanced, hashed
        case sticky(seconds: Int)
        /// By a virtual server of IPVS.
        case scheduled(VirtualServerManner)
        /// By one that is not there.
        case unscheduled
        /// By a chain that is none of ours.
        case strange(String)
    }

    /// Where connections of some clients end.
    struct Course: Hashable {
        var manner: Manner
        var endpoints: Set<SocketAddress>
        /// The clients that are let in, as ranges; nil for all.
        var admitted: [AddressRange]?
    }

    var all: Course
    /// Of clients inside, where that is something else.
    var inside: Course?
    var isMasqueraded: Bool

    init(all: Course, inside: Course? = nil, isMasqueraded: Bool = false) {
        self.all = all
        self.inside = inside
        self.isMasqueraded = isMasqueraded
    }

    /// As it should be.
    ///
    /// - Parameter server: the virtual server, where there is to be one.
    init(_ entry: NFTablesPlan.Entry, _ server: VirtualServerManner? = nil) {
        all = Course(entry.chain, entry.slots).by(server)
        inside = entry.inside.map { Course($0.chain, $0.slots) }
        isMasqueraded = entry.isMasqueraded
    }

    /// All that a table does, read back from it, and what virtual servers do behind it.
    static func all(in listing: NFListing, servers: [FrontendKey: VirtualServerManner] = [:])
        -> [FrontendKey: EnforcedAddress]
    {
        var chains: [UInt32: String] = [:]
        for element in listing.elements[TableLayout.treatments] ?? [] {
            if element.key.count == 4, case .verdict(.goto(let name)) = element.data {
                chains[element.key.host(at: 0)] = name
            }
        }
        var result: [FrontendKey: EnforcedAddress] = [:]
        for family in TableLayout.families {
            let names = TableLayout.Names(family)
            var rows: [EndpointRow: [FrontendKey: Set<SocketAddress>]] = [:]
            for element in listing.elements[names.endpoints] ?? [] {
                guard let (key, number, endpoint) = TableLayout.slot(element, family) else { continue }
                let row: EndpointRow = number >= Int(EndpointRow.inside.first) ? .inside : .all
                rows[row, default: [:]][key, default: []].insert(endpoint)
            }
            func courses(_ map: String, _ row: EndpointRow) -> [FrontendKey: Course] {
                var courses: [FrontendKey: Course] = [:]
                for element in listing.elements[map] ?? [] {
                    guard let key = TableLayout.frontend(element.key, family), case .value(let data) = element.data,
                        data.count == 8
                    else { continue }
                    let chain = chains[data.host(at: 4)] ?? "none"
                    courses[key] = Course(chain, rows[row]?[key] ?? [], in: listing, family)
                }
                return courses
            }
            let inside = courses(names.insides, .inside)
            let masqueraded = Set((listing.elements[names.masqueraded] ?? []).map(\.key))
            for (key, course) in courses(names.frontends, .all) {
                result[key] = EnforcedAddress(
                    all: course.by(servers[key]), inside: inside[key],
                    isMasqueraded: masqueraded.contains(TableLayout.key(key)))
            }
        }
        return result
    }
}

extension EnforcedAddress.Course {
    fileprivate init(_ chain: TrafficChain, _ slots: [SocketAddress]) {
        self.init(manner: .silent, endpoints: Set(slots))
        switch chain {
        case .refuse: manner = .refused
        case .silence: manner = .silent
        case .choose: manner = .balanced
        case .hash: manner = .hashed
        case .virtualServer: manner = .unscheduled
        case .stick(_, _, let seconds, _): manner = .sticky(seconds: seconds)
        case .guarded(_, let ranges, let next):
            self.init(next, slots)
            admitted = ranges
        }
    }

    /// Reads the name of a chain, which tells what it does; that of a guard is told by its rule.
    fileprivate init(_ chain: String, _ endpoints: Set<SocketAddress>, in listing: NFListing, _ family: IPFamily) {
        self.init(manner: .strange(chain), endpoints: endpoints)
        let kind = chain.prefix { $0.isLetter }
        switch kind {
        case "refuse": manner = .refused
        case "silence": manner = .silent
        case "choose": manner = .balanced
        case "hash": manner = .hashed
        case "ipvs": manner = .unscheduled
        case "stick":
            if let seconds = chain.split(separator: "-").last?.dropLast(), let number = Int(seconds) {
                manner = .sticky(seconds: number)
            }
        case "guard":
            let admission = (listing.rules[chain] ?? []).first ?? ""
            guard admission.hasPrefix(TrafficChain.admission) else { return }
            let next = admission.dropFirst(TrafficChain.admission.count).prefix { $0 != " " }
            guard !next.hasPrefix("guard") else { return }
            self.init(String(next), endpoints, in: listing, family)
            admitted = TableLayout.ranges(
                of: listing.elements[chain.replacing("guard", with: "allow", maxReplacements: 1)] ?? [], family)
        default: break
        }
    }

    /// With what a virtual server does, where the table leaves it to one.
    fileprivate func by(_ server: VirtualServerManner?) -> EnforcedAddress.Course {
        guard manner == .unscheduled, let server else { return self }
        var course = self
        course.manner = .scheduled(server)
        course.endpoints = server.endpoints
        return course
    }

    fileprivate var words: String {
        let targets = endpoints.sorted().map(\.description)
        let shown = targets.prefix(8).joined(separator: ", ") + (targets.count > 8 ? ", …" : "")
        let text =
            switch manner {
            case .refused: "refused"
            case .silent: "dropped"
            case .balanced: targets.count == 1 ? "to \(shown)" : "to one of \(targets.count), at random: \(shown)"
            case .hashed: "to one of \(targets.count), by the client's address: \(shown)"
            case .sticky(let seconds):
                "to one of \(targets.count), kept for a client until it was idle for \(seconds) s: \(shown)"
            case .scheduled(let server): "to one of \(targets.count) by \(server): \(shown)"
            case .unscheduled: "to a virtual server of IPVS that is not there"
            case .strange(let chain): "by the chain \(chain)"
            }
        guard let admitted else { return text }
        return text + "; only from \(admitted.map(\.description).joined(separator: ", "))"
    }
}

extension EnforcedAddress: CustomStringConvertible {
    var description: String {
        let text = inside.map { "\(all.words); from this node and Pods \($0.words)" } ?? all.words
        return text + (isMasqueraded ? "; under this node's address" : "")
    }
}
