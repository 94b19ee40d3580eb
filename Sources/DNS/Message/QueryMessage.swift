/// A query as it was read in place: what the server needs to know, and where the rest is. No heap.
package struct QueryMessage: Sendable {
    /// What a query's OPT record says (RFC 6891).
    package struct Extension: Hashable, Sendable {
        /// How many bytes the asker takes over UDP; less than 512 counts as 512.
        package var payloadSize: Int
        package var version: UInt8
        package var wantsSignatures: Bool
        /// Where the data of the COOKIE option lies (RFC 7873), 8 or 16 to 40 bytes.
        package var cookie: Range<Int>?
    }

    /// What a datagram or a frame turned out to be.
    package enum Outcome {
        case query(QueryMessage)
        /// To be answered with an error: the header is there, and the question up to `questionEnd` where it could be read.
        case refused(QueryMessage, ResponseCode)
        /// No query, or none that could be answered: an answer might go round for ever.
        case unanswerable
    }

    /// Records behind the question: two for a lawful query (OPT and TSIG), some for those to come.
    private static let recordLimit = 8

    package var id: UInt16
    /// As it came in the header.
    package var flags: UInt16
    package var type = RecordType(rawValue: 0)
    package var recordClass: UInt16 = 0
    /// Behind the question; 12 when there is none.
    package var questionEnd = MessageHeader.size
    package var edns: Extension?

    package var isRecursionDesired: Bool { flags & MessageHeader.Flag.recursionDesired != 0 }
    package var isCheckingDisabled: Bool { flags & MessageHeader.Flag.checkingDisabled != 0 }
    package var hasQuestion: Bool { questionEnd > MessageHeader.size }

    /// Reads a whole message. Its name goes to `name`.
    ///
    /// Refused are: several questions (RFC 9619), names that are compressed although nothing stands before them, records
    /// that run out of the message, bytes behind the last one, a second OPT record or one that is not the root's, options
    /// that run out of it, cookies of other lengths. A message without a question is taken where it asks for a cookie
    /// alone (RFC 7873, 5.4). A refused one has its OPT record too, as far as it can be found, since whoever sends one gets
    /// one (RFC 6891, 6.1.1).
    package static func read(_ message: Span<UInt8>, name: inout WireName) -> Outcome {
        let outcome = readStrictly(message, name: &name)
        guard case .refused(var query, let code) = outcome, query.edns == nil else { return outcome }
        query.edns = Extension(anywhereIn: message)
        return .refused(query, code)
    }

    private static func readStrictly(_ message: Span<UInt8>, name: inout WireName) -> Outcome {
        guard let header = MessageHeader(message), !header.isResponse else { return .unanswerable }
        var query = QueryMessage(id: header.id, flags: header.flags)
        guard header.opcode == 0 else { return .refused(query, .notImplemented) }
        guard header.questionCount <= 1 else { return .refused(query, .formatError) }
        var index = MessageHeader.size
        if header.questionCount == 1 {
            guard let end = name.read(message, at: index, followsPointers: false), end + 4 <= message.count else {
                return .refused(query, .formatError)
            }
            query.type = RecordType(rawValue: message.u16(at: end))
            query.recordClass = message.u16(at: end + 2)
            index = end + 4
            query.questionEnd = index
        }
        let before = Int(header.answerCount) + Int(header.authorityCount)
        let total = before + Int(header.additionalCount)
        guard total <= recordLimit else { return .refused(query, .formatError) }
        for position in 0..<total {
            guard let record = RecordHeader(message, at: index) else { return .refused(query, .formatError) }
            if record.type == .opt {
                guard position >= before, query.edns == nil, message[index] == 0,
                    let extension_ = Extension(record, in: message)
                else { return .refused(query, .formatError) }
                query.edns = extension_
            }
            index = record.dataEnd
        }
        guard index == message.count else { return .refused(query, .formatError) }
        if let edns = query.edns, edns.version != 0 { return .refused(query, .badVersion) }
        guard query.hasQuestion || query.edns?.cookie != nil else { return .refused(query, .formatError) }
        return .query(query)
    }

    private init(id: UInt16, flags: UInt16) {
        self.id = id
        self.flags = flags
    }
}

extension QueryMessage.Extension {
    private static let cookieOption: UInt16 = 10
    /// Questions and records that are looked at for one.
    private static let searchLimit = 32

    /// The first OPT record of a message that is refused for whatever reason, without its options: they may be the reason.
    /// Nil when there is none, or what stands before it cannot be read.
    fileprivate init?(anywhereIn message: Span<UInt8>) {
        guard let header = MessageHeader(message) else { return nil }
        var index = MessageHeader.size
        guard header.questionCount <= Self.searchLimit else { return nil }
        for _ in 0..<header.questionCount {
            guard let end = RecordHeader.skipName(message, at: index) else { return nil }
            index = end + 4
        }
        let before = Int(header.answerCount) + Int(header.authorityCount)
        for position in 0..<min(before + Int(header.additionalCount), Self.searchLimit) {
            // Its fixed part is enough, though its data may run out of the message.
            if position >= before, index + 11 <= message.count, message[index] == 0,
                message.u16(at: index + 1) == RecordType.opt.rawValue
            {
                self.init(
                    size: message.u16(at: index + 3), version: message[index + 6], flags: message.u16(at: index + 7))
                return
            }
            guard let record = RecordHeader(message, at: index) else { return nil }
            index = record.dataEnd
        }
        return nil
    }

    private init(size: UInt16, version: UInt8, flags: UInt16) {
        payloadSize = max(512, Int(size))
        self.version = version
        wantsSignatures = flags & 0x8000 != 0
    }

    /// Nil when an option runs out of the record, or a cookie has a length that none has.
    fileprivate init?(_ record: RecordHeader, in message: Span<UInt8>) {
        self.init(
            size: record.recordClass, version: UInt8(truncatingIfNeeded: record.ttl >> 16),
            flags: UInt16(truncatingIfNeeded: record.ttl))
        var index = record.dataStart
        while index < record.dataEnd {
            guard index + 4 <= record.dataEnd else { return nil }
            let option = message.u16(at: index)
            let end = index + 4 + Int(message.u16(at: index + 2))
            guard end <= record.dataEnd else { return nil }
            if option == Self.cookieOption, cookie == nil {
                let length = end - index - 4
                guard length == 8 || (16...40).contains(length) else { return nil }
                cookie = (index + 4)..<end
            }
            index = end
        }
    }
}
