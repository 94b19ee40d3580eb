import KubeModel
import Logging
import NFTables
import Netlink
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("A transaction that something came between is tried again, and takes effect once")
struct NFTablesRetryTests {
    private let node = NodeIdentity(name: "n", nodePortAddresses: [IPAddress("192.0.2.1")!], ownAddresses: [])

    private func enforcement(_ ruleset: DisturbedRuleset) -> NFTablesEnforcement {
        NFTablesEnforcement(
            ruleset: ruleset, loopback: SimulatedLoopbackRouting(), policy: MasqueradePolicy(), flows: nil,
            logger: Logger(label: "test"), onLoss: {})
    }

    private func web(_ endpoints: Int...) -> ServiceEntry {
        ServiceEntry(
            key: NamespacedName(namespace: "default", name: "web"), clusterIPs: [IPAddress("10.96.0.1")!],
            ports: [
                ServicePortEntry(
                    name: "", port: 80,
                    endpoints: endpoints.map { ServiceEndpoint(address: SocketAddress("10.0.0.\($0):80")!) })
            ])
    }

    private func batch(
        _ before: ServiceEntry?, _ after: ServiceEntry, _ extent: EnforcementBatch.Extent
    ) -> EnforcementBatch {
        EnforcementBatch([ServiceChange(key: after.key, before: before, after: after)], extent: extent, on: node)
    }

    /// What a machine comes to that nobody disturbs.
    private func undisturbed(_ steps: ServiceEntry...) -> NFListing? {
        let ruleset = DisturbedRuleset()
        var enforcement = enforcement(ruleset)
        var before: ServiceEntry?
        for entry in steps {
            #expect(enforcement.enforce(batch(before, entry, before == nil ? .everything : .changes)).failure == nil)
            before = entry
        }
        return content(ruleset)
    }

    /// What is in our table, whichever transaction brought it.
    private func content(_ ruleset: DisturbedRuleset) -> NFListing? {
        guard var listing = ruleset.simulated.listing(of: TableLayout.table, leavingOut: TableLayout.dynamicSets)
        else { return nil }
        listing.generation = 0
        listing.elements = listing.elements.mapValues { $0.sorted { "\($0)" < "\($1)" } }
        return listing
    }

    /// What comes between, so many times.
    struct Disturbance: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var moment: DisturbedRuleset.Moment
        /// Nil where others change their tables.
        var error: NFTablesError?

        static let all = [
            Disturbance(testDescription: "others change rules first", moment: .beforeCommit),
            Disturbance(
                testDescription: "ENOBUFS before it is in effect", moment: .beforeCommit, error: .netlink(.overrun)),
            Disturbance(
                testDescription: "ENOBUFS when it is in effect", moment: .afterCommit, error: .netlink(.overrun)),
            Disturbance(
                testDescription: "EINTR while listing", moment: .beforeListing, error: .netlink(.interrupted)),
        ]

        /// - Parameter times: nil for always.
        func apply(to ruleset: DisturbedRuleset, times: Int?) {
            var left = times
            ruleset.disturbing = { [unowned ruleset] now throws(NFTablesError) in
                guard now == moment, left != 0 else { return }
                left = left.map { $0 - 1 }
                if let error { throw error }
                try ruleset.changeByOthers()
            }
        }
    }

    @Test(arguments: Disturbance.all, [1, 3, NFTablesEnforcement.attempts - 1])
    func `everything takes effect although something came between`(disturbance: Disturbance, times: Int) {
        let ruleset = DisturbedRuleset()
        var enforcement = enforcement(ruleset)
        #expect(enforcement.enforce(batch(nil, web(1, 2), .everything)).failure == nil)
        disturbance.apply(to: ruleset, times: times)
        #expect(enforcement.enforce(batch(web(1, 2), web(2, 3, 4), .everything)).failure == nil)
        #expect(content(ruleset) == undisturbed(web(1, 2), web(2, 3, 4)))
    }

    @Test(arguments: Disturbance.all)
    func `a change takes effect although something came between`(disturbance: Disturbance) {
        let ruleset = DisturbedRuleset()
        var enforcement = enforcement(ruleset)
        #expect(enforcement.enforce(batch(nil, web(1, 2), .everything)).failure == nil)
        disturbance.apply(to: ruleset, times: 3)
        #expect(enforcement.enforce(batch(web(1, 2), web(2, 3, 4), .changes)).failure == nil)
        #expect(content(ruleset) == undisturbed(web(1, 2), web(2, 3, 4)))
        // Memory and kernel agree: the next change is as small as ever.
        ruleset.disturbing = { _ throws(NFTablesError) in }
        let before = ruleset.simulated.operations.count
        #expect(enforcement.enforce(batch(web(2, 3, 4), web(2, 3, 5), .changes)).failure == nil)
        #expect(content(ruleset) == undisturbed(web(1, 2), web(2, 3, 4), web(2, 3, 5)))
        #expect(ruleset.simulated.operations.count - before < 10)
    }

    @Test func `others who never stop keep nothing from taking effect`() {
        let ruleset = DisturbedRuleset()
        var enforcement = enforcement(ruleset)
        #expect(enforcement.enforce(batch(nil, web(1, 2), .everything)).failure == nil)
        Disturbance.all[0].apply(to: ruleset, times: nil)
        #expect(enforcement.enforce(batch(web(1, 2), web(2, 3, 4), .everything)).failure == nil)
        #expect(content(ruleset) == undisturbed(web(1, 2), web(2, 3, 4)))
    }

    @Test(arguments: Disturbance.all.filter { $0.error != nil && $0.moment != .afterCommit })
    func `a kernel that never has room is told, and what was wanted comes with the next batch`(disturbance: Disturbance)
    {
        let ruleset = DisturbedRuleset()
        var enforcement = enforcement(ruleset)
        disturbance.apply(to: ruleset, times: nil)
        let report = enforcement.enforce(batch(nil, web(1, 2), .everything))
        #expect(report.failure == disturbance.error?.description)
        #expect(report.problems[web().key]?.map(\.reason) == [.failed])
        ruleset.disturbing = { _ throws(NFTablesError) in }
        #expect(enforcement.enforce(EnforcementBatch([], extent: .changes, on: node)).failure == nil)
        #expect(content(ruleset) == undisturbed(web(1, 2)))
    }
}
