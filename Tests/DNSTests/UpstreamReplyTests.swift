import DNS
import NetworkTypes
import Testing

@Suite("What is believed of an upstream server's answer") struct UpstreamReplyTests {
    static let lookup = Lookup(name: Wire.name("www.example.com"), type: .a)

    static func record(
        _ name: [UInt8], _ type: RecordType, ttl: UInt32 = 60, _ data: [UInt8], class recordClass: UInt16 = 1
    ) -> [UInt8] {
        name + Wire.bytes16(type.rawValue, recordClass, UInt16(ttl >> 16), UInt16(ttl & 0xffff), UInt16(data.count))
            + data
    }

    static let server = SocketAddress(ip: IPAddress(v4: 0xc000_0201), port: 53)
    static let asked: [UInt8] = [0xc0, 12]
    static let address: [UInt8] = [192, 0, 2, 53]

    static func soa(_ zone: String, ttl: UInt32 = 900, minimum: UInt32 = 300) -> [UInt8] {
        let numbers = [UInt32(1), 7200, 900, 86400, minimum].flatMap {
            Wire.bytes16(UInt16($0 >> 16), UInt16($0 & 0xffff))
        }
        return record(
            Wire.spelled(zone), .soa, ttl: ttl, Wire.spelled("ns.\(zone)") + Wire.spelled("host.\(zone)") + numbers)
    }

    /// An answer to ``lookup``, unless something else is said.
    static func reply(
        id: UInt16 = 7, flags: UInt16 = 0x8180, question: String = "www.example.com", type: RecordType = .a,
        answers: [[UInt8]] = [], authorities: [[UInt8]] = [], additional: [[UInt8]] = []
    ) -> [UInt8] {
        Wire.bytes16(
            id, flags, 1, UInt16(answers.count), UInt16(authorities.count), UInt16(additional.count))
            + Wire.spelled(question) + Wire.bytes16(type.rawValue, 1)
            + (answers + authorities + additional).flatMap { $0 }
    }

    static func judge(_ bytes: [UInt8], _ lookup: Lookup = lookup) -> UpstreamReply.Verdict {
        UpstreamReply.judge(bytes.span, for: lookup, id: 7)
    }

    static func answer(_ bytes: [UInt8], _ lookup: Lookup = lookup) -> (UpstreamAnswer, Wire.Message)? {
        guard case .answer(let answer) = judge(bytes, lookup), let message = Wire.Message(answer.message) else {
            return nil
        }
        return (answer, message)
    }

    @Test func `an honest answer is kept with its name, data and time`() throws {
        let (answer, message) = try #require(
            Self.answer(Self.reply(question: "WWW.example.com", answers: [Self.record(Self.asked, .a, Self.address)])))
        #expect(answer.ttl == 60 && answer.code == .noError && !answer.isDenial)
        #expect(message.answers == [.init(name: "www.example.com.", type: .a, ttl: 60, data: Self.address)])
        #expect(message.question == Wire.spelled("www.example.com") + Wire.bytes16(1, 1))
    }

    static let forgeries: [(String, [UInt8])] = [
        ("another id", reply(id: 8, answers: [record(asked, .a, address)])),
        ("a query", reply(flags: 0x0100, answers: [record(asked, .a, address)])),
        ("another operation", reply(flags: 0xa180, answers: [record(asked, .a, address)])),
        ("another name", reply(question: "www.example.net", answers: [record(asked, .a, address)])),
        ("a name below (Kaminsky)", reply(question: "1.www.example.com", answers: [record(asked, .a, address)])),
        ("another type", reply(type: .aaaa, answers: [record(asked, .a, address)])),
        ("no question", Wire.bytes16(7, 0x8180, 0, 1, 0, 0) + record(Wire.spelled("www.example.com"), .a, address)),
        ("half a header", Array(reply().prefix(11))),
        ("half a question", Array(reply().prefix(20))),
        ("nothing", []),
    ]

    @Test(arguments: forgeries)
    func `what does not answer the question is as if it had not come`(what: String, bytes: [UInt8]) {
        #expect(Self.judge(bytes) == .foreign, "\(what)")
    }

    static let injections: [(String, [UInt8])] = [
        (
            "an address of another name among the answers",
            reply(answers: [record(asked, .a, address), record(Wire.spelled("bank.example"), .a, [6, 6, 6, 6])])
        ),
        (
            "an authority for everything above, with its address",
            reply(
                answers: [record(asked, .a, address)],
                authorities: [record(Wire.spelled("com"), .ns, Wire.spelled("ns.evil.example"))],
                additional: [record(Wire.spelled("ns.evil.example"), .a, [6, 6, 6, 6])])
        ),
        (
            "an address as additional data",
            reply(
                answers: [record(asked, .a, address)],
                additional: [record(Wire.spelled("bank.example"), .a, [6, 6, 6, 6])])
        ),
        (
            "a record of another class",
            reply(answers: [record(asked, .a, address), record(asked, .a, [6, 6, 6, 6], class: 3)])
        ),
        (
            "a CNAME beside the answer",
            reply(answers: [record(asked, .a, address), record(asked, .cname, Wire.spelled("evil.example"))])
        ),
    ]

    @Test(arguments: injections)
    func `nothing is kept but what was asked for`(what: String, bytes: [UInt8]) throws {
        let (_, message) = try #require(Self.answer(bytes))
        #expect(message.answers == [.init(name: "www.example.com.", type: .a, ttl: 60, data: Self.address)], "\(what)")
        #expect(message.authorities.isEmpty && message.additional.isEmpty, "\(what)")
    }

    @Test func `a chain of CNAMEs is kept in its order, and nothing beside it`() throws {
        let bytes = Self.reply(answers: [
            Self.record(Wire.spelled("c.example"), .a, ttl: 30, Self.address),
            Self.record(Wire.spelled("b.example"), .cname, Wire.spelled("c.example")),
            Self.record(Self.asked, .cname, ttl: 20, Wire.spelled("b.example")),
            Self.record(Wire.spelled("x.example"), .a, [6, 6, 6, 6]),
        ])
        let (answer, message) = try #require(Self.answer(bytes))
        #expect(message.answers.map(\.name) == ["www.example.com.", "b.example.", "c.example."])
        #expect(answer.ttl == 20)
    }

    @Test func `a denial needs an authority above the name, and lasts as long as that says`() throws {
        let (answer, message) = try #require(
            Self.answer(Self.reply(flags: 0x8183, authorities: [Self.soa("example.com")])))
        #expect(answer.isDenial && answer.code == .nameError && answer.ttl == 300)
        #expect(message.authorities.map(\.name) == ["example.com."])
        let foreign = try #require(Self.answer(Self.reply(flags: 0x8183, authorities: [Self.soa("example.net")])))
        #expect(foreign.0.ttl == 0 && foreign.1.authorities.isEmpty)
        let empty = try #require(
            Self.answer(Self.reply(authorities: [Self.soa("example.com", ttl: 10)])))
        #expect(empty.0.isDenial && empty.0.code == .noError && empty.0.ttl == 10)
    }

    static let broken: [(String, [UInt8])] = [
        ("an address of five bytes", reply(answers: [record(asked, .a, [1, 2, 3, 4, 5])])),
        ("a pointer to itself", reply(answers: [record([0xc0, 33], .a, address)])),
        ("a pointer forward", reply(answers: [record([0xc0, 60], .a, address)])),
        ("a CNAME that runs out", reply(answers: [record(asked, .cname, [5, 97])])),
        ("a CNAME with bytes behind it", reply(answers: [record(asked, .cname, [1, 97, 0, 0])])),
        ("fewer records than it says", Array(reply(answers: [record(asked, .a, address)]).dropLast(5))),
        (
            "a ring of CNAMEs",
            reply(answers: [
                record(asked, .cname, Wire.spelled("b.example")),
                record(Wire.spelled("b.example"), .cname, Wire.spelled("www.example.com")),
            ])
        ),
        ("records of a name that does not exist", reply(flags: 0x8183, answers: [record(asked, .a, address)])),
        ("an address of another name alone", reply(answers: [record(Wire.spelled("example.com"), .a, address)])),
        ("a record of another type alone", reply(answers: [record(asked, .aaaa, [UInt8](repeating: 1, count: 16))])),
        ("a record of another class alone", reply(answers: [record(asked, .a, address, class: 3)])),
        (
            "an answer of another name beside a denial",
            reply(
                flags: 0x8183, answers: [record(Wire.spelled("b.example"), .a, address)],
                authorities: [soa("example.com")])
        ),
        (
            "two canonical names",
            reply(answers: [
                record(asked, .cname, Wire.spelled("b.example")), record(asked, .cname, Wire.spelled("c.example")),
            ])
        ),
        ("a text whose string runs out", reply(answers: [record(asked, .a, address), record(asked, .txt, [3, 97])])),
        ("a text without a string", reply(authorities: [record(asked, .txt, [])])),
        (
            "a signature without its signer",
            reply(authorities: [record(asked, .rrsig, [UInt8](repeating: 0, count: 18))])
        ),
        ("an authority that is cut", cut(reply(authorities: [soa("example.com")]))),
        ("an additional record that is cut", cut(reply(answers: [record(asked, .a, address)], additional: [opt()]))),
        ("fewer additional records than it says", lacking(reply(answers: [record(asked, .a, address)]))),
        ("an option that runs out", extended(opt(options: [0, 8, 0, 9, 1]))),
        ("half an option", extended(opt(options: [0, 8]))),
        ("an OPT record of a name", extended([1, 97] + opt())),
        ("two OPT records", extended(opt(), opt())),
        ("an OPT record among the answers", reply(answers: [record(asked, .a, address), opt()])),
        ("an OPT record among the authorities", reply(answers: [record(asked, .a, address)], authorities: [opt()])),
        ("an additional address of five bytes", extended(record(asked, .a, [1, 2, 3, 4, 5]))),
        ("more records than anybody sends", reply(answers: .init(repeating: record(asked, .a, address), count: 1025))),
    ]

    static func opt(code: UInt8 = 0, options: [UInt8] = []) -> [UInt8] {
        [0] + Wire.bytes16(41, 1232, UInt16(code) << 8, 0, UInt16(options.count)) + options
    }

    /// An honest answer with these behind it.
    static func extended(_ additional: [UInt8]...) -> [UInt8] {
        reply(answers: [record(asked, .a, address)], additional: additional)
    }

    private static func cut(_ message: [UInt8]) -> [UInt8] { Array(message.dropLast()) }

    private static func lacking(_ message: [UInt8]) -> [UInt8] {
        var message = message
        message[11] = 1
        return message
    }

    @Test(arguments: broken)
    func `an answer that is broken counts as a failure`(what: String, bytes: [UInt8]) {
        #expect(Self.judge(bytes) == .malformed, "\(what)")
    }

    @Test func `what a server will not answer is somebody else's turn`() {
        #expect(Self.judge(Self.reply(flags: 0x8182)) == .refused(.serverFailure))
        #expect(Self.judge(Self.reply(flags: 0x8185)) == .refused(.refused))
        #expect(Self.judge(Self.reply(flags: 0x8181)) == .withoutExtension)
        #expect(Self.judge(Self.reply(flags: 0x8380)) == .truncated)
        // The upper bits of a code are in the OPT record: these are no denials.
        #expect(Self.judge(Self.reply(additional: [Self.opt(code: 1)])) == .withoutExtension)
        #expect(Self.judge(Self.reply(additional: [Self.opt(code: 2)])) == .refused(ResponseCode(rawValue: 32)))
        let timeless = Self.reply(
            flags: 0x8183, authorities: [Self.soa("example.com")], additional: [Self.opt(code: 1)])
        #expect(Self.judge(timeless) == .refused(ResponseCode(rawValue: 19)))
        let referral = Self.reply(authorities: [Self.record(Wire.spelled("com"), .ns, Wire.spelled("a.gtld.example"))])
        #expect(Self.judge(referral) == .refused(.serverFailure))
    }

    @Test func `signatures travel where they were asked for`() throws {
        let signature = Self.record(
            Self.asked, .rrsig,
            Wire.bytes16(1) + [UInt8](repeating: 9, count: 16) + Wire.spelled("example.com") + [9, 9, 9])
        let bytes = Self.reply(answers: [Self.record(Self.asked, .a, Self.address), signature])
        #expect(Self.answer(bytes)?.1.answers.map(\.type) == [.a])
        var signed = Self.lookup
        signed.wantsSignatures = true
        #expect(Self.answer(bytes, signed)?.1.answers.map(\.type) == [.a, .rrsig])
    }

    @Test func `one record sent twice is one, and bytes behind the last are nothing`() throws {
        let record = Self.record(Self.asked, .a, Self.address)
        let later = Self.record(Self.asked, .a, ttl: 90, Self.address)
        let (answer, message) = try #require(Self.answer(Self.reply(answers: [record, later]) + [1, 2, 3]))
        #expect(message.answers.count == 1 && answer.ttl == 60)
    }

    @Test func `a compressed name is written out in every type that may have one`() throws {
        var lookup = Self.lookup
        for (type, before, behind): (RecordType, [UInt8], [UInt8]) in [
            (.mx, [0, 1], []), (.srv, [0, 1, 0, 1, 0, 80], []), (.naptr, [0, 1, 0, 1, 1, 117, 0, 0], []),
            (.https, [0, 1], [0, 1, 0, 0]), (.nsec, [], [0, 1, 0x40]),
        ] {
            lookup.type = type
            let bytes = Self.reply(type: type, answers: [Self.record(Self.asked, type, before + Self.asked + behind)])
            let (_, message) = try #require(Self.answer(bytes, lookup))
            #expect(message.answers.map(\.data) == [before + Wire.spelled("www.example.com") + behind], "\(type)")
        }
    }
}
