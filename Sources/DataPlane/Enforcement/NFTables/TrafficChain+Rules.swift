import NFTables
import NetworkTypes

extension TrafficChain {
    /// A guard's name is given by whoever knows the others.
    var name: String {
        switch self {
        case .refuse: "refuse"
        case .silence: "silence"
        case .virtualServer: "ipvs"
        case .choose(let family, let count, let row): "choose\(family == .v4 ? 4 : 6)-\(row.words)\(count)"
        case .stick(let family, let count, let seconds, let row):
            "stick\(family == .v4 ? 4 : 6)-\(row.words)\(count)-\(seconds)s"
        case .hash(let family, let slots, let row): "hash\(family == .v4 ? 4 : 6)-\(row.words)\(slots)"
        case .guarded(let family, let ranges, let next):
            "guard\(family == .v4 ? 4 : 6)-\(next.name)-" + ranges.map(\.description).joined(separator: ",")
        }
    }

    /// What the comment of a guard's first rule begins with; the name of the chain that it leads to follows.
    static let admission = "admitted to "

    /// The rules of the chain.
    ///
    /// - Parameters:
    ///   - name: of this chain.
    ///   - set: of the networks of a guard.
    func rules(in name: String, allowing set: String) -> [NFRule] {
        let a = TableLayout.a
        switch self {
        case .refuse:
            return [
                TableLayout.rule(
                    name, "TCP",
                    [.meta(.transportProtocol, into: a), .equal(a, NFValue([6]) ?? NFValue()), .refuse(.tcpReset)]),
                TableLayout.rule(name, "others", [.refuse(.portUnreachable)]),
            ]
        case .silence: return [TableLayout.rule(name, "all", [.verdict(.drop)])]
        case .virtualServer: return [TableLayout.rule(name, "on to a virtual server", [.verdict(.accept)])]
        case .choose(let family, let count, let row):
            let choice = Self.choice(
                family, by: .random(modulus: UInt32(count), offset: row.first, into: Self.number(family, a)), at: a)
            return [TableLayout.rule(name, "one of \(count)", choice + [Self.translate(family, a + 8)])]
        case .hash(let family, let slots, let row):
            let hash: [NFExpression] = [
                TableLayout.load(.source, family, at: a + 8),
                .hash(
                    a + 8, length: family == .v4 ? 4 : 16, modulus: UInt32(slots), seed: HashSlots.seed,
                    offset: row.first, into: Self.number(family, a)),
            ]
            return [
                TableLayout.rule(
                    name, "by the client's address",
                    hash + Self.choice(family, by: nil, at: a)
                        + [Self.translate(family, a + 8)])
            ]
        case .stick(let family, let count, let seconds, let row):
            return Self.sticking(family, count, seconds, row, name)
        case .guarded(let family, _, let next):
            return [
                TableLayout.rule(
                    name, Self.admission + next.name,
                    [TableLayout.load(.source, family, at: a), .contained(a, in: set), .verdict(.goto(next.name))]),
                TableLayout.rule(name, "others", [.verdict(.drop)]),
            ]
        }
    }

    /// Where the number of the chosen endpoint goes: behind address, protocol and port.
    private static func number(_ family: IPFamily, _ register: NFRegister) -> NFRegister {
        register + (family == .v4 ? 3 : 6)
    }

    /// Looks an endpoint up by a number, into the register 8 further on: 2 registers, or 5.
    private static func choice(_ family: IPFamily, by number: NFExpression?, at register: NFRegister)
        -> [NFExpression]
    {
        TableLayout.loadFrontend(family, at: register) + (number.map { [$0] } ?? [])
            + [.lookup(register, in: TableLayout.Names(family).endpoints, into: register + 8)]
    }

    private static func translate(_ family: IPFamily, _ endpoint: NFRegister) -> NFExpression {
        .translateDestination(
            family == .v4 ? .ipv4 : .ipv6, address: endpoint, port: endpoint + (family == .v4 ? 1 : 4))
    }

    /// Three rules: for a client that has an endpoint which is still one, for any other, and for when no more clients
    /// can be remembered.
    ///
    /// The session's data begins with an unused word, so that no key begins at the register it is read into: `nft` up
    /// to 1.0.6 gives up on rules where one does. It dies where data to be stored begins at such a register: so the one
    /// who keeps a session names other data, which the kernel reads only if the session ended at that very moment (it is
    /// none of the members then, and the next connection begins anew), and who begins one fills it with the packet's head
    /// first: a constant is what `nft` cannot print there.
    private static func sticking(_ family: IPFamily, _ count: Int, _ seconds: Int, _ row: EndpointRow, _ name: String)
        -> [NFRule]
    {
        let a = TableLayout.a
        let words: UInt32 = family == .v4 ? 1 : 4
        let names = TableLayout.Names(family)
        let milliseconds = UInt64(seconds) * 1000
        // unused word, endpoint's address and port: what a session holds.
        let session = a
        let endpoint = a + 1
        let behind = endpoint + words + 1
        let loadSession: (NFRegister) -> [NFExpression] = { register in
            [TableLayout.load(.source, family, at: register)] + TableLayout.loadFrontend(family, at: register + words)
        }
        let keep: [NFExpression] =
            loadSession(a) + [.lookup(a, in: names.sessions, into: session)]
            + TableLayout.loadFrontend(family, at: behind) + [.contained(endpoint, in: names.members)]
            + loadSession(behind)
            + [
                .change(names.sessions, .update, key: behind, data: behind, milliseconds: milliseconds),
                translate(family, endpoint),
            ]
        let begin: [NFExpression] =
            [.payload(.network, offset: 0, length: family == .v4 ? 12 : 24, into: session)]
            + TableLayout.loadFrontend(family, at: behind)
            + [
                .random(modulus: UInt32(count), offset: row.first, into: number(family, behind)),
                .lookup(behind, in: names.endpoints, into: endpoint),
            ] + loadSession(behind)
            + [
                // An update keeps the old data.
                .change(names.sessions, .delete, key: behind, data: session, milliseconds: 0),
                .change(names.sessions, .update, key: behind, data: session, milliseconds: milliseconds),
                translate(family, endpoint),
            ]
        let forget =
            choice(
                family, by: .random(modulus: UInt32(count), offset: row.first, into: number(family, a)), at: a)
            + [translate(family, a + 8)]
        return [
            TableLayout.rule(name, "a client's own", keep), TableLayout.rule(name, "one of \(count), kept", begin),
            TableLayout.rule(name, "one of \(count)", forget),
        ]
    }
}
