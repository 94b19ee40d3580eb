internal import Transport

// The question whether a request may come, as the service that is asked gets it.
extension RequestHead {
    /// Writes the head of the question, which has no body: what ingress-nginx tells of the request, and the client's own fields but
    /// those that are about its body or the connection, or that only a proxy may say. nil where a part of it is too long.
    ///
    /// - Parameter most: how long each text may be that a rule makes.
    func question(
        _ rule: ExternalAuthentication, _ source: RequestText.Source, _ origin: Origin, most: Int
    ) -> [UInt8]? {
        let (head, bytes) = (source.head, source.bytes)
        var out: [UInt8] = []
        out.reserveCapacity(head.pointee.byteCount + 1024)
        func add(_ name: StaticString, _ text: RequestText) -> Bool {
            out += "\r\n".utf8
            out.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            out += ": ".utf8
            var value: [UInt8] = []
            let isWritten = text.write(source, .field, to: &value, most: most)
            out += value
            return isWritten
        }
        var target: [UInt8] = []
        guard rule.target.write(source, .url, to: &target, most: most) else { return nil }
        // What a variable brought must not climb out of the path that it stands in.
        if rule.target.parts.count > 1, Self.climbs(target) { return nil }
        out += rule.method + [0x20] + target
        out += " HTTP/1.1".utf8
        guard add("Host", rule.host),
            add("X-Original-URL", RequestText(parts: [.scheme, .text(Array("://".utf8)), .authority, .pathAndQuery])),
            add("X-Original-Method", RequestText(parts: [.method])),
            add("X-Original-URI", RequestText(parts: [.pathAndQuery])), add("X-Scheme", RequestText(parts: [.scheme])),
            add("X-Sent-From", RequestText(parts: [.text(Array("nginx-ingress-controller".utf8))])),
            add(Self.questionMark, RequestText(parts: [.text([0x31])])),
            add("X-Real-IP", RequestText(parts: [.clientAddress])),
            add("X-Forwarded-For", RequestText(parts: [.clientAddress])),
            add("X-Auth-Request-Redirect", rule.redirect)
        else { return nil }
        out += origin.certificate
        if rule.method != Array("GET".utf8), rule.method != Array("HEAD".utf8) { out += "\r\nContent-Length: 0".utf8 }
        out += "\r\n".utf8
        for index in 0..<head.pointee.fields.count {
            let field = head.pointee.fields[index]
            guard field.kind != .contentLength, field.kind != .upgrade, field.kind != .trailer,
                field.kind != .xForwardedProto, passes(field, bytes + Int(field.name.start), bytes, origin),
                !Self.isOfQuestion(bytes + Int(field.name.start), Int(field.name.count))
            else { continue }
            out.append(contentsOf: RequestValue.slice(field.name, bytes))
            out += ": ".utf8
            out.append(contentsOf: RequestValue.slice(field.value, bytes))
            out += "\r\n".utf8
        }
        out += "\r\n".utf8
        return out
    }

    /// Says that a request is a question, so that none is asked about one: an address may lead back here.
    static let questionMark: StaticString = "x-martlet-question"

    /// - Parameter parsed: of `bytes`.
    func isQuestion(_ bytes: UnsafePointer<UInt8>, _ parsed: UnsafePointer<HTTP1RequestHead>) -> Bool {
        for index in 0..<parsed.pointee.fields.count {
            let name = parsed.pointee.fields[index].name
            if name.count == 18, Self.equals(bytes + Int(name.start), Self.questionMark) { return true }
        }
        return false
    }

    private static func climbs(_ target: [UInt8]) -> Bool {
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        return path.split(separator: 0x2F).contains { $0.elementsEqual("..".utf8) || $0.elementsEqual(".".utf8) }
    }

    /// What the question says of the request: a client says nothing of that.
    private static func isOfQuestion(_ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        switch count {
        case 11: equals(name, "x-sent-from")
        case 14: equals(name, "x-original-url") || equals(name, "x-original-uri")
        case 17: equals(name, "x-original-method")
        case 18: equals(name, questionMark)
        case 23: equals(name, "x-auth-request-redirect")
        default: false
        }
    }
}
