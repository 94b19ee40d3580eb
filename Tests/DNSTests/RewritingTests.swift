import NetworkTypes
import Testing

@testable import DNS

@Suite("Rewritten questions, hosts and blocks") struct RewritingTests {
    private static func policy(_ block: ServerBlock) -> AnswerPolicy {
        var policy = AnswerPolicy()
        policy.blocks = [block]
        return policy
    }

    private static func rewriting(_ rules: QuestionRewrite...) -> AnswerPolicy {
        var block = ServerBlock()
        block.rewrites = rules
        return policy(block)
    }

    @Test(arguments: [
        (QuestionRewrite.Match.exact(Wire.name("api.example"), to: ResponderTests.web), "API.example"),
        (.suffix(".shop.example.", to: ".shop.svc.cluster.local."), "web.shop.example"),
        (.prefix("old-", to: ""), "old-web.shop.svc.cluster.local"),
        (.substring("nice", to: "shop"), "web.nice.svc.cluster.local"),
    ])
    func `the answer is another name's and speaks of the one that was asked`(
        match: QuestionRewrite.Match, name: String
    ) throws {
        let answers = Answers(ResponderTests.shop(), policy: Self.rewriting(QuestionRewrite(match)))
        let query = Wire.query(name)
        let message = try #require(answers.message(query))
        #expect(message.question == Array(query[12...]))
        #expect(
            message.answers == [.init(name: "\(Wire.name(name))", type: .a, ttl: 5, data: [10, 0, 0, 7])])
    }

    @Test func `a pattern's groups stand in what it becomes`() throws {
        let pattern = try NamePattern(#"^(\w+)\.my\.zone\.$"#)
        let rule = QuestionRewrite(.pattern(pattern, to: "{1}.shop.svc.cluster.local"))
        let answers = Answers(ResponderTests.shop(), policy: Self.rewriting(rule))
        #expect(try #require(answers.message(Wire.query("web.my.zone"))).answers.map(\.data) == [[10, 0, 0, 7]])
        #expect(try #require(answers.message(Wire.query("a.b.my.zone"))).code == .refused)
        #expect(pattern.replace("web.my.zone.", by: "{0}|{7}|{x}") == "web.my.zone.||{x}")
        #expect(throws: DNSError.self) { try NamePattern("(") }
    }

    @Test func `a rule that stops hides those behind it, and one that goes on does not`() throws {
        let toNobody = QuestionRewrite.Match.exact(Wire.name("a.example"), to: Wire.name("b.example"))
        let toWeb = QuestionRewrite.Match.exact(Wire.name("b.example"), to: ResponderTests.web)
        for continues in [true, false] {
            let answers = Answers(
                ResponderTests.shop(),
                policy: Self.rewriting(QuestionRewrite(toNobody, continues: continues), QuestionRewrite(toWeb)))
            let message = try #require(answers.message(Wire.query("a.example")))
            #expect(message.answers.isEmpty != continues)
        }
    }

    @Test func `a denial of a rewritten name has the zone's SOA, whole`() throws {
        let rule = QuestionRewrite(.suffix(".e.", to: ".shop.svc.cluster.local."))
        let answers = Answers(ResponderTests.shop(), policy: Self.rewriting(rule))
        let message = try #require(answers.message(Wire.query("nobody.e")))
        #expect(message.code == .nameError)
        #expect(message.authorities.map(\.name) == ["cluster.local."])
    }

    @Test func `another server is asked for the rewritten name, and its answer is made to fit`() throws {
        var block = ServerBlock()
        block.rewrites = [QuestionRewrite(.exact(Wire.name("a.example"), to: Wire.name("www.example.com")))]
        var policy = Self.policy(block)
        policy.forwardedZones = [ForwardedZone(servers: [ResolverStateTests.one])]
        let answers = Answers(ResponderTests.shop(), policy: policy)
        let query = Wire.query("a.example")
        guard case .resolve(let lookup, _) = answers.ask(query).outcome else {
            Issue.record("nobody is asked")
            return
        }
        #expect(lookup.name == Wire.name("www.example.com"))
        let reply = UpstreamReply.judge(
            UpstreamReplyTests.reply(
                id: 1, answers: [UpstreamReplyTests.record([0xc0, 12], .a, [192, 0, 2, 1])]
            ).span, for: lookup, id: 1)
        guard case .answer(let answer) = reply else {
            Issue.record("\(reply)")
            return
        }
        let message = try #require(answers.message(query, given: .answer(answer)))
        #expect(message.answers.map(\.name) == ["a.example."])
        #expect(message.answers.map(\.data) == [[192, 0, 2, 1]])
    }

    @Test func `rules for answers change the names that records are of and lead to`() throws {
        let rule = QuestionRewrite(
            .suffix(".my.zone.", to: ".shop.svc.cluster.local."),
            answerRules: [
                .target(try NamePattern(#"^(\w+)\.shop\.svc\.cluster\.local\.$"#), to: "{1}.my.zone"),
                .owner(try NamePattern(#"^(\w+)\.shop\.svc\.cluster\.local\.$"#), to: "{1}.my.zone"),
            ])
        let answers = Answers(ResponderTests.shop(), policy: Self.rewriting(rule))
        let alias = try #require(answers.message(Wire.query("near.my.zone")))
        #expect(alias.answers.map(\.name) == ["near.my.zone.", "web.my.zone."])
        #expect(alias.answers.first?.data == Wire.spelled("web.my.zone"))
        let service = try #require(answers.message(Wire.query("_http._tcp.web.my.zone", .srv)))
        #expect(service.answers.map { Array($0.data.dropFirst(6)) } == [Wire.spelled("web.my.zone")])
    }

    @Test func `an exact rule with a type asks for another type`() throws {
        let answers = Answers(
            ResponderTests.shop(), policy: Self.rewriting(QuestionRewrite(.type(.mx, to: .a))))
        let message = try #require(answers.message(Wire.query("web.shop.svc.cluster.local", .mx)))
        #expect(message.answers.map(\.type) == [.a])
    }

    // MARK: Hosts

    private static let hosts = [
        HostTable.Entry(
            ip: IPAddress(v4: 0xc000_0207), names: [Wire.name("seven.example"), Wire.name("sept.example")]),
        HostTable.Entry(ip: IPAddress(v4: 0xc000_0208), names: [Wire.name("seven.example")]),
    ]

    private func listed(_ fallsThrough: Bool, zones: [DomainName] = [.root]) -> Answers {
        var block = ServerBlock()
        block.hosts = [HostTable(Self.hosts, zones: zones, ttl: 60, fallsThrough: fallsThrough)]
        return Answers(ResponderTests.shop(), policy: Self.policy(block))
    }

    @Test func `hosts are answered with all of their addresses, and addresses with the first name`() throws {
        let answers = listed(true)
        let seven = try #require(answers.message(Wire.query("Seven.example")))
        #expect(Set(seven.answers.map(\.data)) == [[192, 0, 2, 7], [192, 0, 2, 8]])
        #expect(seven.answers.allSatisfy { $0.ttl == 60 } && seven.header.flags & 0x0400 != 0)
        let back = try #require(answers.message(Wire.query("7.2.0.192.in-addr.arpa", .ptr)))
        #expect(back.answers.map(\.data) == [Wire.spelled("seven.example")])
        let none = try #require(answers.message(Wire.query("sept.example", .aaaa)))
        #expect(none.code == .noError && none.answers.isEmpty)
    }

    @Test func `a name that is no host falls through where that is wanted, and within the table's zones only`() throws {
        #expect(try #require(listed(true).message(Wire.query("web.shop.svc.cluster.local"))).answers.count == 1)
        #expect(try #require(listed(false).message(Wire.query("web.shop.svc.cluster.local"))).code == .serverFailure)
        let other = listed(false, zones: [Wire.name("example")])
        #expect(try #require(other.message(Wire.query("web.shop.svc.cluster.local"))).answers.count == 1)
        #expect(try #require(other.message(Wire.query("nobody.example"))).code == .serverFailure)
    }

    // MARK: Blocks and forwarded zones

    @Test func `a question belongs to the block with the longest zone`() throws {
        var (wide, narrow) = (ServerBlock(), ServerBlock(zone: Wire.name("deep.example")))
        wide.hosts = [HostTable([.init(ip: .loopbackV4, names: [Wire.name("x.deep.example")])], fallsThrough: true)]
        narrow.log = QueryLogFilter()
        var policy = AnswerPolicy()
        policy.blocks = [wide, narrow]
        let answers = Answers(policy: policy)
        #expect(try #require(answers.message(Wire.query("x.deep.example"))).code == .refused)
        #expect(answers.responder.log != nil)
        _ = answers.message(Wire.query("x.example"))
        #expect(answers.responder.log == nil)
    }

    @Test func `a zone of others inside of the cluster's is asked for elsewhere`() throws {
        var policy = AnswerPolicy()
        policy.forwardedZones = [
            ForwardedZone(name: Wire.name("away.svc.cluster.local"), servers: [ResolverStateTests.one])
        ]
        let answers = Answers(ResponderTests.shop(), policy: policy)
        guard case .resolve = answers.ask(Wire.query("a.away.svc.cluster.local")).outcome else {
            Issue.record("it is not asked for")
            return
        }
        #expect(try #require(answers.message(Wire.query("nobody.svc.cluster.local"))).code == .nameError)
    }

    @Test func `a name is in its zone and in those above it, by whole labels`() {
        let name = WireName(Wire.name("a.b.example"))
        for zone in ["a.b.example", "b.example", "example", "."] { #expect(name.isWithin(Wire.name(zone)), "\(zone)") }
        for zone in ["x.a.b.example", "c.example", "xample", "ample"] {
            #expect(!name.isWithin(Wire.name(zone)), "\(zone)")
        }
        let zones = [".", "example", "b.example", "c.example"].map {
            ForwardedZone(name: Wire.name($0), servers: [ResolverStateTests.one])
        }
        #expect(zones.index(for: name) == 2)
        #expect(zones.index(for: WireName(Wire.name("other"))) == 0)
        #expect(Array(zones[1...]).index(for: WireName(Wire.name("other"))) == nil)
    }

    @Test func `a zone that is closed hides wider ones, and so does an exception`() throws {
        var outer = ForwardedZone(servers: [ResolverStateTests.one])
        outer.exceptions = [Wire.name("secret.example")]
        var policy = AnswerPolicy()
        let closed = ForwardedZone(name: Wire.name("inner.example"), servers: [])
        policy.forwardedZones = [outer, closed]
        let answers = Answers(policy: policy)
        for name in ["a.inner.example", "inner.example", "a.secret.example"] {
            #expect(try #require(answers.message(Wire.query(name))).code == .refused)
        }
        guard case .resolve = answers.ask(Wire.query("other.example")).outcome else {
            Issue.record("it is not asked for")
            return
        }
    }

    @Test func `answers keep their order where they are not to take turns`() throws {
        let name = Wire.name("many.shop.svc.cluster.local")
        let data = Answers.cluster((1...4).map { .address(name, IPAddress(v4: $0)) })
        var policy = AnswerPolicy()
        for rotates in [true, false] {
            policy.rotates = rotates
            let answers = Answers(data, policy: policy)
            let firsts = Set((0..<8).compactMap { _ in answers.message(Wire.query("\(name)"))?.answers.first?.data })
            #expect(firsts.count == (rotates ? 4 : 1))
        }
    }
}
