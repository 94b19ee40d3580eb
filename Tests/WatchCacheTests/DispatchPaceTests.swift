import Testing

@testable import WatchCache

@Suite("How fast changes are told") struct DispatchPaceTests {
    @Test func theFirstChangeGoesAtOnceAndTheNextOnesGather() {
        var pace = DispatchPace()
        #expect(pace.rest(at: 5_000_000) == nil)
        pace.roundBegan(at: 5_000_000, watches: 3)
        #expect(pace.rest(at: 5_000_000) == 5_001_000)
        #expect(pace.rest(at: 5_000_999) == 5_001_000)
        #expect(pace.rest(at: 5_001_000) == nil)
        // A round that took longer than the interval is followed by the next at once.
        pace.roundBegan(at: 5_001_000, watches: 3)
        #expect(pace.rest(at: 5_009_000) == nil)
    }

    @Test(arguments: [(1, 1000), (20, 1000), (100, 5000), (1000, 50_000), (10_000, 100_000)] as [(Int, Int64)])
    func manyWatchesRestLonger(watches: Int, interval: Int64) {
        var pace = DispatchPace()
        pace.roundBegan(at: 0, watches: watches)
        #expect(pace.rest(at: interval - 1) == interval)
        #expect(pace.rest(at: interval) == nil)
    }
}
