package import NetworkTypes

/// One answered query, for a log. As CoreDNS' `log` writes it.
package struct QueryLine: Sendable {
    package var client: SocketAddress
    package var isStream: Bool
    /// The query and the answer as they travelled; no more of the answer than its header.
    package var query: [UInt8]
    package var flags: UInt16
    package var answerSize: Int
    package var elapsed: Duration

    /// Without a line break at the end; whatever a client sent is escaped.
    package var text: String {
        var name = WireName()
        var question = "- - ."
        var buffer = 512
        var wantsSignatures = false
        var id: UInt16 = 0
        switch QueryMessage.read(query.span, name: &name) {
        case .query(let read), .refused(let read, _):
            id = read.id
            if read.hasQuestion {
                let recordClass = read.recordClass == 1 ? "IN" : "CLASS\(read.recordClass)"
                question = "\(read.type) \(recordClass) \(name.name())"
            }
            buffer = read.edns?.payloadSize ?? 512
            wantsSignatures = read.edns?.wantsSignatures ?? false
        case .unanswerable: break
        }
        let transport = isStream ? "tcp" : "udp"
        let code = ResponseCode(rawValue: flags & 0xf)
        let names: [(UInt16, String)] = [
            (0x8000, "qr"), (0x0400, "aa"), (0x0200, "tc"), (0x0100, "rd"), (0x0080, "ra"), (0x0020, "ad"),
            (0x0010, "cd"),
        ]
        let set = names.filter { flags & $0.0 != 0 }.map(\.1).joined(separator: ",")
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        let microseconds = Int(seconds * 1e6)
        let fraction = String(microseconds % 1_000_000)
        let padded = String(repeating: "0", count: 6 - fraction.count) + fraction
        return
            "\(client) - \(id) \"\(question) \(transport) \(query.count) \(wantsSignatures) \(buffer)\" \(code) \(set) "
            + "\(answerSize) \(microseconds / 1_000_000).\(padded)s"
    }
}
