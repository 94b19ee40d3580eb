import Foundation
import Glibc
import Netlink
import TestSupport
import Testing

@testable import NFTables

/// What the kernel and its fake have to do alike.
@Suite("A ruleset takes transactions as a whole") struct NFRulesetTests {
    enum Subject: String, CaseIterable, CustomTestStringConvertible {
        case simulation, kernel
        var testDescription: String { rawValue }

        static var here: [Subject] {
            if PrivateNamespace.isAvailable { return allCases }
            print("skipped: the kernel's own nftables, which need root")
            return [.simulation]
        }

        func run(_ body: @escaping @Sendable (any NFRuleset) throws -> Void) throws {
            switch self {
            case .simulation: try body(SimulatedRuleset())
            case .kernel: try PrivateNamespace.run { try body(KernelRuleset()) }
            }
        }
    }

    static let table = NFTable(.inet, "martlet-test")

    static func value(_ numbers: UInt8...) -> NFValue { NFValue(numbers) ?? NFValue() }

    /// One of each thing.
    static var everything: NFTransaction {
        let key = NFDataType.concatenation(.ipv4Address, .transport, .port)
        var sized = NFSet(
            "clients", key: .concatenation(.ipv4Address, .mark), content: .map(.concatenation(.ipv4Address, .port)))
        sized.timeout = 0
        sized.size = 1024
        var ranges = NFSet("ranges", key: .ipv6Address)
        ranges.isInterval = true
        let register = NFRegister(0)
        return NFTransaction(
            table,
            [
                .addTable, .addSet(NFSet("map", key: key, content: .map(.concatenation(.mark, .mark)))),
                .addSet(NFSet("keys", key: .ipv4Address)), .addSet(NFSet("verdicts", key: .mark, content: .verdicts)),
                .addSet(sized), .addSet(ranges),
                .addChain(NFChain("prerouting", hook: .init(.nat, .prerouting, priority: -100))),
                .addChain(NFChain("postrouting", hook: .init(.nat, .postrouting, priority: 100))),
                .addChain(NFChain("filter", hook: .init(.filter, .input, priority: 0, policy: .drop))),
                .addChain(NFChain("services")), .addChain(NFChain("refuse")), .addChain(NFChain("choose")),
                .addElements(
                    set: "map",
                    [
                        NFElement(
                            value(10, 0, 0, 1, 6, 0, 0, 0, 0, 80, 0, 0), .value(value(1, 0, 0, 0, 2, 0, 0, 0)))
                    ]),
                .addElements(set: "keys", [NFElement(value(10, 0, 0, 1)), NFElement(value(10, 0, 0, 2))]),
                .addElements(
                    set: "verdicts",
                    [
                        NFElement(value(1, 0, 0, 0), .verdict(.goto("choose"))),
                        NFElement(value(2, 0, 0, 0), .verdict(.jump("refuse"))),
                        NFElement(value(3, 0, 0, 0), .verdict(.drop)),
                        NFElement(value(4, 0, 0, 0), .verdict(.accept)),
                        NFElement(value(5, 0, 0, 0), .verdict(.return)),
                    ]),
                .addElements(
                    set: "ranges",
                    [
                        NFElement(NFValue().appending([0xFD] + [UInt8](repeating: 0, count: 15))),
                        NFElement(
                            NFValue().appending([0xFE] + [UInt8](repeating: 0, count: 15)), isIntervalEnd: true),
                    ]),
                .addRule(
                    NFRule(in: "prerouting", comment: "jump", [.verdict(.jump("services"))])),
                .addRule(
                    NFRule(
                        in: "services", comment: "ipv4",
                        [
                            .meta(.networkProtocol, into: register), .equal(register, value(2)),
                            .payload(.network, offset: 16, length: 4, into: register),
                            .meta(.transportProtocol, into: register + 1),
                            .payload(.transport, offset: 2, length: 2, into: register + 2),
                            .lookup(register, in: "map", into: register + 3),
                            .dispatch(register + 4, by: "verdicts"),
                        ])),
                .addRule(
                    NFRule(
                        in: "services", comment: "unused ports",
                        [
                            .meta(.networkProtocol, into: register), .equal(register, value(2)),
                            .payload(.network, offset: 16, length: 4, into: register),
                            .contained(register, in: "keys"), .verdict(.goto("refuse")),
                        ])),
                .addRule(
                    NFRule(
                        in: "refuse", comment: "tcp",
                        [.meta(.transportProtocol, into: register), .equal(register, value(6)), .refuse(.tcpReset)])),
                .addRule(NFRule(in: "refuse", comment: "icmp", [.refuse(.portUnreachable)])),
                .addRule(
                    NFRule(
                        in: "choose", comment: "one",
                        [
                            .meta(.networkProtocol, into: register), .equal(register, value(2)),
                            .payload(.network, offset: 12, length: 4, into: register),
                            .random(modulus: 3, into: register + 1),
                            .hash(register, length: 4, modulus: 7, seed: 1, into: register + 1),
                            .immediate(value(10, 0, 0, 9), into: register + 2),
                            .immediate(value(0, 80), into: register + 3),
                            .change("clients", .update, key: register, data: register + 2, milliseconds: 5000),
                            .translateDestination(.ipv4, address: register + 2, port: register + 3),
                        ])),
                .addRule(
                    NFRule(
                        in: "postrouting", comment: "masquerade",
                        [
                            .meta(.outputInterface, into: register), .unequal(register, value(1, 0, 0, 0)),
                            .conntrack(.status, into: register),
                            .mask(register, with: value(0x20, 0, 0, 0), into: register),
                            .unequal(register, value(0, 0, 0, 0)),
                            .conntrack(.destinationIPv4, into: register),
                            .conntrack(.destinationPort, into: register + 1),
                            .sourceKind(into: register), .destinationKind(into: register), .counter,
                            .masquerade(isRandom: true),
                        ])),
            ])
    }

    @Test(arguments: Subject.here) func `what was sent is listed`(subject: Subject) throws {
        try subject.run { ruleset in
            #expect(try ruleset.listing(of: Self.table, leavingOut: []) == nil)
            try ruleset.commit(Self.everything, expecting: nil)
            #expect(try ruleset.tables().contains(Self.table))
            let listing = try #require(try ruleset.listing(of: Self.table, leavingOut: []))
            var chains: [String: NFChain] = [:]
            var rules: [String: [String]] = [:]
            for operation in Self.everything.operations {
                switch operation {
                case .addChain(let chain): chains[chain.name] = chain
                case .addRule(let rule): rules[rule.chain, default: []].append(rule.comment)
                case .addSet(let set):
                    let listed = try #require(listing.sets[set.name])
                    #expect(listed.isLike(.init(set)), "\(set.name): \(listed)")
                case .addElements(let set, let elements):
                    let listed = try #require(listing.elements[set])
                    // The kernel adds the beginning of everything to ranges.
                    #expect(Set(elements).isSubset(of: listed), "\(set): \(listed)")
                    #expect(listed.count <= elements.count + (set == "ranges" ? 1 : 0))
                default: break
                }
            }
            #expect(listing.chains == chains)
            #expect(listing.rules == rules)
            let without = try #require(try ruleset.listing(of: Self.table, leavingOut: ["map"]))
            #expect(without.elements["map"] == nil && without.elements["keys"]?.count == 2)
        }
    }

    @Test(.enabled(if: PrivateNamespace.isAvailable && access("/usr/sbin/nft", X_OK) == 0))
    func `nft shows what was sent`() throws {
        try PrivateNamespace.run {
            try KernelRuleset().commit(Self.everything, expecting: nil)
            let text = try PrivateNamespace.output(of: "nft list ruleset")
            for part in [
                "table inet martlet-test", "type ipv4_addr . inet_proto . inet_service : mark . mark",
                "10.0.0.1 . tcp . 80", "fd00::/8", "policy drop",
                "type nat hook prerouting priority dstnat", "ip daddr @keys goto refuse comment \"unused ports\"",
                "reject with tcp reset", "masquerade fully-random", "flags dynamic,timeout",
            ] {
                #expect(text.contains(part), "\(part) is not in:\n\(text)")
            }
            let json = try PrivateNamespace.output(of: "nft -j list ruleset")
            let root = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            let objects = try #require(root["nftables"] as? [[String: Any]])
            #expect(objects.count { $0["rule"] != nil } == 7)
            #expect(objects.count { $0["chain"] != nil } == 6)
            #expect(objects.count { $0["map"] != nil || $0["set"] != nil } == 5)
        }
    }

    @Test(arguments: Subject.here) func `a change that others made first is noticed`(subject: Subject) throws {
        try subject.run { ruleset in
            let before = try ruleset.generation()
            try ruleset.commit(NFTransaction(Self.table, [.addTable]), expecting: before)
            #expect(try ruleset.generation() != before)
            let late = NFTransaction(Self.table, [.addSet(NFSet("late", key: .port))])
            #expect(throws: NFTablesError.generationChanged) { try ruleset.commit(late, expecting: before) }
            #expect(try ruleset.listing(of: Self.table, leavingOut: [])?.sets.isEmpty == true)
            try ruleset.commit(late, expecting: try ruleset.generation())
            #expect(try ruleset.listing(of: Self.table, leavingOut: [])?.sets.count == 1)
        }
    }

    struct Refused: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var operation: NFTransaction.Operation
        /// Kernels differ.
        var numbers: [Int32]

        init(_ description: String, _ operation: NFTransaction.Operation, _ numbers: Int32...) {
            testDescription = description
            self.operation = operation
            self.numbers = numbers
        }
    }

    static let refused: [Refused] = [
        Refused("a set that is used", .deleteSet("map"), EBUSY),
        Refused("a chain that a rule leads to", .deleteChain("services"), EBUSY),
        Refused("a chain that an element leads to", .deleteChain("choose"), EBUSY),
        Refused("a set that is not there", .deleteSet("nosuchset"), ENOENT),
        Refused("a chain that is not there", .deleteChain("nosuchchain"), ENOENT),
        Refused("a rule in no chain", .addRule(NFRule(in: "nosuchchain", [.verdict(.drop)])), ENOENT),
        Refused(
            "a rule that leads to no chain", .addRule(NFRule(in: "services", [.verdict(.goto("nosuchchain"))])), ENOENT),
        Refused(
            "a rule that leads to a chain with a hook", .addRule(NFRule(in: "services", [.verdict(.goto("filter"))])),
            EOPNOTSUPP),
        Refused("elements of no set", .addElements(set: "nosuchset", [NFElement(value(1, 2, 3, 4))]), ENOENT),
        Refused("an element that is not there", .deleteElements(set: "keys", [NFElement(value(9, 9, 9, 9))]), ENOENT),
        Refused("a key of another length", .addElements(set: "keys", [NFElement(value(1, 2))]), EINVAL),
        Refused(
            "an element with other data",
            .addElements(set: "verdicts", [NFElement(value(1, 0, 0, 0), .verdict(.drop))]), EEXIST),
        Refused("a set of another kind", .addSet(NFSet("keys", key: .ipv6Address)), EEXIST),
        Refused(
            "a chain with another hook",
            .addChain(NFChain("prerouting", hook: .init(.filter, .forward, priority: 5))), EEXIST, EOPNOTSUPP),
        Refused(
            "a rule with no such set", .addRule(NFRule(in: "services", [.contained(NFRegister(0), in: "no")])), ENOENT),
    ]

    @Test(arguments: Subject.here, refused)
    func `what cannot be is refused, is named, and leaves all as it was`(subject: Subject, refused: Refused) throws {
        try subject.run { ruleset in
            try ruleset.commit(Self.everything, expecting: nil)
            let before = try ruleset.listing(of: Self.table, leavingOut: [])
            let transaction = NFTransaction(
                Self.table, [.addSet(NFSet("beside", key: .port)), refused.operation, .addChain(NFChain("after"))])
            do throws(NFTablesError) {
                try ruleset.commit(transaction, expecting: nil)
                Issue.record("\(refused.testDescription) was accepted")
            } catch {
                guard case .refused(let refusals) = error else { throw error }
                #expect(refusals.map(\.operation) == [1])
                #expect(refused.numbers.contains(refusals.first?.cause.number ?? 0), "\(error)")
                #expect(refusals.first?.subject == refused.operation.subject)
            }
            let after = try ruleset.listing(of: Self.table, leavingOut: [])
            #expect(before?.chains == after?.chains && before?.sets == after?.sets && before?.rules == after?.rules)
        }
    }

    @Test(arguments: Subject.here) func `the element that is to blame is named`(subject: Subject) throws {
        try subject.run { ruleset in
            // More than one message can hold.
            let elements = (0..<5000).map { NFElement(NFValue().appending(UInt32(1000 + $0))) }
            try ruleset.commit(
                NFTransaction(
                    Self.table,
                    [.addTable, .addSet(NFSet("many", key: .ipv4Address)), .addElements(set: "many", elements)]),
                expecting: nil)
            #expect(try ruleset.listing(of: Self.table, leavingOut: [])?.elements["many"]?.count == 5000)
            var deletions = elements
            deletions[4321] = NFElement(NFValue().appending(UInt32(7)))
            do throws(NFTablesError) {
                try ruleset.commit(
                    NFTransaction(Self.table, [.deleteElements(set: "many", deletions)]), expecting: nil)
                Issue.record("it was accepted")
            } catch {
                guard case .refused(let refusals) = error else { throw error }
                #expect(refusals.first?.element == 4321)
            }
            #expect(try ruleset.listing(of: Self.table, leavingOut: [])?.elements["many"]?.count == 5000)
        }
    }

    @Test(arguments: Subject.here) func `an element changes its data within one transaction`(subject: Subject) throws {
        try subject.run { ruleset in
            try ruleset.commit(Self.everything, expecting: nil)
            let old = NFElement(Self.value(1, 0, 0, 0), .verdict(.goto("choose")))
            let new = NFElement(Self.value(1, 0, 0, 0), .verdict(.goto("refuse")))
            try ruleset.commit(
                NFTransaction(
                    Self.table,
                    [
                        .deleteElements(set: "verdicts", [old]), .addElements(set: "verdicts", [new]),
                        .flushChain("refuse"), .addRule(NFRule(in: "refuse", comment: "silence", [.verdict(.drop)])),
                        .deleteChain("choose"),
                    ]), expecting: nil)
            let listing = try #require(try ruleset.listing(of: Self.table, leavingOut: []))
            #expect(listing.elements["verdicts"]?.contains(new) == true)
            #expect(listing.elements["verdicts"]?.contains(old) == false)
            #expect(listing.rules["refuse"] == ["silence"])
            #expect(listing.chains["choose"] == nil)
        }
    }

    @Test(arguments: Subject.here) func `a table goes with all that is in it, and others stay`(subject: Subject) throws
    {
        try subject.run { ruleset in
            let other = NFTable(.ipv4, "other")
            try ruleset.commit(Self.everything, expecting: nil)
            try ruleset.commit(NFTransaction(other, [.addTable, .addChain(NFChain("mine"))]), expecting: nil)
            try ruleset.commit(NFTransaction(Self.table, [.deleteTable]), expecting: nil)
            #expect(try ruleset.listing(of: Self.table, leavingOut: []) == nil)
            #expect(try ruleset.tables() == [other])
            #expect(try ruleset.listing(of: other, leavingOut: [])?.chains.count == 1)
            #expect(throws: NFTablesError.self) {
                try ruleset.commit(NFTransaction(Self.table, [.deleteTable]), expecting: nil)
            }
        }
    }

    @Test(.enabled(if: PrivateNamespace.isAvailable)) func `a transaction may have a hundred thousand elements`() throws
    {
        try PrivateNamespace.run {
            let ruleset = try KernelRuleset()
            let elements = (0..<100_000).map { number in
                NFElement(
                    NFValue().appending(UInt32(number)).appending(UInt32(number)),
                    .value(NFValue().appending(UInt32(1)).appending(UInt16(80))))
            }
            let set = NFSet(
                "endpoints", key: .concatenation(.mark, .mark), content: .map(.concatenation(.ipv4Address, .port)))
            try ruleset.commit(
                NFTransaction(Self.table, [.addTable, .addSet(set), .addElements(set: "endpoints", elements)]),
                expecting: nil)
            // The kernel makes its hash table larger behind the commit, and a listing meanwhile may lack elements.
            func listed() throws -> Set<NFElement> {
                Set(try ruleset.listing(of: Self.table, leavingOut: [])?.elements["endpoints"] ?? [])
            }
            let wanted = Set(elements)
            for _ in 0..<50 {
                if try listed() == wanted { return }
                usleep(100_000)
            }
            #expect(try listed() == wanted)
        }
    }
}
