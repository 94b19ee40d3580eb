import DNS
import Glibc
import NetworkTypes
import Testing
import Transport

@Suite("Upstream servers over TLS") struct SecuredUpstreamTests {
    /// A server that is asked over TLS; the test says what it answers.
    private final class Peer {
        let address: SocketAddress
        let authority: CertificateAuthority
        private let listener: Int32
        private let context: TLSContext
        private var socket: StreamSocket?
        private(set) var connections = 0

        init(name: String) throws {
            authority = try CertificateAuthority.create(commonName: "test")
            let issued = try authority.issueServer(dnsNames: [name])
            let identity = try TLSIdentity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
            context = try TLSContext(server: TLSCertificates(fallback: identity), protocols: ["dot"])
            listener = try Socket.listen(SocketAddress(ip: ServedNames.own, port: 0))
            address = Socket.localAddress(listener) ?? SocketAddress(ip: ServedNames.own, port: 0)
        }

        deinit {
            hangUp()
            Socket.close(listener)
        }

        func hangUp() {
            socket?.tls?.free()
            if let socket { Socket.close(socket.descriptor) }
            socket = nil
        }

        /// Takes the next connection, which must prove to be TLS; false where the client refuses the server.
        func accept() throws -> Bool {
            while true {
                try NameClient.wait(listener, POLLIN)
                guard case .connection(let descriptor, _) = Socket.accept(listener) else { continue }
                let session = try context.session(descriptor: descriptor)
                socket = StreamSocket(descriptor: descriptor, tls: session)
                connections += 1
                while true {
                    switch session.handshake() {
                    case .complete: return true
                    case .wouldBlock: try NameClient.wait(descriptor, POLLIN)
                    case .failed: return false
                    }
                }
            }
        }

        /// The next message.
        func receive() throws -> [UInt8] {
            guard let socket else { throw NameClient.Failure(what: "nobody is connected") }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                switch buffer.withUnsafeMutableBytes({ socket.read(into: $0) }) {
                case .bytes(let count): bytes += buffer[..<count]
                case .wouldBlock: try NameClient.wait(socket.descriptor, POLLIN)
                case .closed, .failed: throw NameClient.Failure(what: "the connection ended")
                }
                if bytes.count >= 2, bytes.count >= 2 + Int(bytes.span.u16(at: 0)) { return Array(bytes[2...]) }
            }
        }

        /// Reads what is there; false when the client has ended the connection.
        func isOpen() throws -> Bool {
            guard let socket else { return false }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                switch buffer.withUnsafeMutableBytes({ socket.read(into: $0) }) {
                case .bytes: continue
                case .wouldBlock: return true
                case .closed, .failed: return false
                }
            }
        }

        func answer(_ question: [UInt8], _ address: [UInt8]) {
            let reply = UpstreamReplyTests.reply(
                id: question.span.u16(at: 0),
                answers: [UpstreamReplyTests.record([0xc0, 12], .a, address)])
            let frame = NameClient.framed(reply)
            _ = frame.withUnsafeBytes { socket?.write($0) }
        }
    }

    private func served(
        by peer: Peer, as name: String, idleTimeout: Duration = .seconds(3600)
    ) throws -> ServedNames {
        var policy = AnswerPolicy()
        // Nothing is kept, so that every question is asked.
        policy.cache.bytes = 0
        // Asked however often it fails.
        var zone = ForwardedZone(servers: [peer.address], maximumFailures: 0)
        zone.secured = [peer.address: SecuredServer(name: name, authoritiesPEM: peer.authority.certificatePEM)]
        policy.forwardedZones = [zone]
        return try ServedNames(policy: policy) { NameServer(loops: $0, idleTimeout: idleTimeout) }
    }

    @Test func `questions share a connection, and their length tells nothing`() async throws {
        let peer = try Peer(name: "dns.example")
        let names = try served(by: peer, as: "dns.example")
        let client = try names.client()
        for turn in 1...3 {
            try client.ask(Wire.query("www.example.com"))
            if turn == 1 { #expect(try peer.accept()) }
            let question = try peer.receive()
            #expect(question.count == 128)
            peer.answer(question, [192, 0, 2, UInt8(turn)])
            #expect(try client.message()?.answers.map(\.data) == [[192, 0, 2, UInt8(turn)]])
        }
        #expect(peer.connections == 1)
        #expect(await names.server.counters().upstream.servers[peer.address]?.failures == 0)
        await names.stop()
    }

    @Test func `a connection that nothing comes from ends, however much is asked over it`() async throws {
        let peer = try Peer(name: "dns.example")
        let names = try served(by: peer, as: "dns.example", idleTimeout: .milliseconds(100))
        let client = try names.client()
        try client.ask(Wire.query("www0.example.com"))
        #expect(try peer.accept())
        var count = 0
        while try peer.isOpen() {
            count += 1
            // Far more often than a connection would be taken for idle, and less often than one takes messages.
            try client.ask(Wire.query("www\(count).example.com"))
            try await Task.sleep(for: .milliseconds(20))
            try #require(count < 60, "questions keep a dead connection")
        }
        await names.stop()
    }

    @Test func `a connection that has ended is replaced by another one`() async throws {
        let peer = try Peer(name: "dns.example")
        let names = try served(by: peer, as: "dns.example")
        let client = try names.client()
        for turn in 1...2 {
            try client.ask(Wire.query("www.example.com"))
            #expect(try peer.accept())
            peer.answer(try peer.receive(), [192, 0, 2, UInt8(turn)])
            #expect(try client.message()?.answers.map(\.data) == [[192, 0, 2, UInt8(turn)]])
            peer.hangUp()
        }
        #expect(peer.connections == 2)
        await names.stop()
    }

    @Test func `a server that proves to be another one gets no question`() async throws {
        let peer = try Peer(name: "dns.example")
        let names = try served(by: peer, as: "other.example")
        let client = try names.client()
        try client.ask(Wire.query("www.example.com"))
        // The server sees the end of the handshake before it knows that it is refused.
        if try peer.accept() { #expect(throws: NameClient.Failure.self) { try peer.receive() } }
        peer.hangUp()
        if try peer.accept() { #expect(throws: NameClient.Failure.self) { try peer.receive() } }
        peer.hangUp()
        #expect(try client.message()?.code == .serverFailure)
        await names.stop()
    }

    @Test func `no question goes to such a server in the clear, not even a probe`() {
        let stage = ResolverStateTests.Stage()
        var zone = ForwardedZone(servers: [ResolverStateTests.one])
        zone.secured = [ResolverStateTests.one: SecuredServer(name: "dns.example")]
        stage.state.setZones([zone])
        for number in 0..<3 {
            stage.ask(number, Lookup(name: Wire.name("\(number).example.com"), type: .a))
            for attempt in stage.open.keys.sorted() { stage.fail(attempt) }
        }
        for _ in 0..<20 { stage.pass(2000) }
        #expect(stage.transports.count > 6)
        #expect(stage.transports.allSatisfy { $0.isSecured })
    }
}
