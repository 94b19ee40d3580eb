import DNS
import NetworkTypes
import Testing
import Transport

/// What an attacker who can send, but not listen, may try against a server that forwards (RFC 5452): each is sent while a
/// question is open, and nothing of it may ever be answered.
@Suite("Poisoning is refused") struct PoisoningTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// From the port of the server that was asked, as somebody beside it could; otherwise from another one.
        var isFromServer = true
        /// The forgery, given the id of the question.
        var message: @Sendable (_ id: UInt16) -> [UInt8]
        /// Whoever sent it, the server's answer is not waited for any more: it is asked once more.
        var endsAttempt = false
        /// It is an answer to the question, only with more than was asked for: it counts, without what is added.
        var isAnswer = false
    }

    private static let evil: [UInt8] = [6, 6, 6, 6]
    private static let victim = Wire.spelled("www.example.com")
    private static let evilAddress = UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, evil)

    /// The question is about a random name beside the victim's (Kaminsky, 2008).
    private static let asked = "x7f3a.example.com"

    private static func reply(
        _ id: UInt16, question: String = asked, type: RecordType = .a, answers: [[UInt8]] = [],
        authorities: [[UInt8]] = [], additional: [[UInt8]] = []
    ) -> [UInt8] {
        UpstreamReplyTests.reply(
            id: id, question: question, type: type, answers: answers, authorities: authorities, additional: additional)
    }

    static let attacks: [Attack] = [
        Attack(testDescription: "the right answer from another port", isFromServer: false) {
            reply($0, answers: [evilAddress])
        },
        Attack(testDescription: "another id") { reply($0 ^ 0x5555, answers: [evilAddress]) },
        Attack(testDescription: "another name") { reply($0, question: "www.example.com", answers: [evilAddress]) },
        Attack(testDescription: "another type") { reply($0, type: .aaaa, answers: [evilAddress]) },
        Attack(testDescription: "an answer that is a question") { id in
            var bytes = reply(id, answers: [evilAddress])
            bytes[2] &= 0x7f
            return bytes
        },
        Attack(testDescription: "an answer that came in pieces, longer than was asked for") { id in
            reply(
                id, answers: [evilAddress],
                additional: (0..<20).map { _ in
                    UpstreamReplyTests.record(victim, .txt, [200] + [UInt8](repeating: 65, count: 200))
                })
        },
        Attack(
            testDescription: "the victim's address among the answers",
            message: {
                reply(
                    $0,
                    answers: [
                        UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, [192, 0, 2, 9]),
                        UpstreamReplyTests.record(victim, .a, evil),
                    ])
            }, isAnswer: true),
        Attack(
            testDescription: "other name servers for the victim's zone, with their addresses",
            message: {
                reply(
                    $0, answers: [UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, [192, 0, 2, 9])],
                    authorities: [UpstreamReplyTests.record(Wire.spelled("example.com"), .ns, victim)],
                    additional: [UpstreamReplyTests.record(victim, .a, evil)])
            }, isAnswer: true),
        Attack(
            testDescription: "an alias for the victim's zone (DNAME) beside the answer",
            message: {
                reply(
                    $0,
                    answers: [
                        UpstreamReplyTests.record(Wire.spelled("example.com"), .dname, Wire.spelled("evil.test")),
                        UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, [192, 0, 2, 9]),
                    ])
            }, isAnswer: true),
        broken("an address of another name alone") {
            reply($0, answers: [UpstreamReplyTests.record(victim, .a, evil)])
        },
        broken("an address of a zone above") {
            reply($0, answers: [UpstreamReplyTests.record(Wire.spelled("example.com"), .a, evil)])
        },
        broken("a record of another type alone") {
            reply($0, answers: [UpstreamReplyTests.record(UpstreamReplyTests.asked, .txt, [1, 65])])
        },
        broken("a record of another class alone") {
            reply($0, answers: [UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, evil, class: 3)])
        },
        broken("two canonical names") {
            reply(
                $0,
                answers: [victim, Wire.spelled("evil.test")].map {
                    UpstreamReplyTests.record(UpstreamReplyTests.asked, .cname, $0)
                })
        },
        broken("an address of a name that is denied") { id in
            var bytes = reply(id, answers: [evilAddress])
            bytes[3] |= 3
            return bytes
        },
        broken("an OPT record that is cut") { id in
            Array(reply(id, answers: [evilAddress], additional: [UpstreamReplyTests.opt()]).dropLast())
        },
        broken("an option that runs out") { id in
            reply(id, answers: [evilAddress], additional: [UpstreamReplyTests.opt(options: [0, 8, 0, 9, 1])])
        },
        broken("two OPT records") { id in
            reply(id, answers: [evilAddress], additional: [UpstreamReplyTests.opt(), UpstreamReplyTests.opt()])
        },
        broken("an OPT record among the authorities") { id in
            reply(id, answers: [evilAddress], authorities: [UpstreamReplyTests.opt()])
        },
        broken("fewer records than it says") { id in
            var bytes = reply(id, answers: [evilAddress])
            bytes[11] = 1
            return bytes
        },
        broken("an address of five bytes as additional data") { id in
            reply(
                id, answers: [evilAddress],
                additional: [UpstreamReplyTests.record(victim, .a, [1, 2, 3, 4, 5])])
        },
        broken("a denial by an error of EDNS") { id in
            reply(id, additional: [UpstreamReplyTests.opt(code: 2)])
        },
    ]

    /// From the server's own port, with the right id and question: what no server that is right would send.
    private static func broken(_ what: String, _ message: @escaping @Sendable (UInt16) -> [UInt8]) -> Attack {
        Attack(testDescription: what, message: message, endsAttempt: true)
    }

    @Test(arguments: attacks)
    func `a forgery changes neither this answer nor another one`(attack: Attack) async throws {
        let upstream = try AskedServer()
        let names = try ServedNames(policy: NameServerTests.forwarding([upstream.address]))
        let client = try names.client()
        try client.ask(Wire.query(Self.asked))
        let question = try upstream.question()
        let forgery = attack.message(question.id)
        if attack.isFromServer {
            upstream.answer(question, forgery)
        } else {
            try upstream.answerFromElsewhere(question, forgery)
        }
        if !attack.isAnswer {
            let last = attack.endsAttempt ? try upstream.question() : question
            upstream.answer(
                last,
                Self.reply(
                    last.id, answers: [UpstreamReplyTests.record(UpstreamReplyTests.asked, .a, [192, 0, 2, 9])]))
        }
        let message = try #require(try client.message())
        #expect(message.answers.map(\.data) == [[192, 0, 2, 9]])
        #expect(message.answers.map(\.name) == ["\(Self.asked)."])

        // The victim's own name is known to nobody yet: it is asked for.
        try client.ask(Wire.query("www.example.com"))
        let next = try upstream.question()
        #expect(Array(next.bytes[12...]) != Array(question.bytes[12...]))
        upstream.answer(next, next.reply([192, 0, 2, 1]))
        #expect(try client.message()?.answers.map(\.data) == [[192, 0, 2, 1]])
        await names.stop()
    }

    @Test func `a birthday attack has one target: equal questions are asked once`() async throws {
        let upstream = try AskedServer()
        let names = try ServedNames(policy: NameServerTests.forwarding([upstream.address]))
        let clients = try (0..<50).map { _ in try names.client() }
        for client in clients { try client.ask(Wire.query("www.example.com")) }
        let question = try upstream.question()
        // Each of them has been read by the time that this one, which needs nobody else, is answered.
        let last = try names.client()
        _ = try last.answer(Wire.query(NameServerTests.web))
        upstream.answer(question, question.reply([192, 0, 2, 1]))
        for client in clients { #expect(try client.message()?.answers.map(\.data) == [[192, 0, 2, 1]]) }
        #expect(await names.server.counters().upstream.servers[upstream.address]?.requests == 1)
        await names.stop()
    }
}
