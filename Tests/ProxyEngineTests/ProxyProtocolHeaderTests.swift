import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("The PROXY protocol says who the client is") struct ProxyProtocolHeaderTests {
    private static func parse(_ bytes: [UInt8]) -> ProxyProtocolHeader.Parsed {
        bytes.withUnsafeBufferPointer { ProxyProtocolHeader.parse($0) }
    }

    private static func binary(_ command: UInt8, _ family: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, command, family, UInt8(payload.count >> 8)]
            + [UInt8(payload.count & 255)] + payload
    }

    private static let v4: [UInt8] = [203, 0, 113, 7, 10, 0, 0, 1, 0x30, 0x39, 0, 80]

    @Test func `both versions are read, with what follows left alone`() {
        let line = "PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\n"
        let source = SocketAddress("203.0.113.7:12345")
        #expect(
            Self.parse(Array("\(line)GET /".utf8)) == .complete(.init(byteCount: line.utf8.count, source: source)))
        #expect(
            Self.parse(Array("PROXY TCP6 2001:db8::7 ::1 1 2\r\n".utf8))
                == .complete(.init(byteCount: 32, source: SocketAddress("[2001:db8::7]:1"))))
        #expect(
            Self.parse(Array("PROXY UNKNOWN whatever\r\nGET".utf8)) == .complete(.init(byteCount: 24, source: nil)))
        #expect(Self.parse(Self.binary(0x21, 0x11, Self.v4) + [1]) == .complete(.init(byteCount: 28, source: source)))
        // With an addition (TLV), as balancers send.
        #expect(
            Self.parse(Self.binary(0x21, 0x11, Self.v4 + [4, 0, 1, 0]))
                == .complete(.init(byteCount: 32, source: source)))
        #expect(Self.parse(Self.binary(0x20, 0, [])) == .complete(.init(byteCount: 16, source: nil)))
        let v6 = [0x20, 1, 0x0D, 0xB8] + Array(repeating: UInt8(0), count: 11) + [7]
        #expect(
            Self.parse(Self.binary(0x21, 0x21, v6 + v6 + [0, 1, 0, 2]))
                == .complete(.init(byteCount: 52, source: SocketAddress("[2001:db8::7]:1"))))
    }

    @Test func `every beginning of a header is one`() {
        for bytes in [Array("PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\n".utf8), Self.binary(0x21, 0x11, Self.v4)] {
            for count in 0..<bytes.count { #expect(Self.parse(Array(bytes[..<count])) == .incomplete) }
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "PROXY TCP4 203.0.113.7 10.0.0.1 12345\r\n", "PROXY TCP4 203.0.113.7 10.0.0.1 1 2 3\r\n",
        "PROXY TCP4 2001:db8::7 ::1 1 2\r\n", "PROXY TCP6 203.0.113.7 10.0.0.1 1 2\r\n",
        "PROXY TCP4 203.0.113.7 10.0.0.1 99999 80\r\n", "PROXY TCP4 203.0.113.7 10.0.0.1 1 80\n",
        "PROXY  TCP4 203.0.113.7 10.0.0.1 1 80\r\n", "PROXY TCP4 203.0.113.999 10.0.0.1 1 80\r\n",
        "PROXY UDP4 203.0.113.7 10.0.0.1 1 80\r\n", "proxy TCP4 203.0.113.7 10.0.0.1 1 80\r\n",
        "PROXY UNKNOWN \(String(repeating: "x", count: 120))\r\n",
    ])
    func `another line is refused`(line: String) {
        #expect(Self.parse(Array(line.utf8)) == .invalid)
    }

    @Test func `another binary header is refused`() {
        #expect(Self.parse(Self.binary(0x11, 0x11, Self.v4)) == .invalid)
        #expect(Self.parse(Self.binary(0x22, 0x11, Self.v4)) == .invalid)
        #expect(Self.parse(Self.binary(0x21, 0x41, Self.v4)) == .invalid)
        #expect(Self.parse(Self.binary(0x21, 0x11, Array(Self.v4.dropLast()))) == .invalid)
        #expect(Self.parse(Self.binary(0x21, 0x11, Array(repeating: 0, count: 5000))) == .invalid)
    }

    @Test(arguments: ["PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\n", ""])
    func `a listener that wants one takes the client's address from it, and nobody without`(line: String) async throws {
        let upstream = FakeUpstream()
        let listener = ProxyConfiguration.Listener(
            address: SocketAddress(ip: .loopbackV4, port: 0), scheme: .http, expectsProxyProtocol: true)
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.listeners = [listener]
        let harness = try EngineHarness(configuration)
        let port = try #require(harness.engine.boundAddresses[listener]).port.rawValue
        let socket = TestSocket(connectingTo: port)
        // In pieces, since no segment has to hold all of it.
        let request = "\(line)GET /echo HTTP/1.1\r\nHost: a.example\r\n\r\n"
        socket.send(String(request.prefix(9)))
        socket.send(String(request.dropFirst(9)))
        let response = socket.readResponse()
        if line.isEmpty {
            #expect(response == nil)
            #expect(upstream.requests.isEmpty)
        } else {
            #expect(response?.text.contains("X-Forwarded-For: 203.0.113.7\n") == true)
            #expect(response?.text.contains("X-Real-IP: 203.0.113.7\n") == true)
        }
        await harness.stop()
        upstream.stop()
    }
}
