import NFTables
import NetworkTypes
import TrafficModel

/// The names and rules of our table: what is always there, whatever the Services.
///
/// One table of the family `inet` for both families: one thing to find, to check and to delete, and one transaction for
/// a change of a dual-stack Service. Maps exist once for each family, since addresses differ in length.
enum TableLayout {
    static let table = NFTable(.inet, "martlet")

    /// The sets and maps of one family.
    struct Names {
        let family: IPFamily
        private let suffix: String

        init(_ family: IPFamily) {
            self.family = family
            suffix = family == .v4 ? "4" : "6"
        }

        /// Address, protocol, port → an unused word and the number of the chain for it, see `TableLayout.treatments`. `nft`
        /// up to 1.0.6 dies of a key that begins at the register that a map was read into.
        var frontends: String { "frontends\(suffix)" }
        /// The same for clients inside, where that is another one.
        var insides: String { "insides\(suffix)" }
        /// Address, protocol, port, number → endpoint. Numbers count from `EndpointRow.first` without gaps.
        var endpoints: String { "endpoints\(suffix)" }
        /// Cluster IPs, whose other ports are refused.
        var clusterIPs: String { "cluster-ips\(suffix)" }
        /// Other addresses of Services that are this machine's own, whose other ports are refused.
        var ownIPs: String { "own-ips\(suffix)" }
        /// Address, protocol, port of what is masqueraded.
        var masqueraded: String { "masqueraded\(suffix)" }
        /// An endpoint's address, twice: those that may reach themselves through a Service.
        var hairpins: String { "hairpins\(suffix)" }
        /// Addresses of endpoints on this node.
        var home: String { "home\(suffix)" }
        /// Networks that Pods are in.
        var pods: String { "pods\(suffix)" }
        /// Client, address, protocol, port → the client's endpoint.
        var sessions: String { "sessions\(suffix)" }
        /// Endpoint, address, protocol, port: what a session may still lead to.
        var members: String { "members\(suffix)" }

        /// The sets that follow the Services, in the order they are filled.
        var followed: [String] {
            [endpoints, members, frontends, insides, clusterIPs, ownIPs, masqueraded, hairpins, home]
        }
        var all: [String] { followed + [pods, sessions] }
    }

    static let families: [IPFamily] = [.v4, .v6]
    /// The sets that follow the Services, in the order they are filled.
    static let followed = [treatments] + families.flatMap { Names($0).followed }
    static let allSets = Set(families.flatMap { Names($0).all })
    /// Sets whose elements packets make.
    static let dynamicSets = Set(families.map { Names($0).sessions })
    /// Clients remembered under session affinity, for each family: strangers must not fill the memory.
    static let mostSessions: UInt32 = 1 << 20

    static let prerouting = "prerouting"
    static let output = "output"
    static let postrouting = "postrouting"
    static let services = "services"
    static let inside = "inside"
    /// Number → the chain that goes by it. Whoever adds a verdict to a map makes the kernel check all verdicts of that map
    /// (40 ms with 50,000 of them): so addresses, of which there are many, lead to numbers, and only those to chains.
    static let treatments = "treatments"
    static let masquerade = "masquerade"
    /// Drops packets from outside that have addresses of 127.0.0.0/8. The kernel does that by itself until it routes them
    /// (`net.ipv4.conf.all.route_localnet`), which the enforcer has it do so that clients on this node reach endpoints
    /// elsewhere from addresses of Services in there (CVE-2020-8558 is what comes of it without a guard). There whoever turned
    /// that on: an earlier process whose table has gone since would look like an administrator. A clean-up turns it off.
    static let loopbackGuard = "loopback-guard"

    static var sets: [NFSet] {
        [NFSet(treatments, key: .mark, content: .verdicts)]
            + families.flatMap { family -> [NFSet] in
                let names = Names(family)
                let address = family == .v4 ? NFDataType.ipv4Address : .ipv6Address
                let frontend = NFDataType.concatenation(address, .transport, .port)
                var sessions = NFSet(
                    names.sessions, key: .concatenation(address, address, .transport, .port),
                    content: .map(.concatenation(.mark, address, .port)))
                sessions.timeout = 0
                sessions.size = mostSessions
                var pods = NFSet(names.pods, key: address)
                pods.isInterval = true
                return [
                    NFSet(names.frontends, key: frontend, content: .map(.concatenation(.mark, .mark))),
                    NFSet(names.insides, key: frontend, content: .map(.concatenation(.mark, .mark))),
                    NFSet(
                        names.endpoints, key: .concatenation(address, .transport, .port, .mark),
                        content: .map(.concatenation(address, .port))),
                    NFSet(names.clusterIPs, key: address), NFSet(names.ownIPs, key: address),
                    NFSet(names.masqueraded, key: frontend),
                    NFSet(names.hairpins, key: .concatenation(address, address)), NFSet(names.home, key: address), pods,
                    sessions, NFSet(names.members, key: .concatenation(address, .port, address, .transport, .port)),
                ]
            }
    }

    static let chains = [
        NFChain(loopbackGuard, hook: .init(.filter, .prerouting, priority: -300)),
        NFChain(prerouting, hook: .init(.nat, .prerouting, priority: -100)),
        NFChain(output, hook: .init(.nat, .output, priority: -100)),
        NFChain(postrouting, hook: .init(.nat, .postrouting, priority: 100)),
        NFChain(services), NFChain(inside), NFChain(masquerade),
    ]

    static func rules(_ policy: MasqueradePolicy, _ chooser: EndpointChooser) -> [NFRule] {
        var rules = families.filter { family in policy.podNetworks.contains { $0.family == family } }.map { family in
            rule(
                prerouting, "\(family) from Pods",
                isOf(family) + [
                    load(.source, family, at: a), .contained(a, in: Names(family).pods), .verdict(.jump(inside)),
                ])
        }
        rules += [
            rule(prerouting, "Services", [.verdict(.jump(services))]),
            rule(output, "from this node", [.verdict(.jump(inside))]),
            rule(output, "Services", [.verdict(.jump(services))]),
            rule(masquerade, "under this node's address", [.masquerade(isRandom: true)]),
            // Inside this machine nothing has to find its way back.
            rule(
                postrouting, "loopback",
                [.meta(.outputInterface, into: a), .equal(a, NFValue().appending(host: 1)), .verdict(.return)]),
        ]
        rules += postroutingRules(chooser)
        rules += [
            // Answers would not find back to such an address.
            rule(
                postrouting, "from 127.0.0.0/8",
                isOf(.v4) + isLoopback(.source) + [.verdict(.goto(masquerade))])
        ]
        for (end, words) in [(End.source, "from"), (.destination, "to")] {
            rules.append(
                rule(
                    loopbackGuard, "from outside \(words) 127.0.0.0/8",
                    isOf(.v4) + [
                        .meta(.inputInterface, into: a), .unequal(a, NFValue().appending(host: 1)),
                    ] + isLoopback(end) + [.verdict(.drop)]))
        }
        if chooser == .virtualServers {
            // This machine asks its own addresses from those very addresses: what tells it that they refuse comes to one.
            rules.append(
                rule(
                    services, "news about a connection",
                    [
                        .conntrack(.state, into: a), .mask(a, with: NFValue().appending(host: 4), into: a),
                        .unequal(a, NFValue().appending(host: 0)), .verdict(.return),
                    ]))
        }
        for family in families {
            rules += [
                rule(inside, "\(family) address of a Service", treatment(family, by: Names(family).insides)),
                rule(services, "\(family) address of a Service", treatment(family, by: Names(family).frontends)),
                rule(
                    services, "\(family) unused port of a cluster IP",
                    isOf(family) + [
                        load(.destination, family, at: a), .contained(a, in: Names(family).clusterIPs),
                        .verdict(.goto(TrafficChain.refuse.name)),
                    ]),
            ]
            if chooser == .virtualServers {
                rules.append(
                    rule(
                        services, "\(family) unused port of another address",
                        isOf(family) + [
                            load(.destination, family, at: a), .contained(a, in: Names(family).ownIPs),
                            .verdict(.goto(TrafficChain.refuse.name)),
                        ]))
            }
            rules += masqueradeRules(family, policy)
        }
        return rules
    }

    /// What tells connections to Services from others.
    private static func postroutingRules(_ chooser: EndpointChooser) -> [NFRule] {
        switch chooser {
        case .rules:
            [
                rule(
                    postrouting, "only what was sent to a Service",
                    [
                        .conntrack(.status, into: a), .mask(a, with: NFValue().appending(host: 0x20), into: a),
                        .equal(a, NFValue().appending(host: 0)), .verdict(.return),
                    ])
            ]
        case .virtualServers:
            // A virtual server's address is this machine's own, and so what a connection of this machine to it is sent
            // from. The rules for all connections find those that IPVS translated by their original destination.
            families.map { family in
                let words = family == .v4 ? UInt32(1) : 4
                return rule(
                    postrouting, "\(family) \(ownAddress)",
                    isOf(family) + [
                        .conntrack(family == .v4 ? .destinationIPv4 : .destinationIPv6, into: a),
                        .meta(.transportProtocol, into: a + words), .conntrack(.destinationPort, into: a + words + 1),
                        .lookup(a, in: Names(family).frontends, into: a + 8), load(.source, family, at: a),
                        .lookup(a, in: Names(family).frontends, into: a + 8), .verdict(.goto(masquerade)),
                    ])
            }
        }
    }

    private static let ownAddress = "from the address of a virtual server"

    /// Who chooses, by a table that was listed.
    static func chooser(of listing: NFListing) -> EndpointChooser {
        (listing.rules[postrouting] ?? []).contains { $0.contains(ownAddress) } ? .virtualServers : .rules
    }

    private static func treatment(_ family: IPFamily, by map: String) -> [NFExpression] {
        isOf(family) + loadFrontend(family, at: a) + [
            .lookup(a, in: map, into: a + 8), .dispatch(a + 9, by: treatments),
        ]
    }

    private static func masqueradeRules(_ family: IPFamily, _ policy: MasqueradePolicy) -> [NFRule] {
        let names = Names(family)
        let words = family == .v4 ? UInt32(1) : 4
        let spare: [NFExpression] =
            policy.sparesHome ? [load(.destination, family, at: a), .notContained(a, in: names.home)] : []
        var rules = [
            rule(
                postrouting, "\(family) endpoint that reaches itself",
                isOf(family) + [
                    load(.source, family, at: a), load(.destination, family, at: a + words),
                    .contained(a, in: names.hairpins), .verdict(.goto(masquerade)),
                ]),
            rule(
                postrouting, "\(family) from outside",
                isOf(family) + spare + [
                    .conntrack(family == .v4 ? .destinationIPv4 : .destinationIPv6, into: a),
                    .meta(.transportProtocol, into: a + words), .conntrack(.destinationPort, into: a + words + 1),
                    .contained(a, in: names.masqueraded), .verdict(.goto(masquerade)),
                ]),
        ]
        guard policy.isForAll || !policy.podNetworks.isEmpty else { return rules }
        let strangers: [NFExpression] =
            policy.isForAll ? [] : [load(.source, family, at: a), .notContained(a, in: names.pods)]
        rules.append(
            rule(
                postrouting, "\(family) to cluster IPs",
                isOf(family) + spare + strangers + [
                    .conntrack(family == .v4 ? .destinationIPv4 : .destinationIPv6, into: a),
                    .contained(a, in: names.clusterIPs), .verdict(.goto(masquerade)),
                ]))
        return rules
    }

    // MARK: Pieces of rules

    enum End { case source, destination }

    /// The first register.
    static let a = NFRegister(0)

    /// A rule whose comment tells, besides words, whether its expressions are still those.
    static func rule(_ chain: String, _ words: String, _ expressions: [NFExpression]) -> NFRule {
        NFRule(in: chain, comment: "\(words) #\(NFRule.digest(expressions))", expressions)
    }

    static func isOf(_ family: IPFamily) -> [NFExpression] {
        [
            .meta(.networkProtocol, into: a),
            .equal(a, NFValue([family == .v4 ? UInt8(2) : 10]) ?? NFValue()),
        ]
    }

    private static func isLoopback(_ end: End) -> [NFExpression] {
        [
            load(end, .v4, at: a), .mask(a, with: NFValue().appending([255, 0, 0, 0] as [UInt8]), into: a),
            .equal(a, NFValue().appending([127, 0, 0, 0] as [UInt8])),
        ]
    }

    static func load(_ end: End, _ family: IPFamily, at register: NFRegister) -> NFExpression {
        switch (family, end) {
        case (.v4, .source): .payload(.network, offset: 12, length: 4, into: register)
        case (.v4, .destination): .payload(.network, offset: 16, length: 4, into: register)
        case (.v6, .source): .payload(.network, offset: 8, length: 16, into: register)
        case (.v6, .destination): .payload(.network, offset: 24, length: 16, into: register)
        }
    }

    /// Destination address, protocol and port: 3 registers, or 6.
    static func loadFrontend(_ family: IPFamily, at register: NFRegister) -> [NFExpression] {
        let words: UInt32 = family == .v4 ? 1 : 4
        return [
            load(.destination, family, at: register), .meta(.transportProtocol, into: register + words),
            .payload(.transport, offset: 2, length: 2, into: register + words + 1),
        ]
    }
}
