import DNS
import NetworkTypes

/// DNS as strangers and upstream servers send it. The first byte says what the rest is: a query over UDP (0) or TCP (1), a
/// reply of an upstream server (2), the text of a name (3), a name in a message (4); others count modulo 5.
extension FuzzTarget {
    static func dns(_ input: [UInt8]) {
        guard let kind = input.first else { return }
        let rest = Array(input.dropFirst())
        switch kind % 5 {
        case 0: query(rest, isStream: false)
        case 1: query(rest, isStream: true)
        case 2: reply(rest)
        case 3: nameText(rest)
        default: nameInMessage(rest)
        }
    }

    /// What is answered is a whole message for the one who asked, within the bounds.
    private static func query(_ message: [UInt8], isStream: Bool) {
        var responder = NameStage.responder
        guard let answer = NameStage.answer(&responder, message, isStream: isStream, given: nil) else { return }
        check(answer.count <= (isStream ? 65_535 : 1232), "an answer of \(answer.count) bytes")
        checkMessage(answer)
        guard let header = MessageHeader(answer.span) else { return }
        check(header.isResponse && header.id == message.span.u16(at: 0), "an answer to somebody else")
    }

    /// What is kept of a reply is a message that says the same when it is judged again, and one that can be answered with.
    private static func reply(_ message: [UInt8]) {
        var name = WireName()
        guard let header = MessageHeader(message.span),
            let end = name.read(message.span, at: MessageHeader.size, followsPointers: false),
            end + 4 <= message.count
        else {
            // Still nothing that may crash.
            _ = UpstreamReply.judge(message.span, for: Lookup(name: .root, type: .a), id: 0)
            return
        }
        let type = RecordType(rawValue: message.span.u16(at: end))
        for wantsSignatures in [false, true] {
            let lookup = Lookup(name: name.name(), type: type, wantsSignatures: wantsSignatures)
            let verdict = UpstreamReply.judge(message.span, for: lookup, id: header.id)
            guard case .answer(let answer) = verdict else { continue }
            checkMessage(answer.message)
            let again = UpstreamReply.judge(answer.message.span, for: lookup, id: 0)
            check(again == .answer(answer), "judged again it is \(again), not \(answer)")
            var responder = NameStage.responder
            responder.cache.store(answer, for: lookup, now: 0)
            let asked = UpstreamReply.query(lookup, id: 9)
            for isStream in [false, true] {
                for resolution in [nil, Responder.Resolution.answer(answer)] {
                    guard let sent = NameStage.answer(&responder, asked, isStream: isStream, given: resolution) else {
                        continue
                    }
                    checkMessage(sent)
                }
            }
        }
    }

    /// A text that is a name is the same name when it is written and read again.
    private static func nameText(_ bytes: [UInt8]) {
        guard let name = try? DomainName(String(decoding: bytes, as: UTF8.self)) else { return }
        check(name.wire.count <= DomainName.maximumLength && name.wire.last == 0, "\(name.wire) is no name")
        var wire = WireName()
        check(wire.take(name.wire.span, at: 0) && wire.name() == name, "\(name) is not itself in a message")
        // What is written as a number behind a backslash is not read so (RFC 4343, 2.1, is for people).
        guard !name.description.contains("\\") else { return }
        check((try? DomainName(name.description)) == name, "\(name) is not itself when read again")
        var parent = name
        while let next = parent.parent {
            check(parent.isWithin(next) && !next.isWithin(parent), "\(parent) and \(next)")
            parent = next
        }
        check(parent == .root, "\(name) ends at \(parent)")
    }

    /// A name that was read is a name, wherever it stands, and stands where the header says.
    private static func nameInMessage(_ message: [UInt8]) {
        var name = WireName()
        for offset in 0..<min(message.count, 64) {
            guard let next = name.read(message.span, at: offset) else { continue }
            check(next > offset && next <= message.count, "a name from \(offset) to \(next)")
            check((1...DomainName.maximumLength).contains(name.count), "a name of \(name.count) bytes")
            let kept = name.name()
            var again = WireName()
            check(again.take(kept.wire.span, at: 0) && again.name() == kept, "\(kept) is not itself")
            check(again.hash(seed: 5) == name.hash(seed: 5), "\(kept) has two hashes")
        }
    }

    /// The counts of a message are those of its records, and nothing stands behind them.
    private static func checkMessage(_ bytes: [UInt8]) {
        guard let header = MessageHeader(bytes.span) else { return check(false, "no header") }
        var index = MessageHeader.size
        var name = WireName()
        for _ in 0..<header.questionCount {
            guard let end = name.read(bytes.span, at: index, followsPointers: false) else {
                return check(false, "a question without a name")
            }
            index = end + 4
        }
        for _ in 0..<(Int(header.answerCount) + Int(header.authorityCount) + Int(header.additionalCount)) {
            guard name.read(bytes.span, at: index) != nil, let record = RecordHeader(bytes.span, at: index) else {
                return check(false, "a record at \(index) of \(bytes) that is none")
            }
            index = record.dataEnd
        }
        check(index == bytes.count, "\(bytes.count - index) bytes behind the last record of \(bytes)")
    }
}

/// A responder with a small zone, one that asks elsewhere for the rest.
private enum NameStage {
    static let responder: Responder = {
        var responder = Responder(cookies: ServerCookie(key0: 1, key1: 2), seed: 3)
        guard let domain = try? DomainName("cluster.local"), let web = try? DomainName("web.shop.svc.cluster.local"),
            let away = try? DomainName("away.shop.svc.cluster.local"), let far = try? DomainName("www.example.com"),
            let port = try? DomainName("_http._tcp.web.shop.svc.cluster.local"),
            let pods = try? DomainName("pod.cluster.local")
        else { return responder }
        var names = NameTable(origins: [domain], seed: 3)
        names.apply(
            removing: [],
            adding: (1...40).map { .address(web, IPAddress(v4: 0x0a00_0000 + $0)) } + [
                .alias(away, of: far), .service(port, weight: 1, port: 80, target: web), .text(domain, "text"),
            ])
        responder.data = ZoneData(
            zones: [AuthoritativeZone(name: domain, primary: web, contact: web, addressNames: pods)], names: names)
        var policy = AnswerPolicy()
        policy.forwardedZones = [ForwardedZone(servers: [])]
        responder.setPolicy(policy)
        return responder
    }()

    /// Nil where nothing is answered.
    static func answer(
        _ responder: inout Responder, _ message: [UInt8], isStream: Bool, given resolution: Responder.Resolution?
    ) -> [UInt8]? {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_535, alignment: 16)
        defer { room.deallocate() }
        var writer = MessageWriter(room)
        let outcome = responder.respond(
            to: message.span, from: Responder.Client(ip: .loopbackV4, isStream: isStream),
            at: Responder.Moment(monotonic: 1, wall: 1_800_000_000), given: resolution, into: &writer)
        guard case .answer = outcome else { return nil }
        return Array(writer.bytes)
    }
}
