import NetworkTypes
import Testing
import Transport

@testable import DNS

@Suite("The places of TCP connections") struct StreamPlacesTests {
    private static func ip(_ number: UInt32) -> IPAddress { IPAddress(v4: 0x0a00_0000 + number) }

    private static func places(_ total: Int, perPeer: Int = 2, strangers: Int = 2) -> StreamPlaces {
        StreamPlaces(
            network: SharedAdmission(.init(network: total, perPeer: perPeer)),
            strangers: SharedAdmission(.init(network: strangers, perPeer: strangers)))
    }

    private static func arrive(
        _ places: inout StreamPlaces, _ token: UInt64, _ peer: UInt32, isStranger: Bool = false, used: Set<UInt64> = []
    ) -> StreamPlaces.Arrival {
        var used = used
        return places.arrived(token, from: ip(peer), isStranger: isStranger) { used.remove($0) != nil }
    }

    @Test func `the one that was silent for longest gives its place, those that wait for an answer none`() {
        var places = Self.places(3)
        for token in 1...3 { #expect(Self.arrive(&places, UInt64(token), UInt32(token)) == .taken) }
        places.busy(1)
        #expect(Self.arrive(&places, 4, 4) == .afterClosing(2, .madeRoom))
        places.left(2, Self.ip(2), isStranger: false)
        let isClaimed = places.claim(4, Self.ip(4))
        #expect(isClaimed)
        // Answered again: it is the newest.
        places.rested(1, of: Self.ip(1))
        #expect(Self.arrive(&places, 5, 5) == .afterClosing(3, .madeRoom))
    }

    @Test func `a peer with its share gives up one of its own`() {
        var places = Self.places(8)
        for token in 1...3 { #expect(Self.arrive(&places, UInt64(token), token == 1 ? 9 : 7) == .taken) }
        #expect(Self.arrive(&places, 4, 7) == .afterClosing(2, .peerShare))
    }

    @Test func `without one that is idle a newcomer is refused, and there is no room`() {
        var places = Self.places(2)
        for token in 1...2 {
            #expect(Self.arrive(&places, UInt64(token), UInt32(token)) == .taken)
            places.busy(UInt64(token))
        }
        #expect(!places.hasRoom)
        #expect(Self.arrive(&places, 3, 3) == .refused(.full))
        places.left(1, Self.ip(1), isStranger: false)
        #expect(places.hasRoom && Self.arrive(&places, 4, 4) == .taken)
    }

    @Test func `one that was used is spared once, and all of them are no reason to refuse`() {
        var places = Self.places(3)
        for token in 1...3 { #expect(Self.arrive(&places, UInt64(token), UInt32(token)) == .taken) }
        #expect(Self.arrive(&places, 4, 4, used: [1, 2]) == .afterClosing(3, .madeRoom))
        places.left(3, Self.ip(3), isStranger: false)
        let isClaimed = places.claim(4, Self.ip(4))
        #expect(isClaimed)
        #expect(Self.arrive(&places, 5, 5, used: [1, 2, 4]) == .afterClosing(1, .madeRoom))
    }

    @Test func `a place that somebody on another loop took is not claimed twice`() {
        let network = SharedAdmission(.init(network: 1, perPeer: 1))
        let strangers = SharedAdmission(.init(network: 1, perPeer: 1))
        var one = StreamPlaces(network: network, strangers: strangers)
        var other = StreamPlaces(network: network, strangers: strangers)
        #expect(Self.arrive(&one, 1, 1) == .taken)
        #expect(Self.arrive(&one, 2, 2) == .afterClosing(1, .madeRoom))
        one.left(1, Self.ip(1), isStranger: false)
        #expect(Self.arrive(&other, 3, 3) == .taken)
        let isClaimed = one.claim(2, Self.ip(2))
        #expect(!isClaimed && one.largest == nil)
    }

    @Test func `a stranger takes nobody's place`() {
        var places = Self.places(2)
        #expect(Self.arrive(&places, 1, 1) == .taken && Self.arrive(&places, 2, 2, isStranger: true) == .taken)
        #expect(Self.arrive(&places, 3, 3, isStranger: true) == .refused(.full))
        #expect(Self.arrive(&places, 4, 4) == .afterClosing(1, .madeRoom))
        // Those of strangers are no more for that.
        places.left(1, Self.ip(1), isStranger: false)
        let isClaimed = places.claim(4, Self.ip(4))
        #expect(isClaimed)
        places.left(2, Self.ip(2), isStranger: true)
        #expect(Self.arrive(&places, 5, 5, isStranger: true) == .taken)
        #expect(Self.arrive(&places, 6, 6, isStranger: true) == .refused(.full))
    }
}
