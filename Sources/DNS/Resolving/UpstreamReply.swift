/// Judges what a server answered, and keeps of it what was asked for.
package enum UpstreamReply {
    package enum Verdict: Hashable, Sendable {
        case answer(UpstreamAnswer)
        /// Too long for a datagram: to be asked by TCP.
        case truncated
        /// The server won't or can't; another one may.
        case refused(ResponseCode)
        /// The server does not understand EDNS.
        case withoutExtension
        /// Not an answer to this question, whoever sent it: as if it had not come.
        case foreign
        /// An answer to this question that is broken.
        case malformed
    }

    /// Records looked at in one answer.
    static let recordLimit = 1024
    /// CNAMEs followed in one answer.
    static let chainLimit = 16

    /// Lengths of encrypted questions tell nothing: they are multiples of this (RFC 7830; RFC 8467, 4.1).
    private static let paddedTo = 128
    private static let paddingOption: UInt16 = 12

    /// The message to ask with.
    package static func query(
        _ lookup: Lookup, id: UInt16, hasExtension: Bool = true, isPadded: Bool = false
    ) -> [UInt8] {
        var flags = MessageHeader.Flag.recursionDesired
        if lookup.isCheckingDisabled { flags |= MessageHeader.Flag.checkingDisabled }
        var bytes: [UInt8] = []
        for value: UInt16 in [id, flags, 1, 0, 0, hasExtension ? 1 : 0] { bytes.append(bigEndian: value) }
        bytes += lookup.name.wire
        bytes.append(bigEndian: lookup.type.rawValue)
        bytes.append(bigEndian: UInt16(1))
        guard hasExtension else { return bytes }
        bytes.append(0)
        for value in [RecordType.opt.rawValue, 1232, 0, lookup.wantsSignatures ? 0x8000 : 0] {
            bytes.append(bigEndian: value)
        }
        // Behind it the length of the data, an option's number and its length.
        let padding = isPadded ? (paddedTo - (bytes.count + 6) % paddedTo) % paddedTo : 0
        bytes.append(bigEndian: UInt16(isPadded ? 4 + padding : 0))
        guard isPadded else { return bytes }
        bytes.append(bigEndian: paddingOption)
        bytes.append(bigEndian: UInt16(padding))
        return bytes + [UInt8](repeating: 0, count: padding)
    }

    /// Judges one message.
    ///
    /// Of the answers only the chain from the asked name to records of the asked type is kept, of the authorities only what
    /// a denial needs, of the rest nothing: what a server adds unasked is how caches are poisoned (RFC 5452).
    package static func judge(_ message: Span<UInt8>, for lookup: Lookup, id: UInt16) -> Verdict {
        guard let header = MessageHeader(message), header.id == id, header.isResponse, header.opcode == 0 else {
            return .foreign
        }
        var code = ResponseCode(rawValue: header.code)
        guard header.questionCount == 1 else {
            // A server that cannot read the question may leave it out.
            return code == .formatError && header.questionCount == 0 ? .withoutExtension : .foreign
        }
        var name = WireName()
        guard let end = name.read(message, at: MessageHeader.size, followsPointers: false), end + 4 <= message.count,
            name.equals(lookup.name.wire.span, count: lookup.name.wire.count),
            message.u16(at: end) == lookup.type.rawValue, message.u16(at: end + 2) == 1
        else { return .foreign }
        switch code {
        case .noError, .nameError: break
        case .formatError, .notImplemented: return .withoutExtension
        default: return .refused(code)
        }
        if header.isTruncated { return .truncated }
        guard let records = records(message, header, from: end + 4) else { return .malformed }
        // Its lower four bits alone may say that all is well (RFC 6891, 6.1.3).
        code = ResponseCode(rawValue: UInt16(records.codeExtension) << 4 | header.code)
        switch code {
        case .noError, .nameError: break
        case .badVersion: return .withoutExtension
        default: return .refused(code)
        }
        let verdict = compose(records, header, lookup, code)
        // Written out it may be longer than any message.
        if case .answer(let answer) = verdict, answer.message.count > 65_535 { return .malformed }
        return verdict
    }

    private struct Record: Hashable {
        var name: DomainName
        var type: RecordType
        var ttl: UInt32
        /// Without compression.
        var data: [UInt8]

        /// Whether they are one record, whatever its time (RFC 2181, 5).
        static func == (left: Record, right: Record) -> Bool {
            left.name == right.name && left.type == right.type && left.data == right.data
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(name)
            hasher.combine(type)
            hasher.combine(data)
        }
    }

    private struct Records {
        var answers: [Record] = []
        var authorities: [Record] = []
        /// The upper eight bits of the response code; 0 without an OPT record.
        var codeExtension: UInt8 = 0
    }

    /// The answers and authorities of class IN, each once (RFC 2181, 5); nil when something is malformed, be it of what is
    /// not kept: who cannot write the end of a message is not believed about its beginning. Bytes behind the last record
    /// are passed over, as BIND and Unbound do.
    private static func records(_ message: Span<UInt8>, _ header: MessageHeader, from start: Int) -> Records? {
        var records = Records()
        var known: (answers: Set<Record>, authorities: Set<Record>) = ([], [])
        var index = start
        let additional = Int(header.answerCount) + Int(header.authorityCount)
        let count = additional + Int(header.additionalCount)
        guard count <= recordLimit else { return nil }
        var hasExtension = false
        var name = WireName()
        for position in 0..<count {
            guard name.read(message, at: index) != nil, let record = RecordHeader(message, at: index) else {
                return nil
            }
            let isRoot = name.count == 1
            index = record.dataEnd
            if record.type == .opt {
                guard position >= additional, isRoot, !hasExtension,
                    RecordData.holdsOptions(message, record.dataStart..<record.dataEnd)
                else { return nil }
                hasExtension = true
                records.codeExtension = UInt8(truncatingIfNeeded: record.ttl >> 24)
                continue
            }
            guard record.recordClass == 1 else { continue }
            let owner = name.name()
            guard let data = RecordData.uncompressed(message, record, scratch: &name) else { return nil }
            guard position < additional else { continue }
            let kept = Record(name: owner, type: record.type, ttl: record.lifetime, data: data)
            if position < Int(header.answerCount) {
                if known.answers.insert(kept).inserted { records.answers.append(kept) }
            } else if known.authorities.insert(kept).inserted {
                records.authorities.append(kept)
            }
        }
        return records
    }

    private static func compose(
        _ records: Records, _ header: MessageHeader, _ lookup: Lookup,
        _ code: ResponseCode
    ) -> Verdict {
        var name = lookup.name
        var kept: [Record] = []
        var isComplete = false
        for _ in 0..<chainLimit {
            let own = records.answers.filter { $0.name == name }
            let wanted = own.filter { $0.type == lookup.type }
            let aliases = own.filter { $0.type == .cname }
            // A name has one canonical name (RFC 2181, 10.1).
            guard aliases.count <= 1 else { return .malformed }
            if lookup.wantsSignatures {
                let covered = wanted.isEmpty ? RecordType.cname : lookup.type
                kept += own.filter {
                    $0.type == .rrsig && $0.data.count >= 2 && $0.data.span.u16(at: 0) == covered.rawValue
                }
            }
            if !wanted.isEmpty {
                kept += wanted
                isComplete = true
                break
            }
            guard let alias = aliases.first else { break }
            // A ring answers nothing.
            guard !kept.contains(where: { $0.type == .cname && $0.name == name }) else { return .malformed }
            kept.append(alias)
            name = DomainName(trusted: alias.data)
        }
        // Answers, but none of them of the asked name and type: that is no denial, only nonsense.
        guard !kept.isEmpty || header.answerCount == 0 else { return .malformed }
        // Signatures stand behind what they sign.
        kept = kept.filter { $0.type != .rrsig } + kept.filter { $0.type == .rrsig }
        if isComplete {
            guard code == .noError else { return .malformed }
            let ttl = kept.map(\.ttl).min() ?? 0
            return .answer(
                UpstreamAnswer(
                    message: encode(kept, [], header, lookup, code), ttl: ttl, code: code, isDenial: false))
        }
        let soa = records.authorities.first { $0.type == .soa && name.isWithin($0.name) }
        guard let soa else {
            // A server that points elsewhere instead of answering is of no use to one that forwards.
            if code == .noError, kept.isEmpty, records.authorities.contains(where: { $0.type == .ns }) {
                return .refused(.serverFailure)
            }
            return .answer(
                UpstreamAnswer(message: encode(kept, [], header, lookup, code), ttl: 0, code: code, isDenial: true))
        }
        var authorities = [soa]
        if lookup.wantsSignatures {
            authorities += records.authorities.filter {
                [.nsec, .nsec3, .rrsig].contains($0.type) && $0.name.isWithin(soa.name)
            }
        }
        let minimum = soa.data.span.u32(at: soa.data.count - 4)
        let ttl = min(kept.map(\.ttl).min() ?? .max, soa.ttl, minimum)
        return .answer(
            UpstreamAnswer(
                message: encode(kept, authorities, header, lookup, code), ttl: ttl, code: code, isDenial: true))
    }

    /// A message of its own: owners point to where their name stands already.
    private static func encode(
        _ answers: [Record], _ authorities: [Record], _ header: MessageHeader, _ lookup: Lookup, _ code: ResponseCode
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        for value in [0, 0x8180 | code.rawValue, 1, UInt16(answers.count), UInt16(authorities.count), 0] {
            bytes.append(bigEndian: value)
        }
        bytes += lookup.name.wire
        bytes.append(bigEndian: lookup.type.rawValue)
        bytes.append(bigEndian: UInt16(1))
        var known: [DomainName: Int] = [lookup.name: MessageHeader.size]
        for record in answers + authorities {
            if let offset = known[record.name] {
                bytes.append(bigEndian: UInt16(0xc000 | offset))
            } else {
                if bytes.count < 0x4000 { known[record.name] = bytes.count }
                bytes += record.name.wire
            }
            bytes.append(bigEndian: record.type.rawValue)
            bytes.append(bigEndian: UInt16(1))
            bytes.append(bigEndian: record.ttl)
            bytes.append(bigEndian: UInt16(record.data.count))
            if record.type == .cname, bytes.count < 0x4000 { known[DomainName(trusted: record.data)] = bytes.count }
            bytes += record.data
        }
        return bytes
    }
}
