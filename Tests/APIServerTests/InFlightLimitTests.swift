import NetworkTypes
import Testing
import Transport

@testable import APIServer

@Suite("Places for requests") struct InFlightLimitTests {
    private static let hog = RequestSender(user: "hog", peer: PeerKey(.loopbackV4))
    private static let other = RequestSender(user: "other", peer: PeerKey(.loopbackV4))
    private static let third = RequestSender(user: "hog", peer: PeerKey(.loopbackV6))
    private static let local = RequestSender(user: "hog", peer: nil)

    @Test func `places are counted by kind and given back`() throws {
        let limit = InFlightLimit(maxReads: 1, maxWrites: 1)
        let read = try #require(limit.enter(.read))
        #expect(limit.enter(.read) == nil)
        let write = try #require(limit.enter(.write))
        #expect(limit.enter(.write) == nil)
        #expect(limit.current == (1, 1))
        limit.leave(read)
        limit.leave(write)
        #expect(limit.current == (0, 0))
        #expect(limit.enter(.read) != nil)
        #expect(limit.enter(.write) != nil)
    }

    @Test func `one reader has half of the places, and a quarter for small answers`() {
        var shares = ReadShares(maxPlaces: 8, maxBytes: 1000)
        for _ in 0..<4 { #expect(shares.enter(Self.hog, waiting: 0) == .any) }
        for _ in 0..<2 { #expect(shares.enter(Self.hog, waiting: 0) == .small) }
        #expect(shares.enter(Self.hog, waiting: 0) == .refused)
        // The same user from elsewhere, and another one from there, have the rest.
        #expect(shares.enter(Self.other, waiting: 0) == .any)
        #expect(shares.enter(Self.third, waiting: 0) == .any)
        // All are taken: a quarter more, which the hog has a part of.
        for _ in 0..<2 { #expect(shares.enter(Self.other, waiting: 0) == .small) }
        #expect(shares.enter(Self.third, waiting: 0) == .refused)
        for _ in 0..<6 { shares.leave(Self.hog, held: 0) }
        #expect(shares.places == 4)
        #expect(shares.enter(Self.hog, waiting: 0) == .any)
    }

    @Test func `one sender has half of the places for writes, and the unix socket more than all others have`() {
        var shares = WriteShares(maxPlaces: 8)
        for _ in 0..<4 { #expect(shares.enter(Self.hog) == true) }
        #expect(shares.enter(Self.hog) == false)
        for _ in 0..<4 { #expect(shares.enter(Self.other) == true) }
        #expect(shares.enter(Self.third) == false)
        for _ in 0..<2 { #expect(shares.enter(Self.local) == true) }
        #expect(shares.enter(Self.local) == false)
        shares.leave(Self.hog)
        #expect(shares.places == 9)
        shares.leave(Self.local)
        shares.leave(Self.local)
        #expect(shares.enter(Self.hog) == true)
        #expect(shares.enter(Self.hog) == false)
    }

    @Test func `when others have all places for reads, the unix socket has a quarter more`() {
        var shares = ReadShares(maxPlaces: 8, maxBytes: 1000)
        for reader in [Self.hog, Self.other] {
            for _ in 0..<4 { #expect(shares.enter(reader, waiting: 0) == .any) }
        }
        #expect(shares.enter(Self.third, waiting: 0) == .small)
        #expect(shares.enter(Self.local, waiting: 0) == .any)
        #expect(shares.enter(Self.third, waiting: 0) == .refused)
        #expect(shares.enter(Self.local, waiting: 0) == .small)
    }

    @Test func `answers that wait for one reader leave half of the room to others`() {
        var shares = ReadShares(maxPlaces: 100, maxBytes: 1000)
        #expect(shares.enter(Self.hog, waiting: 0) == .any)
        shares.hold(501, for: Self.hog)
        #expect(shares.enter(Self.hog, waiting: 501) == .small)
        #expect(shares.enter(Self.other, waiting: 501) == .any)
        shares.hold(500, for: Self.other)
        // Too much in all: what is beyond is for those who wait for nothing, and is bounded.
        #expect(shares.enter(Self.other, waiting: 1001) == .small)
        #expect(shares.enter(Self.third, waiting: 1250) == .any)
        #expect(shares.enter(nil, waiting: 1251) == .small)
        shares.leave(Self.hog, held: 501)
        #expect(shares.enter(Self.hog, waiting: 500) == .any)
    }

    @Test func `only small answers are given in a place for small ones`() throws {
        let limit = InFlightLimit(maxReads: 8, maxWrites: 1)
        let places = try (0..<6).map { _ in try #require(limit.enter(.read, by: Self.hog)) }
        #expect(limit.allows(1 << 20, in: places[3]))
        #expect(!limit.allows(1 << 20, in: places[4]))
        #expect(limit.allows(ReadShares.smallAnswer, in: places[4]))
    }
}
