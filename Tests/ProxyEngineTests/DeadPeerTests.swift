import Glibc
import Testing

@testable import ProxyEngine

/// A peer that is gone without a word is noticed by the kernel, on both sides of the proxy.
@Suite("Dead peers") struct DeadPeerTests {
    @Test func `connections of clients and to upstreams have keepalive and a bound on unacknowledged bytes`()
        async throws
    {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = harness.connect()
        client.send("GET /length/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.readResponse()?.status == 200)
        // The engine runs in this process, so its sockets are found by their ports.
        var seen: Set<String> = []
        for descriptor in Int32(3)..<1024 {
            let side: String
            if Self.port(descriptor, getpeername) == upstream.port {
                side = "upstream"
            } else if Self.port(descriptor, getsockname) == harness.port, Self.port(descriptor, getpeername) != nil {
                side = "client"
            } else {
                continue
            }
            seen.insert(side)
            #expect(Self.option(descriptor, SOL_SOCKET, SO_KEEPALIVE) == 1, "\(side)")
            #expect(Self.option(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT) > 0, "\(side)")
        }
        #expect(seen == ["upstream", "client"])
        await harness.stop()
        upstream.stop()
    }

    private static func port(
        _ descriptor: Int32,
        _ name: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> UInt16? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name(descriptor, $0, &length) }
        }
        return result == 0 && address.sin_family == sa_family_t(AF_INET) ? UInt16(bigEndian: address.sin_port) : nil
    }

    private static func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, level, name, &value, &length) == 0 ? value : -1
    }
}
