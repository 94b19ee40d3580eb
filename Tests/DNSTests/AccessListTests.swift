import DNS
import NetworkTypes
import Testing

@Suite("Who is answered about what") struct AccessListTests {
    private static func answers(_ lists: [AccessList]) -> Answers {
        var policy = AnswerPolicy()
        var block = ServerBlock()
        block.access = lists
        policy.blocks = [block]
        policy.forwardedZones = [ForwardedZone(servers: [UpstreamReplyTests.server])]
        policy.access = ClientAccess(limited: ["2001:db8::/32"].compactMap { CIDR($0) })
        return Answers(Answers.cluster([.address(QueryMessageTests.host, IPAddress(v4: 0x0a00_0001))]), policy: policy)
    }

    private static let query = Wire.query("A.cluster.local", edns: (1232, []))

    @Test(arguments: [
        (AccessList.Action.allow, "NOERROR 1"), (.block, "REFUSED 0"), (.filter, "NOERROR 0"), (.drop, "nothing"),
    ])
    func `each action does what it says, over UDP and TCP`(action: AccessList.Action, said: String) {
        let answers = Self.answers([AccessList(zones: [.root], rules: [.init(action)])])
        for isStream in [false, true] {
            answers.client.isStream = isStream
            let message = answers.message(Self.query)
            #expect(message.map { "\($0.code) \($0.answers.count)" } ?? "nothing" == said)
        }
    }

    @Test func `the first rule that fits decides, by name, type and network`() throws {
        let network = try #require(CIDR("10.0.0.0/8"))
        let answers = Self.answers([
            AccessList(zones: [Wire.name("example.com")], rules: [.init(.block)]),
            AccessList(
                zones: [Wire.name("cluster.local")],
                rules: [
                    .init(.allow, types: [.a], networks: [network]), .init(.filter, types: [.aaaa]), .init(.block),
                ]),
        ])
        answers.client.ip = try #require(IPAddress("10.1.2.3"))
        #expect(answers.message(Self.query)?.answers.count == 1)
        // An address of IPv4 that came through a socket of IPv6 is that address.
        answers.client.ip = try #require(IPAddress("::ffff:10.1.2.3"))
        #expect(answers.message(Self.query)?.answers.count == 1)
        answers.client.ip = try #require(IPAddress("192.168.0.1"))
        #expect(answers.message(Self.query)?.code == .refused)
        let empty = answers.message(Wire.query("a.cluster.local", .aaaa))
        #expect(empty?.code == .noError && empty?.authorities.isEmpty == true)
        // Names that no list covers are everybody's.
        guard case .resolve = answers.ask(Wire.query("other.example")).outcome else {
            Issue.record("it is not asked for")
            return
        }
        #expect(answers.message(Wire.query("example.com"))?.code == .refused)
    }
}
