import NetworkTypes
import Testing
import TrafficModel
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

    @Test func `a client's address leads to the endpoint of its slot, past those that do not answer`() {
        let endpoints = [a, b, c]
        var picker = EndpointPicker(endpoints: endpoints, affinitySeconds: nil, balancing: .consistentHash)
        let clients = (0..<200).map { IPAddress(v4: 0xC000_0200 + UInt32($0)) }
        for client in clients {
            let own = HashSlots.endpoint(for: client, of: endpoints)
            #expect(picker.pick(for: client, now: start) == own)
            #expect(picker.pick(for: client, now: start) == own)
            let other = picker.pick(for: client, excluding: [own ?? a], now: start)
            #expect(other != own && other != nil)
        }
        #expect(picker.pick(for: client, excluding: endpoints, now: start) == nil)
        #expect(Set(clients.map { picker.pick(for: $0, now: start) }).count == 3)
        // One that goes moves its own clients only.
        let before = clients.map { picker.pick(for: $0, now: start) }
        picker.replace(endpoints: [a, c], affinitySeconds: nil, balancing: .consistentHash)
        for (client, own) in zip(clients, before) where own != b {
            #expect(picker.pick(for: client, now: start) == own)
        }
        picker.replace(endpoints: [a, c], affinitySeconds: nil)
        #expect(Set((0..<2).map { _ in picker.pick(for: client, now: start) }) == [a, c])
    }

    @Test func `the endpoint with the fewest connections, and of equals the next in turn`() {
        var picker = EndpointPicker(endpoints: [a, b, c], affinitySeconds: nil, balancing: .leastConnections)
        func begin() -> SocketAddress? {
            let endpoint = picker.pick(for: client, now: start)
            if let endpoint { picker.began(at: endpoint) }
            return endpoint
        }
        #expect(Set((0..<3).map { _ in begin() }) == [a, b, c])
        picker.ended(at: b)
        picker.ended(at: b)
        #expect(begin() == b)
        #expect(Set((0..<3).map { _ in begin() }) == [a, b, c], "an end too many counts for nothing")
        #expect(picker.pick(for: client, excluding: [a, c], now: start) == b)
        #expect(picker.pick(for: client, excluding: [a, b, c], now: start) == nil)
        picker.replace(endpoints: [b, c], affinitySeconds: nil, balancing: .leastConnections)
        picker.ended(at: c)
        #expect(begin() == c)
    }

    @Test func `without endpoints there is nothing to pick`() {
        var picker = EndpointPicker(endpoints: [], affinitySeconds: 10)
        #expect(picker.pick(for: client, now: start) == nil)
    }
}
