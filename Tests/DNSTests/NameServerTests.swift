import DNS
import Glibc
import NetworkTypes
import TestSupport
import Testing
import Transport

@Suite("A name server on real sockets") struct NameServerTests {
    static let web = "web.shop.svc.cluster.local"

    /// Names outside of the cluster are asked of these.
    static func forwarding(_ servers: [SocketAddress]) -> AnswerPolicy {
        var policy = AnswerPolicy()
        policy.forwardedZones = [ForwardedZone(servers: servers)]
        return policy
    }

    @Test func `thousands of pipelined queries that fail at once are all answered`() async throws {
        // A zone without a server fails before anything is sent.
        let names = try ServedNames(policy: Self.forwarding([]))
        let client = try names.client(isStream: true)
        let count = 20_000
        let frames = (0..<count).flatMap { NameClient.framed(Wire.query("", .ns, id: UInt16($0))) }
        // Answers are taken while questions are still being sent: nobody has room for all of them.
        let sender = Task.detached { try client.send(frames) }
        for number in 0..<count {
            let message = try #require(try client.receive().flatMap { Wire.Message($0) })
            #expect(message.header.id == UInt16(number) && message.code == .serverFailure)
        }
        #expect(try await sender.value)
        #expect(try client.answer(Wire.query(Self.web))?.answers.count == 1)
        await names.stop()
    }
}
