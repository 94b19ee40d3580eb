import NetworkTypes
import Testing

@testable import DNS

@Suite("Answers from zone data") struct ResponderTests {
    static let web = Wire.name("web.shop.svc.cluster.local")

    static func shop() -> ZoneData {
        Answers.cluster([
            .address(web, IPAddress(v4: 0x0a00_0007)),
            .service(
                Wire.name("_http._tcp.web.shop.svc.cluster.local"), weight: 100, port: 80, target: web),
            .pointer(.reverse(of: IPAddress(v4: 0x0a00_0007)), to: web),
            .alias(Wire.name("away.shop.svc.cluster.local"), of: Wire.name("www.example.com")),
            .alias(Wire.name("near.shop.svc.cluster.local"), of: web),
            .alias(Wire.name("ring.shop.svc.cluster.local"), of: Wire.name("ring.shop.svc.cluster.local")),
            .text(Wire.name("dns-version.cluster.local"), "1.1.0"),
        ])
    }

    @Test func `an address is answered with the query's id, flags and case`() throws {
        let answers = Answers(Self.shop())
        let query = Wire.query("WeB.shop.SVC.cluster.local")
        let message = try #require(answers.message(query))
        #expect(message.header.id == 0x1234)
        #expect(message.header.flags == 0x8500)
        #expect(message.question == Array(query[12...]))
        #expect(message.answers == [.init(name: "\(Self.web)", type: .a, ttl: 5, data: [10, 0, 0, 7])])
        #expect(message.authorities.isEmpty && message.additional.isEmpty)
    }

    @Test(arguments: [
        ("nobody.shop.svc.cluster.local", ResponseCode.nameError), ("a.web.shop.svc.cluster.local", .nameError),
        ("shop.svc.cluster.local", .noError), ("svc.cluster.local", .noError), ("cluster.local", .noError),
        ("_tcp.web.shop.svc.cluster.local", .noError), ("_udp.web.shop.svc.cluster.local", .nameError),
        ("other.svc.cluster.local", .nameError),
    ])
    func `a name that does not exist is told from one without such records`(
        name: String, code: ResponseCode
    ) throws {
        let answers = Answers(Self.shop())
        let message = try #require(answers.message(Wire.query(name, .aaaa)))
        #expect(message.code == code)
        #expect(message.answers.isEmpty)
        let soa = try #require(message.authorities.first)
        #expect(soa.name == "cluster.local." && soa.type == .soa && soa.ttl == 3)
        #expect(message.header.flags & 0x0400 != 0)
    }

    @Test func `a block without the zones knows none of their names, and forwards or refuses them`() throws {
        var policy = AnswerPolicy()
        var without = ServerBlock()
        without.answersFromZones = false
        policy.blocks = [without, ServerBlock(zone: Wire.name("shop.svc.cluster.local"))]
        policy.answersFromZones = false
        #expect(policy.answersFromAnyZone)
        let answers = Answers(Self.shop(), policy: policy)
        #expect(answers.message(Wire.query("web.shop.svc.cluster.local"))?.answers.count == 1)
        for name in [
            "dns-version.cluster.local", "cluster.local", "7.0.0.10.in-addr.arpa", "1-2-3-4.shop.pod.cluster.local",
        ] {
            let message = try #require(answers.message(Wire.query(name)))
            #expect(message.code == .refused && message.authorities.isEmpty && message.header.flags & 0x0400 == 0)
        }
        policy.forwardedZones = [ForwardedZone(servers: [SocketAddress(ip: .loopbackV4, port: 53)])]
        answers.responder.setPolicy(policy)
        guard case .resolve(let lookup, _) = answers.ask(Wire.query("dns-version.cluster.local", .txt)).outcome else {
            Issue.record("nobody is asked")
            return
        }
        #expect(lookup.name == Wire.name("dns-version.cluster.local"))
        // Questions in no block at all.
        policy.blocks = []
        policy.forwardedZones = []
        answers.responder.setPolicy(policy)
        #expect(answers.message(Wire.query("web.shop.svc.cluster.local"))?.code == .refused)
        #expect(!policy.answersFromAnyZone)
    }

    @Test func `a name is gone with its last record, and so are the empty ones above it`() throws {
        var data = Self.shop()
        data.names.apply(
            removing: [
                .service(Wire.name("_http._tcp.web.shop.svc.cluster.local"), weight: 100, port: 80, target: Self.web)
            ],
            adding: [])
        let answers = Answers(data)
        #expect(answers.message(Wire.query("_tcp.web.shop.svc.cluster.local"))?.code == .nameError)
        #expect(answers.message(Wire.query("web.shop.svc.cluster.local"))?.code == .noError)
        data.names.apply(removing: data.names.nodes.flatMap(\.records), adding: [])
        #expect(data.names.nodes.map(\.name) == [Wire.name("cluster.local")])
    }

    @Test func `SRV is answered with its target's address`() throws {
        let answers = Answers(Self.shop())
        let message = try #require(answers.message(Wire.query("_http._tcp.web.shop.svc.cluster.local", .srv)))
        #expect(message.answers.map(\.data) == [[0, 0, 0, 100, 0, 80] + Self.web.wire])
        #expect(message.additional == [.init(name: "\(Self.web)", type: .a, ttl: 5, data: [10, 0, 0, 7])])
    }

    @Test func `a reverse name of ours is answered, any other one is somebody else's`() throws {
        var policy = AnswerPolicy()
        policy.forwardedZones = [ForwardedZone(servers: [ResolverStateTests.one])]
        let answers = Answers(Self.shop(), policy: policy)
        let ours = try #require(answers.message(Wire.query("7.0.0.10.in-addr.arpa", .ptr)))
        #expect(ours.answers.map(\.data) == [Self.web.wire])
        for name in ["8.0.0.10.in-addr.arpa", "0.0.10.in-addr.arpa", "in-addr.arpa"] {
            #expect(
                answers.ask(Wire.query(name, .ptr)).outcome
                    == .resolve(Lookup(name: Wire.name(name), type: .ptr), hasStale: false))
        }
    }

    @Test func `a CNAME is followed inside of the zone`() throws {
        let answers = Answers(Self.shop())
        let message = try #require(answers.message(Wire.query("near.shop.svc.cluster.local")))
        #expect(message.answers.map(\.type) == [.cname, .a])
        #expect(message.answers.last?.name == "\(Self.web)")
        let direct = try #require(answers.message(Wire.query("near.shop.svc.cluster.local", .cname)))
        #expect(direct.answers.map(\.type) == [.cname])
        #expect(answers.message(Wire.query("ring.shop.svc.cluster.local"))?.code == .serverFailure)
    }

    @Test func `a CNAME to elsewhere is followed upstream, and the whole chain answered`() throws {
        var policy = AnswerPolicy()
        policy.forwardedZones = [ForwardedZone(servers: [ResolverStateTests.one])]
        let answers = Answers(Self.shop(), policy: policy)
        let query = Wire.query("away.shop.svc.cluster.local")
        #expect(
            answers.ask(query).outcome
                == .resolve(Lookup(name: Wire.name("www.example.com"), type: .a), hasStale: false))
        let kept =
            Wire.bytes16(0, 0x8180, 1, 1, 0, 0) + Wire.spelled("www.example.com") + Wire.bytes16(1, 1)
            + Wire.bytes16(0xc00c, 1, 1, 0, 60, 4) + [192, 0, 2, 53]
        let answer = UpstreamAnswer(message: kept, ttl: 60, code: .noError, isDenial: false)
        let message = try #require(answers.message(query, given: .answer(answer)))
        #expect(
            message.answers == [
                .init(
                    name: "away.shop.svc.cluster.local.", type: .cname, ttl: 5, data: Wire.spelled("www.example.com")),
                .init(name: "www.example.com.", type: .a, ttl: 60, data: [192, 0, 2, 53]),
            ])
        // Where nobody is asked, the CNAME alone is the answer.
        let alone = Answers(Self.shop())
        #expect(alone.message(query)?.answers.map(\.type) == [.cname])
        #expect(alone.message(query)?.code == .noError)
    }

    @Test(arguments: [
        ("10-1-2-3.shop.pod.cluster.local", RecordType.a, ResponseCode.noError, [UInt8]([10, 1, 2, 3])),
        ("10-1-2-3.shop.pod.cluster.local", .aaaa, .noError, []),
        (
            "2001-db8--7.shop.pod.cluster.local", .aaaa, .noError,
            [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [7]
        ),
        ("10-1-2.shop.pod.cluster.local", .a, .nameError, []), ("10-1-2-3.none.pod.cluster.local", .a, .nameError, []),
        ("10-1-2-333.shop.pod.cluster.local", .a, .nameError, []),
        ("a.10-1-2-3.shop.pod.cluster.local", .a, .nameError, []),
        ("shop.pod.cluster.local", .a, .noError, []), ("pod.cluster.local", .a, .noError, []),
    ])
    func `an address spelled as a label stands for itself in a namespace that exists`(
        name: String, type: RecordType, code: ResponseCode, data: [UInt8]
    ) throws {
        var zone = Self.shop()
        zone.names.pin(Wire.name("shop.pod.cluster.local"))
        let answers = Answers(zone)
        let message = try #require(answers.message(Wire.query(name, type)))
        #expect(message.code == code)
        #expect(message.answers.map(\.data) == (data.isEmpty ? [] : [data]))
    }

    @Test func `records of one name take turns at being the first`() throws {
        let addresses = (1...3).map { IPAddress(v4: 0x0a00_0000 + $0) }
        let answers = Answers(Answers.cluster(addresses.map { .address(Self.web, $0) }))
        let query = Wire.query("web.shop.svc.cluster.local")
        let firsts = (0..<3).compactMap { _ in answers.message(query)?.answers.first?.data.last }
        #expect(Set(firsts) == [1, 2, 3])
        #expect(Set(answers.message(query)?.answers.map { $0.data.last } ?? []) == [1, 2, 3])
    }

    @Test func `what has no room in a datagram is cut between records, with TC, and whole over TCP`() throws {
        let addresses = (1...100).map { IPAddress(v4: 0x0a00_0000 + $0) }
        let answers = Answers(Answers.cluster(addresses.map { .address(Self.web, $0) }))
        let short = answers.ask(Wire.query("web.shop.svc.cluster.local")).bytes
        #expect(short.count <= 512 && short.count > 480)
        let message = try #require(Wire.Message(short))
        #expect(message.header.isTruncated && message.answers.count == (512 - 44) / 16)
        let large = answers.ask(Wire.query("web.shop.svc.cluster.local", edns: (4096, []))).bytes
        #expect(large.count <= 1232 && large.count > 1180)
        #expect(Wire.Message(large)?.additional.map(\.type) == [.opt])
        answers.client.isStream = true
        let whole = try #require(answers.message(Wire.query("web.shop.svc.cluster.local")))
        #expect(!whole.header.isTruncated && whole.answers.count == 100)
    }

    @Test func `additional records that have no room do not cut the answer`() throws {
        let port = Wire.name("_http._tcp.web.shop.svc.cluster.local")
        let hosts = (1...7).compactMap { Self.web.prefixed(by: "host-\($0)") }
        let records = hosts.flatMap { host in
            [ZoneRecord.service(port, weight: 14, port: 80, target: host), .address(host, IPAddress(v4: 0x0a00_0001))]
        }
        let answers = Answers(Answers.cluster(records))
        let message = try #require(answers.message(Wire.query("_http._tcp.web.shop.svc.cluster.local", .srv)))
        #expect(!message.header.isTruncated)
        #expect(message.answers.count == 7 && message.additional.count < 7)
    }

    @Test func `ANY is answered with one record`() throws {
        let answers = Answers(Self.shop())
        let message = try #require(answers.message(Wire.query("web.shop.svc.cluster.local", .any)))
        #expect(message.answers.map(\.type) == [.hinfo])
        #expect(answers.message(Wire.query("nobody.svc.cluster.local", .any))?.code == .nameError)
    }

    @Test func `the SOA record is the zone's`() throws {
        let answers = Answers(Self.shop())
        let message = try #require(answers.message(Wire.query("cluster.local", .soa)))
        #expect(message.answers.first?.data.suffix(20).prefix(4) == [0, 0, 0, 9])
        #expect(
            answers.message(Wire.query("dns-version.cluster.local", .txt))?.answers.first?.data == [5]
                + Array("1.1.0".utf8))
    }

    @Test func `what nobody here speaks for is refused`() throws {
        let answers = Answers(Self.shop())
        #expect(answers.message(Wire.query("example.com"))?.code == .refused)
        var policy = AnswerPolicy()
        policy.forwardedZones = [ForwardedZone(servers: [ResolverStateTests.one])]
        answers.responder.setPolicy(policy)
        // Without RD nobody is asked.
        #expect(answers.message(Wire.query("example.com", flags: 0))?.code == .refused)
    }

    @Test func `what was fetched for a name that is no longer asked for is not answered`() throws {
        var policy = AnswerPolicy()
        policy.forwardedZones = [ForwardedZone(servers: [ResolverStateTests.one])]
        let kept =
            Wire.bytes16(0, 0x8180, 1, 1, 0, 0) + Wire.spelled("www.example.com") + Wire.bytes16(1, 1)
            + Wire.bytes16(0xc00c, 1, 1, 0, 60, 4) + [192, 0, 2, 53]
        let answer = UpstreamAnswer(message: kept, ttl: 60, code: .noError, isDenial: false)
        let query = Wire.query("away.shop.svc.cluster.local")
        // The alias leads elsewhere meanwhile.
        let answers = Answers(
            Answers.cluster([.alias(Wire.name("away.shop.svc.cluster.local"), of: Wire.name("other.example.org"))]),
            policy: policy)
        let moved = try #require(answers.message(query, given: .answer(answer)))
        #expect(moved.code == .serverFailure && moved.answers.map(\.type) == [.cname])
        // Or nobody here speaks for the name any more.
        let gone = try #require(Answers(policy: policy).message(query, given: .answer(answer)))
        #expect(gone.code == .serverFailure && gone.answers.isEmpty && gone.authorities.isEmpty)
        let short = try #require(Answers(policy: policy).message(Wire.query("w.example.com"), given: .answer(answer)))
        #expect(short.code == .serverFailure && short.answers.isEmpty)
    }

    @Test func `the rate is divided by the loops, the cache is one for all`() {
        var policy = AnswerPolicy()
        policy.cache.bytes = 1 << 20
        policy.rateLimit = 10
        #expect(policy.share(of: 4).cache.bytes == 1 << 20 && policy.share(of: 4).rateLimit == 2)
        #expect(policy.share(of: 64).rateLimit == 1)
        policy.rateLimit = 0
        #expect(policy.share(of: 4).rateLimit == 0)
    }
}
