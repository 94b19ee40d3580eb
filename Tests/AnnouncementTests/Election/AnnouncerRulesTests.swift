import NetworkTypes
import Testing

@testable import Announcement

/// The rules of `AnnouncerElection` one by one, by hand.
@Suite("The rules of announcing") struct AnnouncerRulesTests {
    static let address = IPAddress(v4: 0xC000_0201)
    /// One that the node keeps, so that it stays a candidate.
    static let kept = IPAddress(v4: 0xC000_02FF)
    static let keptClaim = [kept: Announcer(node: "a", life: 100)]
    /// Each part holds everything.
    static let settings = AnnouncerElection.Settings(parts: 1)

    /// A node `a` that holds its Lease as version 1 and announces the address as of version 2, at second 10.
    static func announcing(candidates: Set<String> = ["a", "b"]) -> AnnouncerElection {
        var election = AnnouncerElection(node: "a", life: 100, settings: settings, at: .seconds(0))
        election.setWanted([address: candidates, kept: ["a"]])
        election.setSynced()
        election.observe(leaseOf: "a", nil, version: .max, at: .seconds(10))
        _ = election.decide(at: .seconds(10))
        election.finishLease(of: "a", .stored(1), at: .seconds(10))
        _ = election.decide(at: .seconds(10))
        election.finishClaims(of: 0, .stored(2), at: .seconds(10))
        return election
    }

    func isAnnounced(_ election: AnnouncerElection, at second: Double) -> Bool {
        election.announced(at: .seconds(second)).addresses.contains(Self.address)
    }

    @Test func `a claim counts once the store has taken it, and for as long as the Lease is trusted`() {
        var election = AnnouncerElection(node: "a", life: 100, settings: Self.settings, at: .seconds(0))
        election.setWanted([Self.address: ["a"]])
        election.setSynced()
        #expect(election.decide(at: .seconds(10)).actions == [.read(.lease("a"))])
        election.observe(leaseOf: "a", nil, version: .max, at: .seconds(10))
        let lease = AnnouncerLease(life: 100, isHeld: true, duration: .seconds(2), stamp: 1)
        #expect(election.decide(at: .seconds(10)).actions == [.writeLease(node: "a", lease, over: nil)])
        election.finishLease(of: "a", .stored(1), at: .seconds(10.4))
        #expect(!isAnnounced(election, at: 10.4))
        let claims = AnnouncerClaims([Self.address: Announcer(node: "a", life: 100)], stamp: 2)
        #expect(election.decide(at: .seconds(10.4)).actions.contains(.writeClaims(part: 0, claims, over: nil)))
        #expect(!isAnnounced(election, at: 10.4))
        election.finishClaims(of: 0, .stored(2), at: .seconds(10.4))
        #expect(isAnnounced(election, at: 10.4))
        // From when the renewal was sent, not from when it was answered.
        #expect(isAnnounced(election, at: 11.49))
        #expect(!isAnnounced(election, at: 11.5))
    }

    @Test func `an address is given up in silence, before the write leaves`() {
        var election = Self.announcing()
        #expect(isAnnounced(election, at: 10))
        election.setWanted([Self.address: ["b"], Self.kept: ["a"]])
        #expect(!isAnnounced(election, at: 10))
        let (actions, _) = election.decide(at: .seconds(10.1))
        #expect(
            actions.contains { action in
                guard case .writeClaims(0, let claims, over: 2) = action else { return false }
                return claims.claims == Self.keptClaim
            })
        // Wanted again while that write is on its way.
        election.setWanted([Self.address: ["a"], Self.kept: ["a"]])
        #expect(!isAnnounced(election, at: 10.1))
    }

    @Test func `a write of unknown outcome keeps it silent until another one settles that`() {
        var election = Self.announcing()
        election.setWanted([Self.address: ["b"], Self.kept: ["a"]])
        _ = election.decide(at: .seconds(10.1))
        election.setWanted([Self.address: ["a"], Self.kept: ["a"]])
        election.finishClaims(of: 0, .unknown, at: .seconds(10.2))
        #expect(!isAnnounced(election, at: 10.2))
        #expect(election.decide(at: .seconds(10.5)).actions.contains(.read(.claims(0))))
        // As it was: the write may still come.
        let own = Announcer(node: "a", life: 100)
        let claims = AnnouncerClaims([Self.address: own, Self.kept: own], stamp: 2)
        election.observe(part: 0, claims, version: 2)
        #expect(!isAnnounced(election, at: 10.5))
        let (actions, _) = election.decide(at: .seconds(10.6))
        #expect(
            actions.contains { action in
                guard case .writeClaims(0, let again, over: 2) = action else { return false }
                return again.claims == claims.claims && again.stamp != claims.stamp
            })
        election.finishClaims(of: 0, .stored(3), at: .seconds(10.7))
        #expect(isAnnounced(election, at: 10.7))
    }

    @Test func `a claim of a life that was not heard of yet counts`() {
        var election = AnnouncerElection(node: "a", life: 100, settings: Self.settings, at: .seconds(0))
        election.setWanted([Self.address: ["a", "b"]])
        election.setSynced()
        // The Lease of b as it was before; its next life has claimed already.
        let former = AnnouncerLease(life: 7, isHeld: false, duration: .seconds(2), stamp: 1)
        election.observe(leaseOf: "b", former, version: 1, at: .seconds(10))
        election.observe(part: 0, AnnouncerClaims([Self.address: Announcer(node: "b", life: 8)]), version: 5)
        election.observe(leaseOf: "a", nil, version: .max, at: .seconds(10))
        _ = election.decide(at: .seconds(10))
        election.finishLease(of: "a", .stored(6), at: .seconds(10))
        func takes(_ second: Double) -> Bool {
            election.decide(at: .seconds(second)).actions.contains {
                if case .writeClaims = $0 { true } else { false }
            }
        }
        #expect(!takes(10.4))
        // Once that life is known to have ended it is free.
        let ended = AnnouncerLease(life: 8, isHeld: false, duration: .seconds(2), stamp: 2)
        election.observe(leaseOf: "b", ended, version: 7, at: .seconds(10.5))
        #expect(takes(10.6))
    }

    @Test func `a Lease is taken away over the version that stood still, and the claims with it`() {
        var election = Self.announcing()
        let other = IPAddress(v4: 0xC000_0202)
        let peer = AnnouncerLease(life: 3, isHeld: true, duration: .seconds(2), stamp: 9)
        election.observe(leaseOf: "b", peer, version: 7, at: .seconds(10))
        election.observe(
            part: 0,
            AnnouncerClaims([
                Self.address: Announcer(node: "a", life: 100), other: Announcer(node: "b", life: 3),
            ]), version: 8)
        election.setWanted([Self.address: ["a"], other: ["a", "b"]])
        func decide(_ second: Double) -> [AnnouncerElection.Action] {
            let actions = election.decide(at: .seconds(second)).actions
            for case .writeLease("a", _, let over) in actions {
                election.finishLease(of: "a", .stored((over ?? 0) + 10), at: .seconds(second))
            }
            return actions
        }
        for second in [10.5, 11, 11.5, 11.99] {
            let actions = decide(second)
            #expect(
                actions.allSatisfy { if case .writeLease("a", _, _) = $0 { true } else { false } }, "\(actions)")
        }
        var taken = peer
        taken.isHeld = false
        let expiry = decide(12).compactMap { action -> UInt64? in
            guard case .writeLease("b", let lease, let over) = action, lease.life == 3, !lease.isHeld else {
                return nil
            }
            return over
        }
        #expect(expiry == [7])
        election.finishLease(of: "b", .stored(90), at: .seconds(12.1))
        #expect(
            decide(12.2).contains { action in
                guard case .writeClaims(0, let claims, over: 8) = action else { return false }
                return claims.claims[other] == Announcer(node: "a", life: 100)
            })
    }

    @Test func `who loses the Lease begins another life, and announces nothing of the former`() {
        var election = Self.announcing()
        let taken = AnnouncerLease(life: 100, isHeld: false, duration: .seconds(2), stamp: 5)
        election.observe(leaseOf: "a", taken, version: 9, at: .seconds(10.5))
        #expect(!isAnnounced(election, at: 10.5))
        guard case .writeLease("a", let lease, over: 9)? = election.decide(at: .seconds(10.5)).actions.first else {
            Issue.record("no Lease is taken")
            return
        }
        #expect(lease.life > 100 && lease.isHeld)
        election.finishLease(of: "a", .stored(10), at: .seconds(10.6))
        #expect(!isAnnounced(election, at: 10.6))
    }

    @Test func `a process that is started again waits until its former life is over`() {
        var election = AnnouncerElection(node: "a", life: 200, settings: Self.settings, at: .seconds(0))
        election.setWanted([Self.address: ["a"]])
        election.setSynced()
        let former = AnnouncerLease(life: 100, isHeld: true, duration: .seconds(2), stamp: 5)
        election.observe(leaseOf: "a", former, version: 4, at: .seconds(10))
        #expect(election.decide(at: .seconds(11.9)).actions.isEmpty)
        let lease = AnnouncerLease(life: 200, isHeld: true, duration: .seconds(2), stamp: 1)
        #expect(election.decide(at: .seconds(12)).actions == [.writeLease(node: "a", lease, over: 4)])
    }

    @Test func `who stops gives up its Lease, with which its claims are void`() {
        var election = Self.announcing()
        election.stop()
        #expect(!isAnnounced(election, at: 10))
        guard case .writeLease("a", let lease, over: 1)? = election.decide(at: .seconds(10)).actions.first else {
            Issue.record("the Lease is not given up")
            return
        }
        #expect(lease.life == 100 && !lease.isHeld)
        #expect(!election.isDone)
        election.finishLease(of: "a", .stored(3), at: .seconds(10))
        #expect(election.isDone)
    }

    @Test func `who is no candidate for anything holds no Lease and sleeps`() {
        var election = AnnouncerElection(node: "a", life: 1, settings: Self.settings, at: .seconds(0))
        election.setWanted([Self.address: ["b"]])
        election.setSynced()
        let (actions, next) = election.decide(at: .seconds(10))
        #expect(actions.isEmpty)
        #expect(next >= .seconds(3000))
    }

    @Test func `ten thousand addresses spread evenly over nodes, and those of a node that goes over the others`() {
        let nodes = ["a", "b", "c"]
        func best(_ nodes: [String], _ address: IPAddress) -> String {
            nodes.dropFirst().reduce(nodes[0]) { Rendezvous.prefers($1, to: $0, for: address) ? $1 : $0 }
        }
        let addresses = (0..<10_000).map { IPAddress(v4: 0x0A00_0000 + $0) }
        let before = Dictionary(grouping: addresses) { best(nodes, $0) }
        for node in nodes { #expect((3100...3600).contains(before[node]?.count ?? 0), "\(node)") }
        let moved = addresses.filter { best(["a", "b"], $0) != best(nodes, $0) }
        #expect(Set(moved) == Set(before["c"] ?? []))
        #expect((1500...1900).contains(moved.count { best(["a", "b"], $0) == "a" }))
        for part in 0..<32 {
            let count = addresses.count { Rendezvous.part(of: $0, count: 32) == part }
            #expect((230...400).contains(count), "part \(part) has \(count)")
        }
    }

    @Test func `an address goes back to a node of a higher score, and from there to nobody`() {
        for (scores, own) in [(["b": 100], 0), (["a": 1, "b": 100], 0), (["a": 100], 4), ([:], 2)]
            as [([String: Int], Int)]
        {
            let addresses = (0..<4).map { IPAddress(v4: 0x0A00_0000 + $0) }
            var held = Set(addresses)
            var election = AnnouncerElection(node: "a", life: 100, settings: Self.settings, at: .seconds(0))
            election.setWanted(
                Dictionary(uniqueKeysWithValues: addresses.map { ($0, ["a", "b"]) }),
                scores: Dictionary(uniqueKeysWithValues: addresses.map { ($0, scores) }))
            election.setSynced()
            election.observe(leaseOf: "a", nil, version: .max, at: .seconds(10))
            var version: UInt64 = 1
            var claims: [IPAddress: Announcer] = [:]
            for tick in 0..<800 {
                let now = Duration.seconds(10 + Double(tick) * 0.25)
                // b comes late.
                if tick > 20 {
                    version += 1
                    let peer = AnnouncerLease(life: 7, isHeld: true, duration: .seconds(2), stamp: Int64(tick))
                    election.observe(leaseOf: "b", peer, version: version, at: now)
                }
                for action in election.decide(at: now).actions {
                    version += 1
                    switch action {
                    case .writeLease("a", _, _): election.finishLease(of: "a", .stored(version), at: now)
                    case .writeClaims(_, let new, _):
                        claims = new.claims
                        election.finishClaims(of: 0, .stored(version), at: now)
                    default: break
                    }
                }
                let free = addresses.filter { claims[$0] == nil }
                if tick > 20, !free.isEmpty {
                    for address in free { claims[address] = Announcer(node: "b", life: 7) }
                    version += 1
                    election.observe(part: 0, AnnouncerClaims(claims, stamp: Int64(tick)), version: version)
                }
                held = Set(claims.filter { $0.value.node == "a" }.keys)
            }
            if scores.isEmpty {
                // Among equals nothing moves beyond an even share.
                #expect(held.count >= own)
            } else {
                #expect(held.count == own, "\(scores)")
            }
        }
    }

    @Test func `a free address is left to a live candidate of a higher score for a moment`() throws {
        for (scores, waits) in [(["a": 5], false), (["b": 5], true)] {
            var election = AnnouncerElection(node: "a", life: 100, settings: Self.settings, at: .seconds(0))
            election.setWanted([Self.address: ["a", "b"]], scores: [Self.address: scores])
            election.setSynced()
            election.observe(leaseOf: "a", nil, version: .max, at: .seconds(10))
            let peer = AnnouncerLease(life: 7, isHeld: true, duration: .seconds(2), stamp: 1)
            election.observe(leaseOf: "b", peer, version: 5, at: .seconds(10))
            _ = election.decide(at: .seconds(10))
            election.finishLease(of: "a", .stored(6), at: .seconds(10))
            func takes(at moment: Duration) -> Bool {
                election.decide(at: moment).actions.contains { if case .writeClaims = $0 { true } else { false } }
            }
            #expect(takes(at: .seconds(10)) == !waits)
            if waits { #expect(takes(at: .seconds(10) + .milliseconds(250))) }
        }
    }

    @Test func `a node that came late gets its share, a few at a time, and then all stays`() {
        var election = AnnouncerElection(node: "a", life: 100, settings: Self.settings, at: .seconds(0))
        let addresses = (0..<20).map { IPAddress(v4: 0x0A00_0000 + $0) }
        election.setWanted(Dictionary(uniqueKeysWithValues: addresses.map { ($0, ["a", "b"]) }))
        election.setSynced()
        election.observe(leaseOf: "a", nil, version: .max, at: .seconds(10))
        var version: UInt64 = 1
        var claims: [IPAddress: Announcer] = [:]
        var worst = 0
        for tick in 0..<800 {
            let now = Duration.seconds(10 + Double(tick) * 0.25)
            // b renews, and takes what is free and meant for it.
            version += 1
            let peer = AnnouncerLease(life: 7, isHeld: true, duration: .seconds(2), stamp: Int64(tick))
            election.observe(leaseOf: "b", peer, version: version, at: now)
            let before = claims.count { $0.value.node == "a" }
            for action in election.decide(at: now).actions {
                version += 1
                switch action {
                case .writeLease("a", _, _): election.finishLease(of: "a", .stored(version), at: now)
                case .writeClaims(_, let new, _):
                    claims = new.claims
                    election.finishClaims(of: 0, .stored(version), at: now)
                default: break
                }
            }
            worst = max(worst, before - claims.count { $0.value.node == "a" })
            let free = addresses.filter { claims[$0] == nil && Rendezvous.prefers("b", to: "a", for: $0) }
            if tick > 20, !free.isEmpty {
                for address in free { claims[address] = Announcer(node: "b", life: 7) }
                version += 1
                election.observe(part: 0, AnnouncerClaims(claims, stamp: Int64(tick)), version: version)
            }
        }
        let own = claims.count { $0.value.node == "a" }
        #expect(claims.count == 20)
        #expect(own < 20 && own >= 9, "\(own)")
        #expect(worst <= 2)
    }
}
