import NetworkTypes
import Testing
import Transport

@testable import DataPlane

@Suite("UDP flows make room for new clients")
struct FlowTableTests {
    private let endpoint = SocketAddress("10.0.0.1:53")!
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    private func client(_ number: Int) -> SocketAddress {
        SocketAddress(ip: IPAddress(v4: UInt32(0xC000_0200 + number)), port: 1000)
    }

    private func at(_ seconds: Int) -> MonotonicTime { start + .seconds(seconds) }

    @Test func `the flow that was idle for longest goes`() {
        var table = FlowTable(capacity: 3)
        let tokens = (0..<3).map { table.begin(client($0), to: endpoint, now: at($0)).token }
        table.noteRequest(tokens[0], now: at(10))
        #expect(table.begin(client(3), to: endpoint, now: at(11)).evicted == tokens[1])
        #expect(table.token(of: client(1)) == nil)
        #expect(table.begin(client(4), to: endpoint, now: at(12)).evicted == tokens[2])
        #expect(table.begin(client(5), to: endpoint, now: at(13)).evicted == tokens[0])
        #expect(table.count == 3)
    }

    @Test func `a flow that was answered outlives those that were not`() {
        var table = FlowTable(capacity: 3)
        let old = table.begin(client(0), to: endpoint, now: at(0)).token
        table.noteAnswer(old, now: at(1))
        for number in 1..<1000 {
            #expect(table.begin(client(number), to: endpoint, now: at(number + 1)).evicted != old)
        }
        #expect(table.token(of: client(0)) == old)
        #expect(table.count == 3)
    }

    @Test func `when all were answered the one idle for longest goes`() {
        var table = FlowTable(capacity: 2)
        let tokens = (0..<2).map { table.begin(client($0), to: endpoint, now: at($0)).token }
        for token in tokens { table.noteAnswer(token, now: at(5)) }
        table.noteRequest(tokens[0], now: at(6))
        #expect(table.begin(client(2), to: endpoint, now: at(7)).evicted == tokens[1])
    }

    @Test func `ended flows leave nothing behind`() {
        var table = FlowTable(capacity: 16)
        for number in 0..<10_000 {
            let token = table.begin(client(number), to: endpoint, now: at(number)).token
            table.noteAnswer(token, now: at(number))
            table.end(token)
        }
        #expect(table.count == 0)
        #expect(table.rememberedPlaces <= 64)
    }

    @Test func `idle flows are found by their time`() {
        var table = FlowTable(capacity: 16)
        let old = table.begin(client(0), to: endpoint, now: at(0)).token
        let used = table.begin(client(1), to: endpoint, now: at(0)).token
        table.noteRequest(used, now: at(30))
        #expect(table.idle(for: .seconds(60), at: at(60)) == [old])
    }
}
