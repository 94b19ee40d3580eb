/// Answers with what an upstream server said (``UpstreamAnswer``).
extension Responder {
    /// Adds the records of a kept message behind what stands there already.
    ///
    /// - Parameter ttl: for each record, in seconds; nil for what it came with.
    mutating func append(_ message: [UInt8], ttl: UInt32?, _ reply: inout Reply, _ writer: inout MessageWriter) {
        let message = message.span
        // The answer as a whole is authoritative only where all of it is.
        reply.isAuthoritative = false
        // While it was fetched the zone or the policy may have come to lead to another name.
        guard let header = MessageHeader(message),
            name.equals(message, at: MessageHeader.size, count: name.count)
        else {
            reply.code = .serverFailure
            return
        }
        reply.code = ResponseCode(rawValue: header.code)
        if reply.answers == 0, !reply.isRewritten {
            copy(message, header, ttl, &reply, &writer)
        } else {
            translate(message, header, ttl, &reply, &writer)
        }
    }

    /// The question is the same, so that every pointer in the message holds: copied at once, TTLs set afterwards.
    private mutating func copy(
        _ message: Span<UInt8>, _ header: MessageHeader, _ ttl: UInt32?, _ reply: inout Reply,
        _ writer: inout MessageWriter
    ) {
        let start = MessageHeader.size + name.count + 4
        let mark = writer.count
        guard start <= message.count, mark == start else { return }
        writer.append(message, start..<message.count)
        guard settle(mark, &writer) else {
            reply.isTruncated = true
            return
        }
        if let ttl {
            var index = start
            for _ in 0..<(Int(header.answerCount) + Int(header.authorityCount)) {
                guard let record = RecordHeader(message, at: index) else { break }
                writer.put(ttl, at: record.ttlOffset)
                index = record.dataEnd
            }
        }
        reply.answers = header.answerCount
        reply.authorities = header.authorityCount
    }

    /// The records stand elsewhere than in the message that they come from: each with its owner's name anew.
    private mutating func translate(
        _ message: Span<UInt8>, _ header: MessageHeader, _ ttl: UInt32?, _ reply: inout Reply,
        _ writer: inout MessageWriter
    ) {
        let asked = name
        var index = MessageHeader.size
        guard let question = name.read(message, at: index) else { return }
        index = question + 4
        for position in 0..<(Int(header.answerCount) + Int(header.authorityCount)) {
            guard let record = RecordHeader(message, at: index), name.read(message, at: index) != nil else { break }
            let mark = writer.count
            if name.count == asked.count, name.name() == asked.name() {
                reply.writeOwner(name, &writer)
            } else {
                writer.append(name)
            }
            writeFields(
                record.type, ttl: ttl ?? record.lifetime, length: record.dataEnd - record.dataStart, &writer)
            writer.append(message, record.dataStart..<record.dataEnd)
            guard settle(mark, &writer) else {
                reply.isTruncated = true
                return
            }
            if position < Int(header.answerCount) { reply.answers += 1 } else { reply.authorities += 1 }
            index = record.dataEnd
        }
    }
}
