import NetworkTypes
import Testing
import Transport

@testable import APIServer

@Suite("Places for requests") struct InFlightLimitTests {
    private static let hog = SocketAddress(ip: .loopbackV4, port: 4001)
    private static let other = SocketAddress(ip: .loopbackV4, port: 4002)

    @Test func `places are counted by kind and given back`() {
        let limit = InFlightLimit(maxReads: 1, maxWrites: 1)
        #expect(limit.enter(.read) && !limit.enter(.read))
        #expect(limit.enter(.write) && !limit.enter(.write))
        limit.leave(.read)
        #expect(limit.enter(.read))
    }

    @Test func `a connection that takes none of its answers does not keep others from asking`() {
        let gauge = ByteGauge()
        let limit = InFlightLimit(maxReads: 100, maxWrites: 1, maxAnswerBytes: 1000, answers: gauge)
        #expect(limit.enter(.read, by: Self.hog))
        limit.hold(1001, for: Self.hog)
        gauge.add(1001)
        #expect(!limit.enter(.read, by: Self.hog), "it has enough to read")
        #expect(limit.enter(.read, by: Self.other))
        #expect(limit.enter(.read, by: nil))
        // What others get beyond the limit is bounded too.
        limit.hold(250, for: Self.other)
        gauge.add(250)
        #expect(!limit.enter(.read, by: nil))
        limit.release(250, of: Self.other)
        gauge.add(-250)
        limit.release(1001, of: Self.hog)
        gauge.add(-1001)
        #expect(limit.enter(.read, by: Self.hog))
    }
}
