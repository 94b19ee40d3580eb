import Testing

@testable import APIServer

@Suite struct DispatchPaceTests {
    @Test func theFirstChangeGoesAtOnceAndTheNextOnesGather() {
        var pace = DispatchPace()
        #expect(pace.rest(at: 5_000_000) == nil)
        pace.roundBegan(at: 5_000_000)
        #expect(pace.rest(at: 5_000_000) == 5_001_000)
        #expect(pace.rest(at: 5_000_999) == 5_001_000)
        #expect(pace.rest(at: 5_001_000) == nil)
        // A round that took longer than the interval is followed by the next at once.
        pace.roundBegan(at: 5_001_000)
        #expect(pace.rest(at: 5_009_000) == nil)
    }
}
