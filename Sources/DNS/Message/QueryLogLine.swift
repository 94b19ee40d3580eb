package import NetworkTypes

/// A query and its answer as a line, in the format that CoreDNS' plugin `log` has unless told otherwise:
/// `10.0.0.1:40212 - 49217 "A IN example.com. udp 40 false 1232" NOERROR qr,rd,ra 84 0.000120000s`.
package enum QueryLogLine {
    /// The longest line: a name whose every byte is written as four characters, and the rest.
    package static let maximumLength = 1300

    /// Adds a line with its end; nothing for messages that are none.
    package static func append(
        _ query: Span<UInt8>, from client: SocketAddress, isStream: Bool, answer: Span<UInt8>, nanoseconds: UInt64,
        to bytes: inout [UInt8]
    ) {
        var name = WireName()
        let read: QueryMessage
        switch QueryMessage.read(query, name: &name) {
        case .query(let message), .refused(let message, _): read = message
        case .unanswerable: return
        }
        guard let header = MessageHeader(answer) else { return }
        let asked = read.hasQuestion ? name.name().description : "."
        let edns = read.edns
        let question =
            "\(read.type) \(Self.className(read.recordClass)) \(asked) \(isStream ? "tcp" : "udp") \(query.count) "
            + "\(edns?.wantsSignatures ?? false) \(edns?.payloadSize ?? 512)"
        let line =
            "\(client) - \(read.id) \"\(question)\" \(ResponseCode(rawValue: header.code)) \(flags(header)) "
            + "\(answer.count) \(seconds(nanoseconds))s\n"
        bytes += line.utf8
    }

    private static func className(_ value: UInt16) -> String {
        switch value {
        case 1: "IN"
        case 3: "CH"
        case 4: "HS"
        case 254: "NONE"
        case 255: "ANY"
        default: "CLASS\(value)"
        }
    }

    private static func flags(_ header: MessageHeader) -> String {
        let names: [(UInt16, String)] = [
            (0x8000, "qr"), (0x0400, "aa"), (0x0200, "tc"), (0x0100, "rd"), (0x0080, "ra"), (0x0020, "ad"),
            (0x0010, "cd"),
        ]
        return names.filter { header.flags & $0.0 != 0 }.map(\.1).joined(separator: ",")
    }

    private static func seconds(_ nanoseconds: UInt64) -> String {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        return "\(whole)." + String(repeating: "0", count: 9 - digits.count) + digits
    }
}
