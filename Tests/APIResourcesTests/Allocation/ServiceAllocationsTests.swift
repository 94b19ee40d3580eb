import Dispatch
import KubeModel
import NetworkTypes
import Synchronization
import TestSupport
import Testing

@testable import APIResources

@Suite("What a Service is given") struct ServiceAllocationsTests {
    @Test func `a claim is kept when the store commits and given back when it does not`() throws {
        let fixture = try ServiceFixture()
        var document = ServiceDocument(prepared(fixture, service("a", ["type": "NodePort"])))
        let reservation = try fixture.allocations.reserve(&document, replacing: nil)
        #expect(fixture.allocations.free == ([253], 2767))
        reservation.rollback()
        #expect(fixture.allocations.free == ([254], 2768))
        _ = try fixture.allocations.reserve(&document, replacing: nil)
        #expect(fixture.allocations.free == ([253], 2767))
        fixture.allocations.release(document)
        #expect(fixture.allocations.free == ([254], 2768))
    }

    @Test func `telling that an address is free costs the same however often it was done`() throws {
        let fixture = try ServiceFixture()
        let count = Mutex(0)
        fixture.allocations.observeReleases { count.withLock { $0 += 1 } }
        var holding = ServiceHolding()
        holding.addresses = [try #require(IPAddress("10.0.0.77"))]
        // A call that goes through one more wrapper each time ends at the bottom of the stack.
        for _ in 0..<200_000 { fixture.allocations.release(holding) }
        #expect(count.withLock { $0 } == 200_000)
    }

    @Test func `nothing stays claimed when a later part of the same Service can't be had`() throws {
        let fixture = try ServiceFixture(nodePorts: 30000...30000)
        let taken = try #require(fixture.create(service("a", ["type": "NodePort"])).document)
        #expect(
            fixture.create(service("b", ["type": "NodePort"])).refusals
                == ["Internal error occurred: failed to allocate a nodePort: range is full"])
        #expect(fixture.allocations.free == ([253], 0))
        fixture.fixture.strategy.release(taken)
        #expect(fixture.allocations.free == ([254], 1))
    }

    @Test func `a full range is reported and usable again after a release`() throws {
        let fixture = try ServiceFixture(["10.0.0.0/29"])
        var stored: [JSONValue] = []
        for number in 0..<6 { stored.append(try #require(fixture.create(service("s\(number)")).document)) }
        #expect(
            fixture.create(service("more")).refusals
                == ["Internal error occurred: failed to allocate a serviceIP: range is full"])
        fixture.fixture.strategy.release(stored[3])
        let again = try #require(fixture.create(service("more")).document)
        #expect(again["spec"]["clusterIP"] == stored[3]["spec"]["clusterIP"])
    }

    @Test func `a rebuilt state says of odd Services what they hold in vain`() throws {
        let allocations = try ServiceFixture().allocations
        let one = ServiceDocument(
            service("a", ["type": "NodePort", "clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"]]))
        #expect(allocations.restore(one).isEmpty)
        #expect(allocations.restore(one).addresses == [try #require(IPAddress("10.0.0.7"))])
        let elsewhere = ServiceDocument(service("b", ["clusterIP": "192.0.2.1", "clusterIPs": ["192.0.2.1"]]))
        #expect(!allocations.restore(elsewhere).isEmpty)
        allocations.release(elsewhere)
        #expect(allocations.free == ([253], 2768))
    }

    /// Threads create, change and delete Services over a store that fails a third of the writes and refuses outdated
    /// ones; the ranges are small enough to run full.
    @Test func `concurrent writers with failing stores neither leak nor share`() throws {
        let fixture = try ServiceFixture(["10.0.0.0/25", "fd00::/121"], nodePorts: 30000...30159)
        let store = FailingStore()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            var random = SeededRandom(seed: UInt64(thread) + 1)
            for _ in 0..<800 { step(fixture, store, &random) }
        }
        let stored = store.all
        #expect(stored.count > 10)
        var addresses: Set<String> = []
        var ports: Set<Int> = []
        var v4 = 0
        var v6 = 0
        for document in stored.map(ServiceDocument.init) {
            for address in document.clusterIPs where address != "None" {
                let isNew = addresses.insert(address).inserted
                #expect(isNew, "\(address) is held twice")
                if address.utf8.contains(UInt8(ascii: ":")) { v6 += 1 } else { v4 += 1 }
            }
            var own = Set(document.nodePorts)
            if document.healthCheckNodePort != 0 { own.insert(document.healthCheckNodePort) }
            #expect(ports.isDisjoint(with: own), "a port of \(own) is held twice")
            ports.formUnion(own)
        }
        let free = fixture.allocations.free
        #expect(free.addresses == [126 - v4, 127 - v6])
        #expect(free.nodePorts == 160 - ports.count)

        let restarted = try ServiceFixture(["10.0.0.0/25", "fd00::/121"], nodePorts: 30000...30159)
        for document in stored { #expect(restarted.allocations.restore(ServiceDocument(document)).isEmpty) }
        #expect(restarted.allocations.free == free)
        for document in stored { restarted.fixture.strategy.release(document) }
        #expect(restarted.allocations.free == ([126, 127], 160))
    }

    private func step(_ fixture: ServiceFixture, _ store: FailingStore, _ random: inout SeededRandom) {
        let strategy = fixture.fixture.strategy
        let name = "s\(random.next() % 120)"
        let old = store.get(name)
        if let old, random.next() % 3 == 0 {
            if store.write(name, nil, expecting: old.revision, fails: random.next() % 3 == 0) {
                strategy.release(old.document)
            }
            return
        }
        var wanted = service(name, wish(&random))
        let context = fixture.fixture.context(wanted)
        if let old {
            strategy.prepareForUpdate(&wanted, from: old.document, context)
            guard strategy.validateUpdate(wanted, from: old.document, context).isEmpty else { return }
        } else {
            strategy.prepareForCreate(&wanted, context)
            guard strategy.validateCreate(wanted, context).isEmpty else { return }
        }
        let transaction: (any AllocationTransaction)?
        do {
            transaction = try strategy.allocate(&wanted, replacing: old?.document, context)
        } catch {
            return
        }
        if store.write(name, wanted, expecting: old?.revision, fails: random.next() % 3 == 0) {
            transaction?.commit()
        } else {
            transaction?.rollback()
        }
    }

    private func wish(_ random: inout SeededRandom) -> [String: JSONValue?] {
        let kinds: [[String: JSONValue?]] = [
            [:], ["type": "NodePort"], ["type": "LoadBalancer", "externalTrafficPolicy": "Local"],
            ["type": "ExternalName", "externalName": "example.com", "ports": nil],
            ["ipFamilyPolicy": "PreferDualStack"], ["ipFamilyPolicy": "SingleStack"], ["clusterIP": "None"],
            ["type": "NodePort", "ports": [["port": 80, "nodePort": .integer(30000 + Int64(random.next() % 20))]]],
            ["clusterIP": .string("10.0.0.\(1 + random.next() % 20)")],
        ]
        return kinds[Int(random.next() % UInt64(kinds.count))]
    }

    private func prepared(_ fixture: ServiceFixture, _ object: JSONValue) -> JSONValue {
        var object = object
        fixture.fixture.strategy.prepareForCreate(&object, fixture.fixture.context(object))
        return object
    }
}

/// A map of documents with revisions, for which a write can fail.
private final class FailingStore: Sendable {
    struct Entry {
        var document: JSONValue
        var revision: Int
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var revision = 0
    }

    private let state = Mutex(State())

    func get(_ name: String) -> Entry? { state.withLock { $0.entries[name] } }
    var all: [JSONValue] { state.withLock { $0.entries.values.map(\.document) } }

    /// Puts or, with nil, deletes; false when it failed or the entry is not at the expected revision any more.
    func write(_ name: String, _ document: JSONValue?, expecting revision: Int?, fails: Bool) -> Bool {
        state.withLock { state in
            guard !fails, state.entries[name]?.revision == revision else { return false }
            state.revision += 1
            state.entries[name] = document.map { Entry(document: $0, revision: state.revision) }
            return true
        }
    }
}
