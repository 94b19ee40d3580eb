import NetworkTypes
import Testing

@testable import Transport

@Suite("Connections without a request") struct UnprovenConnectionsTests {
    private typealias Book = UnprovenConnections<Int>

    private func peer(_ text: String) -> PeerKey { PeerKey(IPAddress(text) ?? .anyV4) }

    @Test func `a peer at its share gives up its own oldest`() {
        var book = Book(.init(total: 10, perPeer: 2))
        let decisions = [
            book.arrived(1, from: peer("192.0.2.1")), book.arrived(2, from: peer("192.0.2.2")),
            book.arrived(3, from: peer("192.0.2.1")), book.arrived(4, from: peer("192.0.2.1")),
            book.arrived(5, from: peer("192.0.2.1")),
        ]
        #expect(
            decisions == [
                .take, .take, .take, .takeAfterClosing(1, .peerShare), .takeAfterClosing(3, .peerShare),
            ])
        #expect(book.count == 3)
    }

    @Test func `at the total the peer that has the most gives up its oldest`() {
        var book = Book(.init(total: 4, perPeer: 3))
        for id in 1...3 { #expect(book.arrived(id, from: peer("192.0.2.1")) == .take) }
        #expect(book.arrived(4, from: peer("192.0.2.2")) == .take)
        #expect(book.arrived(5, from: peer("192.0.2.3")) == .takeAfterClosing(1, .madeRoom))
        // Two, one and one.
        #expect(book.arrived(6, from: peer("192.0.2.2")) == .takeAfterClosing(2, .madeRoom))
        #expect(book.largest?.peer == peer("192.0.2.2"))
        #expect(book.largest?.count == 2)
    }

    @Test func `of many peers with as many each, the oldest connection of all goes`() {
        var book = Book(.init(total: 100))
        for id in 0..<100 { #expect(book.arrived(id, from: PeerKey(IPAddress(v4: UInt32(id)))) == .take) }
        for id in 100..<300 {
            let decision = book.arrived(id, from: PeerKey(IPAddress(v4: UInt32(id))))
            #expect(decision == .takeAfterClosing(id - 100, .madeRoom))
        }
        #expect(book.count == 100)
    }

    @Test func `who has proved itself is never closed`() {
        var book = Book(.init(total: 2, perPeer: 2))
        let address = peer("192.0.2.1")
        #expect(book.arrived(1, from: address) == .take)
        book.proved(1)
        var closed: [Int] = []
        for id in 2..<50 {
            if case .takeAfterClosing(let other, _) = book.arrived(id, from: address) { closed.append(other) }
        }
        #expect(closed == Array(2..<48))
    }

    @Test func `where all connections are proven ones, a newcomer is refused`() {
        var book = Book(.init(total: 8))
        #expect(book.arrived(1, from: peer("192.0.2.1"), room: .none) == .refuse(.full))
        #expect(book.arrived(2, from: peer("192.0.2.1"), room: .noneForPeer) == .refuse(.peerShare))
        #expect(book.count == 0)
        #expect(book.arrived(3, from: peer("192.0.2.1")) == .take)
        #expect(book.arrived(4, from: peer("192.0.2.2"), room: .noneForPeer) == .refuse(.peerShare))
        #expect(book.arrived(5, from: peer("192.0.2.2"), room: .none) == .takeAfterClosing(3, .madeRoom))
        #expect(book.arrived(6, from: peer("192.0.2.2"), room: .noneForPeer) == .takeAfterClosing(5, .peerShare))
    }

    @Test(arguments: [
        ("2001:db8::1", "2001:db8::ffff:1", true), ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true),
    ])
    func `an IPv6 prefix is one peer, and so is a mapped address`(a: String, b: String, isSame: Bool) {
        var book = Book(.init(total: 8, perPeer: 1))
        #expect(book.arrived(1, from: peer(a)) == .take)
        #expect(book.arrived(2, from: peer(b)) == (isSame ? .takeAfterClosing(1, .peerShare) : .take))
    }

    @Test func `who leaves from the middle, or twice, leaves the others in order`() {
        var book = Book(.init(total: 8, perPeer: 4))
        let address = peer("192.0.2.1")
        for id in 1...4 { #expect(book.arrived(id, from: address) == .take) }
        book.left(2)
        book.left(2)
        book.left(1)
        #expect(book.count == 2)
        #expect(book.arrived(5, from: address) == .take)
        #expect(book.arrived(6, from: address) == .take)
        #expect(book.arrived(7, from: address) == .takeAfterClosing(3, .peerShare))
        for id in 4...7 { book.left(id) }
        #expect(book.count == 0)
        #expect(book.largest == nil)
    }

    /// The same rules, looked up in a list.
    private struct Plain {
        var entries: [(id: Int, peer: PeerKey)] = []
        let limits: Book.Limits

        mutating func arrived(_ id: Int, _ peer: PeerKey) -> Book.Decision {
            var decision = Book.Decision.take
            let counts = entries.reduce(into: [PeerKey: Int]()) { $0[$1.peer, default: 0] += 1 }
            let most = counts.values.max() ?? 0
            if counts[peer, default: 0] >= limits.perPeer {
                decision = close(.peerShare) { $0 == peer }
            } else if entries.count >= limits.total {
                decision = close(.madeRoom) { counts[$0] == most }
            }
            entries.append((id, peer))
            return decision
        }

        private mutating func close(_ reason: CrowdingReason, _ isCandidate: (PeerKey) -> Bool) -> Book.Decision {
            guard let index = entries.firstIndex(where: { isCandidate($0.peer) }) else { return .refuse(.full) }
            return .takeAfterClosing(entries.remove(at: index).id, reason)
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `any order of events ends as in a list`(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let limits = Book.Limits(total: 20, perPeer: 6)
        var book = Book(limits)
        var plain = Plain(limits: limits)
        for id in 0..<4_000 {
            if next(3) == 0, !plain.entries.isEmpty {
                let gone = plain.entries.remove(at: next(plain.entries.count)).id
                book.left(gone)
            } else {
                let peer = PeerKey(IPAddress(v4: UInt32(next(9))))
                #expect(book.arrived(id, from: peer) == plain.arrived(id, peer))
            }
            #expect(book.count == plain.entries.count)
        }
    }
}
