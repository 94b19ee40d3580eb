/// An answer being written: what its header will say.
struct Reply {
    /// Room for an OPT record with a cookie.
    static let extensionSize = 11 + 4 + ServerCookie.length

    private let query: QueryMessage
    var code = ResponseCode.noError
    var answers: UInt16 = 0
    var authorities: UInt16 = 0
    var additional: UInt16 = 0
    var isAuthoritative = false
    var isRecursionAvailable = false
    var isTruncated = false
    /// Where the name that is answered now stands in the message: the question's, or the target of the last CNAME.
    var owner = MessageHeader.size
    /// What is answered is another name than the question's.
    var isRewritten = false

    /// Begins with the question as it came, its case too (draft-vixie-dnsext-dns0x20), and keeps room for the OPT record.
    init(
        _ query: QueryMessage, _ message: Span<UInt8>, isStream: Bool, limit: Int, _ writer: inout MessageWriter
    ) {
        self.query = query
        writer.begin(limit: isStream ? 65_535 : min(limit, query.edns?.payloadSize ?? 512))
        for _ in 0..<6 { writer.append(UInt16(0)) }
        writer.append(message, MessageHeader.size..<query.questionEnd)
        if query.edns != nil { writer.reserve(Self.extensionSize) }
    }

    func writeHeader(_ writer: inout MessageWriter) {
        typealias Flag = MessageHeader.Flag
        var flags = Flag.response | query.flags & (0x7800 | Flag.recursionDesired | Flag.checkingDisabled)
        if isAuthoritative { flags |= Flag.authoritative }
        if isTruncated { flags |= Flag.truncated }
        if isRecursionAvailable { flags |= Flag.recursionAvailable }
        writer.put(query.id, at: 0)
        writer.put(flags | code.rawValue & 0xf, at: 2)
        writer.put(UInt16(query.hasQuestion ? 1 : 0), at: 4)
        writer.put(answers, at: 6)
        writer.put(authorities, at: 8)
        writer.put(additional, at: 10)
    }

    /// The owner of the next record: a pointer to where the name stands already.
    func writeOwner(_ name: WireName, _ writer: inout MessageWriter) {
        // A pointer has 14 bits.
        if owner < 0x4000 { writer.append(UInt16(0xc000 | owner)) } else { writer.append(name) }
    }
}
