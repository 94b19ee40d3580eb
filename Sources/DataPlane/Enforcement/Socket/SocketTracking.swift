import Logging
import NFTables
import System

/// Keeps the kernel from tracking connections that go straight to their endpoints: nothing is translated, so nothing has to
/// be remembered. By a table of its own, and a mark that our programs give to sockets of this namespace.
///
/// Only where nobody judges packets by the state of their connection: a firewall that lets in what belongs to established
/// connections would drop the answers.
struct SocketTracking {
    static let table = NFTable(.inet, "martlet-sockets")
    /// One bit that none of the programs uses that are known to mark packets (kube-proxy, Cilium, Calico's accept and drop
    /// bits, Tailscale, wg-quick, Istio, Docker). A socket with a mark of its own keeps that, and is tracked.
    static let mark: UInt32 = 1 << 24

    private let ruleset: any NFRuleset

    init(_ ruleset: any NFRuleset) { self.ruleset = ruleset }

    /// Whether no other table looks at what comes to this machine or leaves it.
    var isUnneeded: Bool {
        for file in ["ip_tables_names", "ip6_tables_names"] {
            // The older iptables, whose tables nobody else sees. Without it there is no such file.
            let names = (try? FileBytes.read("/proc/thread-self/net/\(file)", limit: 4096)) ?? []
            if String(decoding: names, as: UTF8.self).contains("filter") { return false }
        }
        do throws(NFTablesError) {
            let own = [Self.table, TableLayout.table]
            for table in try ruleset.tables() where table.family != .arp && !own.contains(table) {
                let isJudge = try ruleset.chains(of: table).contains { chain in
                    guard let hook = chain.hook, hook.kind == .filter else { return false }
                    return hook.point == .input || hook.point == .output
                }
                if isJudge { return false }
            }
            return true
        } catch {
            return false
        }
    }

    /// Whether all is as `set` left it, and is to be so.
    func isSound(_ untracks: Bool) -> Bool {
        guard isUnneeded == untracks else { return false }
        guard let listing = try? ruleset.listing(of: Self.table, leavingOut: []) else { return !untracks }
        return untracks
            && Self.chains.allSatisfy { listing.chains[$0.name]?.hook == $0.hook }
            && Self.rules.allSatisfy { listing.rules[$0.chain] == [$0.comment] }
    }

    /// Makes the table, or removes it.
    ///
    /// - Returns: whether it is there.
    @discardableResult
    func set(_ untracks: Bool, _ logger: Logger) -> Bool {
        do throws(NFTablesError) {
            guard untracks else {
                _ = try Self.cleanUp(ruleset)
                return false
            }
            if isSound(true) { return true }
            try ruleset.commit(
                NFTransaction(
                    Self.table,
                    [.addTable, .deleteTable, .addTable] + Self.chains.map { .addChain($0) }
                        + Self.rules.map { .addRule($0) }), expecting: nil)
            return true
        } catch {
            logger.notice("connections of sockets that are led are tracked all the same: \(error)")
            return false
        }
    }

    private static let chains = [
        NFChain("output", hook: .init(.filter, .output, priority: -300)),
        NFChain("prerouting", hook: .init(.filter, .prerouting, priority: -300)),
    ]

    private static var rules: [NFRule] {
        let a = TableLayout.a
        let isMarked = NFExpression.equal(a, NFValue().appending(host: mark))
        return [
            TableLayout.rule("output", "from a socket that is led", [.meta(.mark, into: a), isMarked, .untrack]),
            TableLayout.rule("prerouting", "to a socket that is led", [.socketMark(into: a), isMarked, .untrack]),
        ]
    }

    /// - Returns: whether there was a table.
    static func cleanUp() throws(NFTablesError) -> Bool { try cleanUp(KernelRuleset()) }

    private static func cleanUp(_ ruleset: any NFRuleset) throws(NFTablesError) -> Bool {
        guard try ruleset.tables().contains(table) else { return false }
        try ruleset.commit(NFTransaction(table, [.deleteTable]), expecting: nil)
        return true
    }
}
