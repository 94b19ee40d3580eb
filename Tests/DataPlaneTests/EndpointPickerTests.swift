import NetworkTypes
import Testing
import Transport

@testable import DataPlane

@Suite("Picking an endpoint") struct EndpointPickerTests {
    private let a = SocketAddress("10.0.0.1:80")!
    private let b = SocketAddress("10.0.0.2:80")!
    private let c = SocketAddress("10.0.0.3:80")!
    private let client = IPAddress("192.0.2.1")!
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    @Test func `endpoints take turns`() {
        var picker = EndpointPicker(endpoints: [a, b, c], affinitySeconds: nil)
        let picks = (0..<6).map { _ in picker.pick(for: client, now: start) }
        #expect(picks == [a, b, c, a, b, c])
    }

    @Test func `an endpoint that was tried is passed over`() {
        var picker = EndpointPicker(endpoints: [a, b], affinitySeconds: nil)
        #expect(picker.pick(for: client, excluding: [a], now: start) == b)
        #expect(picker.pick(for: client, excluding: [a, b], now: start) == nil)
    }

    @Test func `a client keeps its endpoint until it was idle for the timeout`() {
        var picker = EndpointPicker(endpoints: [a, b], affinitySeconds: 10)
        #expect(picker.pick(for: client, now: start) == a)
        #expect(picker.pick(for: IPAddress("192.0.2.2")!, now: start) == b)
        #expect(picker.pick(for: client, now: start + .seconds(9)) == a)
        #expect(picker.pick(for: client, now: start + .seconds(18)) == a)
        _ = picker.pick(for: IPAddress("192.0.2.3")!, now: start + .seconds(18))
        #expect(picker.pick(for: client, now: start + .seconds(29)) == b)
    }

    @Test func `a client whose endpoint is gone gets another one`() {
        var picker = EndpointPicker(endpoints: [a, b], affinitySeconds: 10)
        #expect(picker.pick(for: client, now: start) == a)
        picker.replace(endpoints: [b, c], affinitySeconds: 10)
        let next = picker.pick(for: client, now: start)
        #expect(next == b || next == c)
        #expect(picker.pick(for: client, now: start) == next)
    }

    @Test func `idle clients are forgotten as new ones come`() {
        var picker = EndpointPicker(endpoints: [a, b], affinitySeconds: 10)
        for number in 0..<5000 {
            _ = picker.pick(
                for: IPAddress(v4: UInt32(number)), now: start + .seconds(number))
        }
        #expect(picker.sessionCount <= 1024)
    }

    @Test func `without endpoints there is nothing to pick`() {
        var picker = EndpointPicker(endpoints: [], affinitySeconds: 10)
        #expect(picker.pick(for: client, now: start) == nil)
    }
}
