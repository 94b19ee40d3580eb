import Logging
import NFTables
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Nobody outside reaches addresses of 127.0.0.0/8 through a machine that routes them")
struct LoopbackGuardTests {
    private let node = NodeIdentity(name: "n", nodePortAddresses: [IPAddress("192.0.2.1")!], ownAddresses: [])
    private let words = ["from outside from 127.0.0.0/8", "from outside to 127.0.0.0/8"]

    private func enforce(_ ruleset: SimulatedRuleset, _ loopback: SimulatedLoopbackRouting) -> EnforcementReport {
        var enforcement = NFTablesEnforcement(
            ruleset: ruleset, loopback: loopback, policy: MasqueradePolicy(), flows: nil,
            logger: Logger(label: "test"), onLoss: {})
        return enforcement.enforce(EnforcementBatch([], extent: .everything, on: node))
    }

    /// What the rules of the guard say, without the digests behind that.
    private func guards(_ ruleset: SimulatedRuleset) -> [String]? {
        ruleset.listing(of: TableLayout.table, leavingOut: [])?.rules[TableLayout.loopbackGuard]?
            .map { String($0.prefix { $0 != "#" }.dropLast()) }
    }

    @Test func `the guard is there with the setting, and comes back to a machine that has kept the setting alone`()
        throws
    {
        let loopback = SimulatedLoopbackRouting()
        let ruleset = SimulatedRuleset()
        #expect(enforce(ruleset, loopback).failure == nil)
        #expect(loopback.isOn == true)
        #expect(guards(ruleset) == words)
        // A firewall that is loaded anew flushes all tables; the next process finds the setting as an administrator leaves it.
        let flushed = SimulatedRuleset()
        #expect(enforce(flushed, loopback).failure == nil)
        #expect(guards(flushed) == words)
    }
}
