import NetworkTypes

/// Answers from tables of hosts, and changes what rules of rewriting say of answers.
extension Responder {
    /// - Returns: whether `name` is answered.
    mutating func answerFromHosts(
        ofBlock block: Int, _ type: RecordType, _ reply: inout Reply, _ writer: inout MessageWriter
    ) -> Bool {
        for index in policy.blocks[block].hosts.indices where policy.blocks[block].hosts[index].covers(name) {
            let table = policy.blocks[block].hosts[index]
            guard let node = table.names.node(of: name) else {
                // Addresses are looked up in many places; a table of some says nothing about the others.
                if table.fallsThrough || type == .ptr { continue }
                // Without a SOA record nothing can be denied.
                reply.code = .serverFailure
                return true
            }
            reply.isAuthoritative = true
            if type == .any {
                writeAnyAnswer(ttl: table.ttl, &reply, &writer)
            } else if let set = node.recordSet(type) {
                write(set, of: node, ttl: table.ttl, &reply, &writer)
            }
            return true
        }
        return false
    }

    /// Writes the records behind the question anew with other names. An answer whose records do not fit any more is cut
    /// short; names in the authority section stay.
    mutating func rewriteAnswer(
        _ rules: [QuestionRewrite.AnswerRule], from start: Int, _ reply: inout Reply, _ writer: inout MessageWriter
    ) {
        let whole = Array(writer.bytes)
        let message = whole.span
        let counts = (reply.answers, reply.authorities, reply.additional)
        writer.rewind(to: start)
        (reply.answers, reply.authorities, reply.additional) = (0, 0, 0)
        var scratch = WireName()
        var index = start
        for position in 0..<(Int(counts.0) + Int(counts.1) + Int(counts.2)) {
            guard let record = RecordHeader(message, at: index), name.read(message, at: index) != nil,
                let data = RecordData.uncompressed(message, record, scratch: &scratch)
            else { break }
            let isAnswer = position < Int(counts.0)
            let mark = writer.count
            let isOfQuestion = message.u16(at: index) == UInt16(0xc000 | MessageHeader.size)
            if isOfQuestion {
                writer.append(UInt16(0xc000 | MessageHeader.size))
            } else {
                let owner = name.name()
                let changed = isAnswer ? rules.lazy.compactMap { $0.apply(to: owner, isOwner: true) }.first : nil
                writer.append(WireName(changed ?? owner))
            }
            let written = isAnswer ? Self.retarget(data, of: record.type, rules) : data
            writeFields(record.type, ttl: record.ttl, length: written.count, &writer)
            writer.append(written)
            guard settle(mark, &writer) else {
                reply.isTruncated = isAnswer || reply.isTruncated
                return
            }
            if isAnswer {
                reply.answers += 1
            } else if position < Int(counts.0) + Int(counts.1) {
                reply.authorities += 1
            } else {
                reply.additional += 1
            }
            index = record.dataEnd
        }
    }

    /// The data with another name in the place where records of its type have one.
    private static func retarget(
        _ data: [UInt8], of type: RecordType, _ rules: [QuestionRewrite.AnswerRule]
    ) -> [UInt8] {
        let place: Int
        switch type {
        case .cname, .ptr, .ns, .dname: place = 0
        case .mx: place = 2
        case .srv: place = 6
        default: return data
        }
        guard data.count > place else { return data }
        let target = DomainName(trusted: Array(data[place...]))
        guard let changed = rules.lazy.compactMap({ $0.apply(to: target, isOwner: false) }).first else { return data }
        return Array(data[..<place]) + changed.wire
    }
}
