import DNS
import NetworkTypes
import Testing

@Suite("Queries as strangers send them") struct QueryMessageTests {
    static let host = Wire.name("a.cluster.local")

    static func answers() -> Answers { Answers(Answers.cluster([.address(host, IPAddress(v4: 0x0a00_0001))])) }

    /// The header of a query, then whatever.
    static func message(_ rest: [UInt8], _ counts: [UInt16] = [1, 0, 0, 0], flags: UInt16 = 0x0100) -> [UInt8] {
        Wire.bytes16(7, flags) + counts.flatMap { Wire.bytes16($0) } + rest
    }

    static let question = Wire.spelled("a.cluster.local") + Wire.bytes16(1, 1)
    static let opt: [UInt8] = [0] + Wire.bytes16(41, 1232, 0, 0, 0)

    static let malformed: [(String, [UInt8])] = [
        ("two questions", message(question + question, [2, 0, 0, 0])),
        ("no question", message([], [0, 0, 0, 0])),
        ("a name that does not end", message([2, 97])),
        ("a name that runs out", message([63, 97, 98])),
        ("a compressed name", message([0xc0, 12, 0, 1, 0, 1])),
        ("a pointer to itself", message([1, 97, 0xc0, 14, 0, 1, 0, 1])),
        ("a label of another kind", message([0x41, 1, 0, 0, 1, 0, 1])),
        ("a name of 257 bytes", message(longName + longName + [0, 0, 1, 0, 1])),
        ("no class", message(Wire.spelled("a.cluster.local") + [0, 1, 0])),
        ("bytes behind it", message(question + [0])),
        ("more records than there are", message(question, [1, 0, 0, 1])),
        ("two OPT records", message(question + opt + opt, [1, 0, 0, 2])),
        ("an OPT record of a name", message(question + [1, 97] + opt, [1, 0, 0, 1])),
        ("an OPT record among the answers", message(question + opt, [1, 1, 0, 0])),
        ("an option that runs out", extended(Wire.bytes16(8) + [0, 9])),
        ("half an option", extended([0, 8])),
        ("a cookie of 7 bytes", extended(Wire.bytes16(10, 7) + [UInt8](repeating: 1, count: 7))),
        ("nine records", message(question + [UInt8](repeating: 0, count: 99), [1, 0, 0, 9])),
    ]

    /// Two labels of 63 bytes.
    static let longName: [UInt8] = (0..<2).flatMap { _ in [63] + [UInt8](repeating: 97, count: 63) }

    static func extended(_ options: [UInt8]) -> [UInt8] {
        message(question + [0] + Wire.bytes16(41, 1232, 0, 0, UInt16(options.count)) + options, [1, 0, 0, 1])
    }

    @Test(arguments: malformed)
    func `a malformed query is answered with FORMERR and no records`(what: String, bytes: [UInt8]) throws {
        let answers = Self.answers()
        let message = try #require(answers.message(bytes))
        #expect(message.code == .formatError, "\(what)")
        #expect(message.header.id == 7 && message.answers.isEmpty, "\(what)")
    }

    static let refusedWithExtension: [(String, [UInt8])] = [
        ("two questions", message(question + question + opt, [2, 0, 0, 1])),
        ("no question", message(opt, [0, 0, 0, 1])),
        ("bytes behind it", message(question + opt + [0], [1, 0, 0, 1])),
        ("more records than there are", message(question + opt, [1, 0, 0, 2])),
        ("two OPT records", message(question + opt + opt, [1, 0, 0, 2])),
        ("an option that runs out", extended(Wire.bytes16(8) + [0, 9])),
        ("half an option", extended([0, 8])),
        ("an OPT record that is cut", Array(extended(Wire.bytes16(8, 2) + [1, 2]).dropLast())),
        ("a cookie of 7 bytes", extended(Wire.bytes16(10, 7) + [UInt8](repeating: 1, count: 7))),
        ("an update", message(question + opt, [1, 0, 0, 1], flags: 5 << 11)),
        ("an operation without a question", message(opt, [0, 0, 0, 1], flags: 6 << 11)),
        ("a class of nobody", Wire.query("a.cluster.local", class: 3, edns: (1232, []))),
        ("a type of nobody", Wire.query("a.cluster.local", .opt, edns: (1232, []))),
    ]

    @Test(arguments: refusedWithExtension)
    func `who sends an OPT record gets one, whatever else is wrong`(what: String, bytes: [UInt8]) throws {
        let message = try #require(Self.answers().message(bytes), "\(what)")
        #expect([.formatError, .notImplemented, .refused].contains(message.code), "\(what)")
        #expect(message.additional.map(\.type) == [.opt], "\(what)")
        #expect(message.additional.first?.ttl == 0 && message.additional.first?.name == ".", "\(what)")
    }

    @Test(arguments: [
        ("half of one", message(question + opt.prefix(9), [1, 0, 0, 1])),
        ("one among the answers", message(question + opt, [1, 1, 0, 0])),
        ("none", message(question, [1, 0, 0, 1])),
    ])
    func `who sends no OPT record gets none`(what: String, bytes: [UInt8]) throws {
        let message = try #require(Self.answers().message(bytes), "\(what)")
        #expect(message.code == .formatError && message.additional.isEmpty, "\(what)")
    }

    @Test func `what is no query is not answered`() {
        let answers = Self.answers()
        #expect(answers.ask([]).outcome == .drop)
        #expect(answers.ask([UInt8](repeating: 0, count: 11)).outcome == .drop)
        #expect(answers.ask(Self.message(Self.question, flags: 0x8180)).outcome == .drop)
    }

    @Test(arguments: [UInt16(1), 2, 4, 5, 6, 15])
    func `an operation other than a query is not implemented`(opcode: UInt16) throws {
        let answers = Self.answers()
        let message = try #require(answers.message(Self.message(Self.question, flags: opcode << 11)))
        #expect(message.code == .notImplemented)
        #expect(message.header.opcode == opcode)
    }

    @Test(arguments: [
        (RecordType.a, UInt16(3), ResponseCode.refused), (.a, 255, .refused), (.a, 254, .refused), (.axfr, 1, .refused),
        (.ixfr, 1, .refused), (.opt, 1, .notImplemented), (RecordType(rawValue: 253), 1, .notImplemented),
        (RecordType(rawValue: 0), 1, .notImplemented), (RecordType(rawValue: 65_280), 1, .noError),
    ])
    func `classes and types that nobody answers here are refused`(
        type: RecordType, recordClass: UInt16, code: ResponseCode
    ) {
        let answers = Self.answers()
        #expect(answers.message(Wire.query("a.cluster.local", type, class: recordClass))?.code == code)
    }

    @Test func `EDNS is answered with EDNS, and only then`() throws {
        let answers = Self.answers()
        let unknown = Wire.bytes16(65_001, 3) + [1, 2, 3]
        let message = try #require(
            answers.message(Wire.query("a.cluster.local", edns: (4096, unknown), signatures: true)))
        let opt = try #require(message.additional.first)
        #expect(opt.type == .opt && opt.ttl == 0x8000 && opt.data.isEmpty)
        #expect(answers.message(Wire.query("a.cluster.local"))?.additional.isEmpty == true)
    }

    @Test func `another version of EDNS is told which one there is`() throws {
        let answers = Self.answers()
        let message = try #require(answers.message(Wire.query("a.cluster.local", edns: (1232, []), version: 1)))
        #expect(message.code == .badVersion)
        #expect(message.answers.isEmpty)
        #expect(message.additional.first.map { $0.ttl >> 16 & 0xff } == 0)
    }

    @Test func `a cookie comes back with a server part that holds for this client alone`() throws {
        let client: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        let answers = Self.answers()
        let first = try #require(
            answers.message(Wire.query("a.cluster.local", edns: (1232, Wire.bytes16(10, 8) + client))))
        let option = try #require(first.additional.first?.data)
        #expect(Array(option.prefix(12)) == Wire.bytes16(10, 24) + client)
        #expect(option.count == 28)
        let cookies = ServerCookie(key0: 1, key1: 2)
        func isValid(_ cookie: [UInt8], _ ip: IPAddress, _ now: UInt32) -> Bool {
            cookies.isValid(cookie.span, 0..<cookie.count, client: ip, now: now)
        }
        let cookie = Array(option[4...])
        let now = answers.now.wall
        #expect(isValid(cookie, .loopbackV4, now))
        #expect(isValid(cookie, .loopbackV4, now + 3600))
        #expect(!isValid(cookie, .loopbackV4, now + 3601))
        #expect(!isValid(cookie, .loopbackV4, now - 301))
        #expect(!isValid(cookie, .loopbackV6, now))
        for index in cookie.indices {
            var other = cookie
            other[index] ^= 1
            #expect(!isValid(other, .loopbackV4, now), "byte \(index)")
        }
        // A cookie alone is a question too.
        let alone = try #require(
            answers.message(Self.message([0] + Wire.bytes16(41, 1232, 0, 0, 12, 10, 8) + client, [0, 0, 0, 1])))
        #expect(alone.code == .noError && alone.additional.first?.data.count == 28)
    }

    @Test func `SipHash gives its authors' values`() {
        let hash = SipHash(key0: 0x0706_0504_0302_0100, key1: 0x0f0e_0d0c_0b0a_0908)
        #expect(hash.hash([UInt8]().span) == 0x726f_db47_dd0e_0e31)
        #expect(hash.hash(Array(UInt8(0)..<15).span) == 0xa129_ca61_49be_45e5)
    }

    @Test func `strangers get nothing over UDP, and a refusal over TCP`() {
        let answers = Self.answers()
        answers.client.ip = IPAddress(v4: 0x0808_0808)
        #expect(answers.ask(Wire.query("a.cluster.local")).outcome == .drop)
        answers.client.isStream = true
        #expect(answers.message(Wire.query("a.cluster.local"))?.code == .refused)
    }

    @Test func `a network that is let in gets answers at a rate, the others in part cut short`() throws {
        let answers = Self.answers()
        var policy = AnswerPolicy()
        policy.access = ClientAccess(limited: [CIDR("8.0.0.0/8")].compactMap { $0 })
        policy.rateLimit = 5
        answers.responder.setPolicy(policy)
        answers.client.ip = IPAddress(v4: 0x0808_0808)
        var outcomes: [String] = []
        for _ in 0..<9 {
            let message = answers.message(Wire.query("a.cluster.local"))
            outcomes.append(message.map { $0.header.isTruncated ? "short" : "answer" } ?? "nothing")
        }
        #expect(outcomes.prefix(5) == ["answer", "answer", "answer", "answer", "answer"])
        #expect(outcomes.suffix(4) == ["nothing", "short", "nothing", "short"])
        answers.client.isStream = true
        #expect(answers.message(Wire.query("a.cluster.local"))?.answers.count == 1)
        answers.client.isStream = false
        answers.now.monotonic += 1
        #expect(answers.message(Wire.query("a.cluster.local"))?.answers.count == 1)
    }

    @Test func `who writes private addresses is answered at a rate of its own, this machine at any`() {
        let answers = Self.answers()
        var policy = AnswerPolicy()
        policy.rateLimit = 1
        policy.nearRateLimit = 3
        answers.responder.setPolicy(policy)
        for (ip, count) in [(0x0a00_0001, 3), (0xc0a8_0101, 3), (0x7f00_0001, 8)] as [(UInt32, Int)] {
            answers.client.ip = IPAddress(v4: ip)
            let whole = (0..<8).filter { _ in
                answers.message(Wire.query("a.cluster.local")).map { !$0.header.isTruncated } ?? false
            }
            #expect(whole.count == count)
        }
        #expect(answers.responder.accounts.rateLimited == 10)
    }
}
