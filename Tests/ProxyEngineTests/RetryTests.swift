import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("A request is tried again on endpoints that have not failed it") struct RetryTests {
    private typealias Client = HTTP2TestClient

    private static func closedAddress() -> SocketAddress {
        let upstream = FakeUpstream()
        let address = upstream.address
        upstream.stop()
        return address
    }

    @Test func `one dead endpoint of two fails no request, however many there are at a time`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([Self.closedAddress(), upstream.address])
        let sockets = (0..<40).map { _ in harness.connect() }
        for _ in 0..<10 {
            for socket in sockets {
                socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            }
            for socket in sockets { #expect(socket.readResponse()?.status == 200) }
        }
        await harness.stop()
        upstream.stop()
    }

    /// Says of every stream that it was not looked at, as long as there is another endpoint to go to.
    @Test func `a refused stream goes to another endpoint, and costs no attempt on the one that refuses`() async throws
    {
        let refusing = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() { server.reset(stream, 7) }
        })
        let serving = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() { server.head(stream, [(":status", "200")]) }
        })
        var configuration = EngineHarness.toAll([refusing.address, refusing.address, serving.address])
        configuration.upstreams[0].version = .http2
        let harness = try EngineHarness(configuration)
        for _ in 0..<6 {
            let socket = harness.connect()
            socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            #expect(socket.readResponse()?.status == 200)
        }
        await harness.stop()
        refusing.stop()
        serving.stop()
    }
}
