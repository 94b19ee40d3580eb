/// An absolute domain name as it travels (RFC 1035, 3.1): labels, each behind its length, and the root's empty label.
///
/// Names compare and hash without regard to ASCII case (RFC 4343), so the bytes are kept in lower case.
package struct DomainName: Hashable, Sendable {
    /// The longest name, its last zero byte included.
    package static let maximumLength = 255
    /// The longest label.
    package static let maximumLabelLength = 63

    /// 1 to 255 bytes in lower case; the last one is 0.
    package let wire: [UInt8]

    package static let root = DomainName(trusted: [0])

    /// `wire` must be a well-formed name in lower case.
    init(trusted wire: [UInt8]) { self.wire = wire }

    /// Reads `example.com` or `example.com.`; `.` is the root. Labels may hold any ASCII but dots and spaces.
    ///
    /// - Throws: `.invalidName` with what is wrong.
    package init(_ text: some StringProtocol) throws(DNSError) {
        var wire: [UInt8] = []
        var label: [UInt8] = []
        func invalid(_ why: String) -> DNSError { DNSError(.invalidName, "\"\(text)\" is no domain name: \(why)") }
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw invalid("it is empty") }
        if bytes == [UInt8(ascii: ".")] {
            self = .root
            return
        }
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: ".") {
                guard !label.isEmpty else { throw invalid("a label is empty") }
                wire.append(UInt8(label.count))
                wire += label
                label = []
                continue
            }
            guard byte > 32, byte < 127 else { throw invalid("the byte at \(index) is no visible ASCII character") }
            label.append(byte.asciiLowercased)
            guard label.count <= Self.maximumLabelLength else { throw invalid("a label is longer than 63 bytes") }
        }
        if !label.isEmpty {
            wire.append(UInt8(label.count))
            wire += label
        }
        wire.append(0)
        guard wire.count <= Self.maximumLength else { throw invalid("it is longer than 255 bytes") }
        self.wire = wire
    }

    /// The name without its first label; nil for the root.
    package var parent: DomainName? {
        guard wire[0] != 0 else { return nil }
        return DomainName(trusted: Array(wire[(1 + Int(wire[0]))...]))
    }

    /// Whether it is `other` or lies below it.
    package func isWithin(_ other: DomainName) -> Bool {
        var index = 0
        while wire.count - index > other.wire.count { index += 1 + Int(wire[index]) }
        return wire.count - index == other.wire.count && wire[index...].elementsEqual(other.wire)
    }

    /// `label` before this name; nil when either is too long or the label is empty.
    package func prefixed(by label: some Collection<UInt8>) -> DomainName? {
        guard !label.isEmpty, label.count <= Self.maximumLabelLength, wire.count + label.count < Self.maximumLength
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(wire.count + label.count + 1)
        bytes.append(UInt8(label.count))
        for byte in label { bytes.append(byte.asciiLowercased) }
        bytes += wire
        return DomainName(trusted: bytes)
    }

    /// `label` before this name; nil when either is too long or the label is empty.
    package func prefixed(by label: some StringProtocol) -> DomainName? { prefixed(by: Array(label.utf8)) }
}

extension DomainName: CustomStringConvertible {
    /// With the dot at the end; bytes other than visible ASCII, and dots within labels, as `\DDD` (RFC 4343, 2.1).
    package var description: String {
        var text = ""
        var index = 0
        while wire[index] != 0 {
            let end = index + 1 + Int(wire[index])
            for byte in wire[(index + 1)..<end] {
                if byte > 32, byte < 127, byte != UInt8(ascii: "."), byte != UInt8(ascii: "\\") {
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            text += "."
            index = end
        }
        return text.isEmpty ? "." : text
    }
}

extension UInt8 {
    /// A–Z as a–z; every other byte as it is (RFC 4343).
    package var asciiLowercased: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }
}
