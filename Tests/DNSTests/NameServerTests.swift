import DNS
import NetworkTypes
import TestSupport
import Testing
import Transport

@Suite("A name server on real sockets") struct NameServerTests {
    static let web = "web.shop.svc.cluster.local"

    /// Names outside of the cluster are asked of these.
    static func forwarding(_ servers: [SocketAddress]) -> AnswerPolicy {
        var policy = AnswerPolicy()
        policy.forwardedZones = [ForwardedZone(servers: servers)]
        return policy
    }

    // MARK: Clients

    @Test(arguments: [ServedNames.own, .loopbackV6], [false, true])
    func `it answers over UDP and TCP, on IPv4 and IPv6`(ip: IPAddress, isStream: Bool) async throws {
        let names = try ServedNames(ip)
        let client = try names.client(isStream: isStream)
        for id in UInt16(1)...3 {
            let message = try #require(try client.answer(Wire.query(Self.web, id: id)))
            #expect(message.header.id == id && message.answers.map(\.data) == [[10, 0, 0, 7]])
        }
        await names.stop()
    }

    @Test func `on every address it answers from the one that was asked, and on none that is not this machine's`()
        async throws
    {
        let names = try ServedNames(IPAddress(v4: 0))
        #expect(names.address.ip.isUnspecified)
        for ip in MachineAddresses.current where ip.family == .v4 {
            // Connected: what comes from any other address the kernel keeps from it.
            // From loopback: the machine's own address may be one that strangers have, too, and they get no answer.
            let client = try NameClient(SocketAddress(ip: ip, port: names.address.port), from: .loopbackV4)
            #expect(try client.answer(Wire.query(Self.web))?.answers.count == 1, "\(ip)")
        }
        // Linux routes it here, too, where Services have such addresses: nobody has the port.
        let free = SocketAddress(ip: IPAddress(v4: 0x7f00_0109), port: names.address.port)
        let (datagram, stream) = (try Socket.bindUDP(free), try Socket.listen(free))
        Socket.close(datagram)
        Socket.close(stream)
        await names.stop()
    }

    @Test func `a port that somebody else has is refused`() async throws {
        let names = try ServedNames()
        let others = try EventLoop.group(count: 1)
        #expect(throws: TransportError.self) { try NameServer(loops: others).listen(names.address) }
        for loop in others { loop.stop() }
        await names.stop()
    }

    @Test func `every loop answers, and the counters are of all of them`() async throws {
        let names = try ServedNames(loops: 3)
        for _ in 0..<60 {
            #expect(try names.client().answer(Wire.query(Self.web))?.answers.count == 1)
        }
        let counters = await names.server.counters()
        #expect(counters.answers.requests.reduce(0, +) == 60)
        #expect(counters.answers.responses.first == 60)
        await names.stop()
    }

    @Test func `what is published is answered from then on`() async throws {
        let names = try ServedNames()
        let client = try names.client()
        let query = Wire.query("new.shop.svc.cluster.local")
        #expect(try client.answer(query)?.code == .nameError)
        names.server.publish(
            Answers.cluster([.address(Wire.name("new.shop.svc.cluster.local"), IPAddress(v4: 0x0a00_0009))]))
        while try client.answer(query)?.answers.map(\.data) != [[10, 0, 0, 9]] {}
        await names.stop()
    }

    @Test func `whoever was connected learns that the server stops`() async throws {
        let names = try ServedNames()
        let client = try names.client(isStream: true)
        #expect(try client.answer(Wire.query(Self.web)) != nil)
        await names.stop()
        #expect(try client.receive() == nil)
    }

    // MARK: Streams

    @Test func `queries over TCP may come in any pieces`() async throws {
        let names = try ServedNames()
        let client = try names.client(isStream: true)
        var random = SeededRandom(seed: 11)
        var frames = (0..<300).flatMap { NameClient.framed(Wire.query(Self.web, id: $0))[...] }
        while !frames.isEmpty {
            let piece = frames.prefix(Int.random(in: 1...90, using: &random))
            #expect(try client.send(Array(piece)))
            frames.removeFirst(piece.count)
        }
        for id in 0..<300 { #expect(try client.message()?.header.id == UInt16(id)) }
        await names.stop()
    }

    @Test(arguments: [0, 11, 4097, 65_535])
    func `a frame that is no query ends the connection`(length: Int) async throws {
        let names = try ServedNames()
        let client = try names.client(isStream: true)
        try client.send(Wire.bytes16(UInt16(length)))
        #expect(try client.receive() == nil)
        await names.stop()
    }

    @Test func `thousands of pipelined queries that fail at once are all answered`() async throws {
        // Without a socket to be had a question fails before anything is sent.
        let names = try ServedNames(policy: Self.forwarding([SocketAddress(ip: ServedNames.own, port: 1)])) {
            NameServer(loops: $0, exchanges: 0)
        }
        let client = try names.client(isStream: true)
        let count = 20_000
        let frames = (0..<count).flatMap { NameClient.framed(Wire.query("", .ns, id: UInt16($0))) }
        #expect(try client.send(frames))
        // Who sends no more is answered all the same.
        client.finishSending()
        for number in 0..<count {
            let message = try #require(try client.message())
            guard message.header.id == UInt16(number), message.code == .serverFailure else {
                Issue.record("\(message.header) at \(number)")
                break
            }
        }
        #expect(try client.receive() == nil)
        await names.stop()
    }

    @Test func `more queries than may be under way wait, and all are answered when an answer comes`() async throws {
        let upstream = try AskedServer()
        let names = try ServedNames(policy: Self.forwarding([upstream.address]))
        let client = try names.client(isStream: true)
        #expect(
            try client.send((0..<100).flatMap { NameClient.framed(Wire.query("www.example.com", id: UInt16($0))) }))
        client.finishSending()
        let question = try upstream.question()
        upstream.answer(question, question.reply([192, 0, 2, 53]))
        var ids: Set<UInt16> = []
        while let message = try client.message() {
            #expect(message.answers.map(\.data) == [[192, 0, 2, 53]])
            ids.insert(message.header.id)
        }
        #expect(ids.count == 100)
        await names.stop()
    }

    @Test func `one peer cannot have every connection`() async throws {
        let names = try ServedNames { NameServer(loops: $0, connections: 64) }
        var clients: [NameClient] = []
        for _ in 0..<16 {
            let client = try names.client(isStream: true)
            #expect(try client.answer(Wire.query(Self.web)) != nil)
            clients.append(client)
        }
        // Its next one is instead of one of those.
        clients.append(try names.client(isStream: true))
        #expect(try clients[16].answer(Wire.query(Self.web)) != nil)
        #expect(await names.server.counters().connectionsClosed[.peerShare] == 1)
        #expect(clients.filter(\.hasInput).count == 1)
        // The others had what the kernel gives, 127.0.0.1.
        let other = try names.client(isStream: true, from: ServedNames.own)
        #expect(try other.answer(Wire.query(Self.web)) != nil)
        await names.stop()
    }

    @Test func `silent connections of many peers make room, one that waits for an answer does not`() async throws {
        let upstream = try AskedServer()
        let names = try ServedNames(.loopbackV4, policy: Self.forwarding([upstream.address])) {
            NameServer(loops: $0, connections: 8, idleTimeout: .seconds(3600))
        }
        let waiting = try names.client(isStream: true)
        try waiting.ask(Wire.query("www.example.com"))
        let question = try upstream.question()
        // Of one that says nothing, and one that was answered and then said nothing, there is no need.
        let sources = (2...40).map { IPAddress(v4: 0x7f00_0a00 + UInt32($0)) }
        var silent = try sources.map { try names.client(isStream: true, from: $0) }
        for client in silent.suffix(4) { #expect(try client.answer(Wire.query(Self.web))?.answers.count == 1) }
        // Each newcomer is answered at once.
        for number in 41...60 {
            let client = try names.client(isStream: true, from: IPAddress(v4: 0x7f00_0a00 + UInt32(number)))
            #expect(try client.answer(Wire.query(Self.web))?.answers.count == 1)
            silent.append(client)
        }
        #expect(try silent[0].receive() == nil)
        upstream.answer(question, question.reply([192, 0, 2, 53]))
        #expect(try waiting.message()?.answers.count == 1)
        #expect(await names.server.counters().connectionsClosed[.madeRoom] == 52)
        await names.stop()
    }

    @Test func `a stranger hears nothing over UDP, and over TCP one refusal that ends the connection`() async throws {
        var policy = AnswerPolicy()
        policy.access = ClientAccess(trusted: [CIDR(address: ServedNames.own, prefixLength: 32)].compactMap { $0 })
        let names = try ServedNames(policy: policy) { NameServer(loops: $0, idleTimeout: .seconds(3600)) }
        let stranger = try names.client(from: .loopbackV4)
        try stranger.ask(Wire.query(Self.web))
        #expect(try names.client(from: ServedNames.own).answer(Wire.query(Self.web))?.answers.count == 1)
        // One socket of the server has both, the stranger's before.
        #expect(!stranger.hasInput)
        let stream = try names.client(isStream: true, from: .loopbackV4)
        #expect(try stream.answer(Wire.query(Self.web))?.code == .refused)
        #expect(try stream.receive() == nil)
        await names.stop()
    }

    @Test func `strangers cannot have the places of those who are answered`() async throws {
        var policy = AnswerPolicy()
        policy.access = ClientAccess(trusted: [CIDR(address: ServedNames.own, prefixLength: 32)].compactMap { $0 })
        let names = try ServedNames(policy: policy) {
            NameServer(loops: $0, connections: 64, idleTimeout: .seconds(3600))
        }
        // Eight places, four of one peer: the fifth of this one is closed.
        let strangers = try (0..<5).map { _ in try names.client(isStream: true, from: .loopbackV4) }
        #expect(try strangers[4].receive() == nil)
        #expect(!strangers[0].hasInput)
        await names.stop()
    }

    @Test func `an idle connection ends, and single bytes do not keep it`() async throws {
        let names = try ServedNames { NameServer(loops: $0, idleTimeout: .milliseconds(50)) }
        let silent = try names.client(isStream: true)
        #expect(try silent.receive() == nil)
        let slow = try names.client(isStream: true)
        // A frame of 4096 bytes that would take minutes.
        var bytes = (Wire.bytes16(4096) + [UInt8](repeating: 0, count: 4096))[...]
        var isOpen = true
        while isOpen, let byte = bytes.popFirst() {
            isOpen = try slow.send([byte])
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(!isOpen)
        await names.stop()
    }

    // MARK: Upstream servers

    @Test func `an answer from another port or with another id is as if it had not come`() async throws {
        let upstream = try AskedServer()
        let names = try ServedNames(policy: Self.forwarding([upstream.address]))
        let client = try names.client()
        try client.ask(Wire.query("www.example.com"))
        let question = try upstream.question()
        try upstream.answerFromElsewhere(question, question.reply([6, 6, 6, 6]))
        upstream.answer(question, question.reply([6, 6, 6, 7], id: question.id ^ 1))
        upstream.answer(question, question.reply([192, 0, 2, 53]))
        #expect(try client.message()?.answers.map(\.data) == [[192, 0, 2, 53]])
        #expect(await names.server.counters().upstream.foreign == 1)
        // It is kept: nobody is asked again.
        #expect(try client.answer(Wire.query("www.example.com"))?.answers.map(\.data) == [[192, 0, 2, 53]])
        #expect(await names.server.counters().answers.cacheHits == 1)
        await names.stop()
    }

    @Test func `what one loop has fetched every other one answers`() async throws {
        let upstream = try AskedServer()
        let names = try ServedNames(loops: 3, policy: Self.forwarding([upstream.address]))
        let first = try names.client()
        try first.ask(Wire.query("www.example.com"))
        let question = try upstream.question()
        upstream.answer(question, question.reply([192, 0, 2, 53]))
        #expect(try first.message()?.answers.count == 1)
        // The kernel chooses a loop for each socket.
        for _ in 0..<32 {
            let answer = try names.client().answer(Wire.query("www.example.com"))
            #expect(answer?.answers.map(\.data) == [[192, 0, 2, 53]])
        }
        let counters = await names.server.counters()
        #expect(counters.upstream.servers[upstream.address]?.requests == 1)
        #expect(counters.answers.cacheHits == 32 && counters.cachedAnswers == 1)
        await names.stop()
    }

    @Test func `a server that is silent is followed by the other one`() async throws {
        let upstreams = [try AskedServer(), try AskedServer()]
        let names = try ServedNames(policy: Self.forwarding(upstreams.map(\.address)))
        let client = try names.client()
        try client.ask(Wire.query("www.example.com"))
        let other = upstreams[1 - (try AskedServer.first(of: upstreams))]
        let question = try other.question()
        other.answer(question, question.reply([192, 0, 2, 53]))
        #expect(try client.message()?.answers.map(\.data) == [[192, 0, 2, 53]])
        await names.stop()
    }

    @Test func `an answer that was cut short is fetched by TCP, in whatever pieces it comes`() async throws {
        let upstream = try AskedServer()
        let names = try ServedNames(policy: Self.forwarding([upstream.address]))
        let client = try names.client()
        try client.ask(Wire.query("www.example.com"))
        var question = try upstream.question()
        upstream.answer(question, question.reply([192, 0, 2, 1], flags: 0x8380))
        let connection = try upstream.connection()
        question.bytes = try #require(try connection.receive())
        for byte in NameClient.framed(question.reply([192, 0, 2, 53])) { try connection.send([byte]) }
        #expect(try client.message()?.answers.map(\.data) == [[192, 0, 2, 53]])
        await names.stop()
    }

    @Test func `a server that nobody listens at is a failure of it`() async throws {
        // Its sockets are closed again at once.
        let address = try AskedServer().address
        let names = try ServedNames(policy: Self.forwarding([address]))
        #expect(try names.client().answer(Wire.query("www.example.com"))?.code == .serverFailure)
        let counters = await names.server.counters().upstream
        #expect((counters.servers[address]?.failures ?? 0) > 0 && counters.overflows == 0)
        await names.stop()
    }

    @Test func `without room for a socket the answer is SERVFAIL, and the server is not to blame`() async throws {
        let upstream = try AskedServer()
        let names = try ServedNames(policy: Self.forwarding([upstream.address])) {
            NameServer(loops: $0, exchanges: 1)
        }
        let waiting = try names.client()
        try waiting.ask(Wire.query("www.example.com"))
        let question = try upstream.question()
        for _ in 0..<3 {
            #expect(try names.client().answer(Wire.query("other.example.com"))?.code == .serverFailure)
        }
        let counters = await names.server.counters()
        #expect(counters.upstream.overflows == 3 && counters.isUpstreamHealthy)
        #expect(counters.upstream.servers[upstream.address]?.failures == 0)
        // The place is free when its answer has come.
        upstream.answer(question, question.reply([192, 0, 2, 53]))
        #expect(try waiting.message()?.answers.count == 1)
        try waiting.ask(Wire.query("WWW.example.com", .aaaa))
        #expect(try upstream.question().bytes.count > 12)
        await names.stop()
    }
}
