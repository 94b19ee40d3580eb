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
        bytes.reserveCapacity(bytes.count + 192)
        bytes += client.description.utf8
        bytes += " - ".utf8
        append(UInt64(read.id), to: &bytes)
        bytes += " \"".utf8
        bytes += read.type.description.utf8
        bytes.append(UInt8(ascii: " "))
        bytes += className(read.recordClass).utf8
        bytes.append(UInt8(ascii: " "))
        bytes += (read.hasQuestion ? name.name().description : ".").utf8
        bytes += (isStream ? " tcp " : " udp ").utf8
        append(UInt64(query.count), to: &bytes)
        bytes += (read.edns?.wantsSignatures == true ? " true " : " false ").utf8
        append(UInt64(read.edns?.payloadSize ?? 512), to: &bytes)
        bytes += "\" ".utf8
        bytes += ResponseCode(rawValue: header.code).description.utf8
        bytes.append(UInt8(ascii: " "))
        append(flagsOf: header, to: &bytes)
        bytes.append(UInt8(ascii: " "))
        append(UInt64(answer.count), to: &bytes)
        bytes.append(UInt8(ascii: " "))
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        append(whole, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        append(rest, digits: 9, to: &bytes)
        bytes += "s\n".utf8
    }

    /// In decimal, with zeros before it where it has fewer digits.
    private static func append(_ number: UInt64, digits: Int = 1, to bytes: inout [UInt8]) {
        var (divisor, count) = (UInt64(1), 1)
        while count < digits || number / divisor >= 10 { (divisor, count) = (divisor * 10, count + 1) }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
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

    private static let flags: [(bit: UInt16, name: StaticString)] = [
        (0x8000, "qr"), (0x0400, "aa"), (0x0200, "tc"), (0x0100, "rd"), (0x0080, "ra"), (0x0020, "ad"), (0x0010, "cd"),
    ]

    private static func append(flagsOf header: MessageHeader, to bytes: inout [UInt8]) {
        var isFirst = true
        for flag in flags where header.flags & flag.bit != 0 {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            flag.name.withUTF8Buffer { bytes += $0 }
        }
    }
}
