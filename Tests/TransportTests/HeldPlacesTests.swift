import Testing

@testable import Transport

@Suite("Places and who holds them") struct HeldPlacesTests {
    @Test func `the largest is who holds the most, and of several whose oldest is the oldest`() {
        var places = HeldPlaces<String, Int>()
        #expect(places.largest == nil)
        places.take(1, for: "a")
        places.take(2, for: "b")
        #expect(places.largest?.holder == "a")
        places.take(3, for: "b")
        #expect(places.largest?.holder == "b")
        #expect(places.largest?.count == 2)
        places.give(2)
        #expect(places.largest?.holder == "a")
        places.give(1)
        #expect(places.largest?.holder == "b")
        #expect(places.count(of: "a") == 0)
        #expect(places.oldest(of: "a") == nil)
    }

    @Test func `places are listed oldest first, whatever is given back between`() {
        var places = HeldPlaces<String, Int>()
        for id in 0..<10 { places.take(id, for: "a") }
        for id in [0, 4, 9, 9] { places.give(id) }
        #expect(places.oldest(of: "a", limit: 4) == [1, 2, 3, 5])
        #expect(places.oldest(of: "a", limit: 100) == [1, 2, 3, 5, 6, 7, 8])
        #expect(places.count == 7)
    }

    @Test func `a place that is taken again is its new holder's newest`() {
        var places = HeldPlaces<String, Int>()
        places.take(1, for: "a")
        places.take(2, for: "b")
        places.take(1, for: "b")
        #expect(places.count(of: "a") == 0)
        #expect(places.oldest(of: "b", limit: 3) == [2, 1])
    }
}
