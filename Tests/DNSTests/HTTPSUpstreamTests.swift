import DNS
import NetworkTypes
import Synchronization
import Testing
import Transport

@Suite("Upstream servers over HTTPS") struct HTTPSUpstreamTests {
    /// A server of DNS over HTTPS; what it answers is for `reply` to say.
    private final class Peer: HTTPServerHandler {
        typealias Reply = @Sendable (HTTPRequest) -> HTTPResponse

        private let reply: Reply
        private let seen = Mutex<[HTTPRequest]>([])
        let authority: CertificateAuthority
        private let identity: TLSIdentity

        init(name: String, _ reply: @escaping Reply) throws {
            self.reply = reply
            authority = try CertificateAuthority.create(commonName: "test")
            let issued = try authority.issueServer(dnsNames: [name])
            identity = try TLSIdentity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
        }

        var requests: [HTTPRequest] { seen.withLock { $0 } }

        func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
            responder.withBody(of: request) { [self] request in
                seen.withLock { $0.append(request) }
                responder.send(reply(request))
            }
        }

        func listen(_ loops: [EventLoop], protocols: [String]) throws -> (HTTPServer, SocketAddress) {
            let context = try TLSContext(server: TLSCertificates(fallback: identity), protocols: protocols)
            let server = HTTPServer(
                loops: loops, configuration: HTTPServerConfiguration(tls: context), handler: self)
            guard case .tcp(let address) = try server.listen(.tcp(SocketAddress(ip: ServedNames.own, port: 0))) else {
                throw NameClient.Failure(what: "no address")
            }
            return (server, address)
        }
    }

    private final class HeardTroubles: UpstreamLog {
        private let heard = Mutex<[String]>([])
        var all: [String] { heard.withLock { $0 } }
        func record(_ trouble: UpstreamTrouble) {
            heard.withLock { $0.append("\(trouble.transport.name): \(trouble.cause)") }
        }
    }

    /// What of an asked name comes back: an address that its first label says.
    private static func answer(_ request: HTTPRequest, type: String = "application/dns-message") -> HTTPResponse {
        let question = request.body
        let last = question.count > 13 ? question[13] : 0
        // The question ends behind its type and class, which the first zero byte stands before.
        let end = (question[12...].firstIndex(of: 0) ?? 12) + 5
        let message =
            Wire.bytes16(0, 0x8180, 1, 1, 0, 0) + question[12..<end]
            + UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, [192, 0, 2, last])
        return HTTPResponse(status: 200, headers: ["Content-Type": type], body: message)
    }

    /// Asks a server by way of a peer, and says what was answered, what the peer saw and what was told.
    private static func ask(
        _ queries: [[UInt8]], certificate: String = "dns.example", name: String? = "dns.example",
        path: String = "/dns-query", protocols: [String] = ["h2"], reply: @escaping Peer.Reply = { answer($0) }
    ) async throws -> (answers: [Wire.Message], requests: [HTTPRequest], told: [String]) {
        let peer = try Peer(name: certificate, reply)
        let loops = try EventLoop.group(count: 1, name: "doh")
        let (server, address) = try peer.listen(loops, protocols: protocols)
        var policy = AnswerPolicy()
        policy.cache.bytes = 0
        var zone = ForwardedZone(servers: [address], maximumFailures: 0)
        zone.secured = [
            address: SecuredServer(name: name, authoritiesPEM: peer.authority.certificatePEM, path: path)
        ]
        policy.forwardedZones = [zone]
        let told = HeardTroubles()
        let names = try ServedNames(policy: policy) { NameServer(loops: $0, upstreamLog: told) }
        let client = try names.client(isStream: true)
        for query in queries { try client.ask(query) }
        var answers: [Wire.Message] = []
        for _ in queries { answers.append(try #require(try client.message())) }
        await names.stop()
        await server.shutdown(drain: .zero)
        for loop in loops { loop.stop() }
        return (answers, peer.requests, told.all)
    }

    @Test func `questions are posted as the RFC wants them, padded and without an id, many over one connection`()
        async throws
    {
        let queries = (0..<40).map {
            Wire.query("\(Character(UnicodeScalar(UInt8(97 + $0 % 26))))\($0).example.com", id: UInt16($0))
        }
        let (answers, requests, told) = try await Self.ask(queries)
        #expect(Set(answers.map(\.header.id)) == Set(0..<40))
        for answer in answers {
            // Each has its own answer: the byte is that of its name.
            #expect(answer.answers.map { $0.data.last } == [answer.question[1]])
        }
        #expect(requests.count == 40 && told.isEmpty)
        for request in requests {
            #expect(request.method == .post && request.target == "/dns-query" && request.version == .http2)
            #expect(request.headers["content-type"] == "application/dns-message")
            #expect(request.headers["accept"] == "application/dns-message")
            #expect(request.body.count == 128 && request.body.prefix(2) == [0, 0])
        }
    }

    @Test func `a path of one's own is kept`() async throws {
        let (answers, requests, _) = try await Self.ask([Wire.query("www.example.com")], path: "/a/b?c=d")
        #expect(answers.map(\.code) == [.noError] && requests.map(\.target) == ["/a/b?c=d"])
    }

    @Test(arguments: [
        ("dns.example", "other.example" as String?, "hostname mismatch"), ("dns.example", nil, "IP address mismatch"),
    ])
    func `a server that proves to be another one gets no question, and the log says why`(
        certificate: String, name: String?, cause: String
    ) async throws {
        let (answers, requests, told) = try await Self.ask(
            [Wire.query("www.example.com")], certificate: certificate, name: name)
        #expect(answers.map(\.code) == [.serverFailure] && requests.isEmpty)
        #expect(told.count == 1 && told[0].hasPrefix("HTTPS: the peer's certificate: ") && told[0].contains(cause))
    }

    @Test func `a server that speaks only HTTP/1 is not asked, and the log says why`() async throws {
        let (answers, requests, told) = try await Self.ask([Wire.query("www.example.com")], protocols: ["http/1.1"])
        #expect(answers.map(\.code) == [.serverFailure] && requests.isEmpty && told.count == 1)
    }

    static let bad: [(String, @Sendable (HTTPRequest) -> HTTPResponse, String)] = [
        ("another status", { _ in HTTPResponse(status: 404) }, "it answers with status 404"),
        ("another type", { answer($0, type: "text/html") }, "what it sends is no answer"),
        (
            "less than a header",
            { _ in HTTPResponse(status: 200, headers: ["Content-Type": "application/dns-message"], body: [0, 0, 1]) },
            "what it sends is no answer"
        ),
        (
            "an id",
            { request in
                var response = answer(request)
                response.body[0][1] = 1
                return response
            }, "what it sends is no answer"
        ),
        (
            "another question",
            { request in
                var response = answer(request)
                response.body[0][14] ^= 1
                return response
            }, "its answer is to something else"
        ),
        (
            "more than any message",
            { _ in
                HTTPResponse(
                    status: 200, headers: ["Content-Type": "application/dns-message"],
                    body: [UInt8](repeating: 0, count: 200_000))
            }, "its answer is too large"
        ),
    ]

    @Test(arguments: bad.indices)
    func `what is no answer is a failure whose cause is told once`(index: Int) async throws {
        let (what, reply, cause) = Self.bad[index]
        let queries = (0..<3).map { Wire.query("www\($0).example.com", id: UInt16($0)) }
        let (answers, _, told) = try await Self.ask(queries, reply: reply)
        #expect(answers.map(\.code) == [.serverFailure, .serverFailure, .serverFailure], "\(what)")
        #expect(told == ["HTTPS: \(cause)"], "\(what)")
    }

    @Test func `a media type may have parameters`() async throws {
        let (answers, _, _) = try await Self.ask([Wire.query("www.example.com")]) {
            Self.answer($0, type: "application/dns-message; charset=x")
        }
        #expect(answers.map(\.answers.count) == [1])
    }
}
