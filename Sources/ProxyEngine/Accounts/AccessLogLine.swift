internal import NetworkTypes
internal import Transport

/// The text of one request in an access log: nginx' combined format with what ingress-nginx adds about the upstream.
///
///     CLIENT - - [TIME] "REQUEST LINE" STATUS BYTES "REFERER" "USER AGENT" SECONDS "HOST" [UPSTREAM] ENDPOINT REQUEST-ID
///
/// Whatever a client sends is inside quotes, with `"`, `\`, control characters and bytes above 0x7E as `\xHH` (nginx'
/// default escaping), and cut off at ``maxFieldBytes``; so a line is one line, and its length is bounded.
package struct AccessLogLine {
    package static let maxFieldBytes = 1024
    /// No line is longer: four quoted fields of four characters a byte, and the rest.
    package static let maxLineBytes = 5 * 4 * maxFieldBytes + 1024

    private var second = Int.min
    private var timeText: [UInt8] = []

    package init() {}

    /// Adds the line of `record`, its end included, to `out`.
    ///
    /// - Parameter unixTime: when the request ended, in seconds since 1970.
    package mutating func append(_ record: borrowing AccessRecord, unixTime: Int, to out: inout [UInt8]) {
        if unixTime != second {
            second = unixTime
            timeText = Self.time(unixTime)
        }
        Self.append("\(record.client.ip) - - [", to: &out)
        out += timeText
        Self.append("] ", to: &out)
        Self.appendQuoted(record.requestLineBytes, to: &out)
        // As nginx says it; the line is one of ours, so that its end is known.
        if record.isHTTP2, out.suffix(9).elementsEqual("HTTP/1.1\"".utf8) {
            out.replaceSubrange(out.count - 4..<out.count - 1, with: "2.0".utf8)
        }
        Self.append(" \(record.status) \(record.bytesDown) ", to: &out)
        Self.appendQuoted(record.field("referer"), to: &out)
        out.append(0x20)
        Self.appendQuoted(record.field("user-agent"), to: &out)
        Self.append(" \(Self.seconds(record.duration)) ", to: &out)
        Self.appendQuoted(record.field("host"), to: &out)
        Self.append(" [\(record.upstream ?? "-")] \(record.endpoint.map { "\($0)" } ?? "-") ", to: &out)
        Self.appendQuoted(record.field("x-request-id"), to: &out)
        out.append(0x0A)
    }

    private static func append(_ text: String, to out: inout [UInt8]) { out += text.utf8 }

    /// `28/Nov/2026:01:08:48 +0000`, from `Sat, 28 Nov 2026 01:08:48 GMT`.
    private static func time(_ unixTime: Int) -> [UInt8] {
        let date = Array(HTTPDate.text(unixTime: unixTime).utf8)
        guard date.count >= 25 else { return [] }
        var text: [UInt8] = []
        text += date[5..<7]
        text.append(0x2F)
        text += date[8..<11]
        text.append(0x2F)
        text += date[12..<16]
        text.append(0x3A)
        text += date[17..<25]
        append(" +0000", to: &text)
        return text
    }

    /// With three decimals.
    private static func seconds(_ duration: Duration) -> String {
        let milliseconds =
            Int(duration.components.seconds) * 1000
            + Int(duration.components.attoseconds / 1_000_000_000_000_000)
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)"
    }

    private static func appendQuoted(_ bytes: UnsafeRawBufferPointer?, to out: inout [UInt8]) {
        out.append(0x22)
        if let bytes, !bytes.isEmpty {
            for byte in bytes.prefix(maxFieldBytes) {
                if byte < 0x20 || byte > 0x7E || byte == 0x22 || byte == 0x5C {
                    out += [0x5C, 0x78, hexDigit(byte >> 4), hexDigit(byte & 15)]
                } else {
                    out.append(byte)
                }
            }
            if bytes.count > maxFieldBytes { append("...", to: &out) }
        } else {
            out.append(0x2D)
        }
        out.append(0x22)
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}
