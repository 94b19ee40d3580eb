/// A mark on a route that its receivers may act on (RFC 1997): 32 bits, written as two numbers of 16.
package struct BGPCommunity: Hashable, Comparable, Sendable {
    package var rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static func < (left: BGPCommunity, right: BGPCommunity) -> Bool { left.rawValue < right.rawValue }
}

extension BGPCommunity: LosslessStringConvertible {
    /// Reads `65535:65281`, or the name of a well-known one (RFC 1997, 3765, 7999, 8326).
    package init?(_ description: String) {
        if let known = Self.wellKnown[description] {
            rawValue = known
            return
        }
        let parts = description.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let high = number(parts[0], UInt16.self), let low = number(parts[1], UInt16.self)
        else { return nil }
        rawValue = UInt32(high) << 16 | UInt32(low)
    }

    package var description: String { "\(rawValue >> 16):\(rawValue & 0xffff)" }

    private static let wellKnown: [String: UInt32] = [
        "no-export": 0xffff_ff01, "no-advertise": 0xffff_ff02, "no-export-subconfed": 0xffff_ff03,
        "no-peer": 0xffff_ff04, "blackhole": 0xffff_029a, "graceful-shutdown": 0xffff_0000,
    ]
}

/// A mark on a route with room for AS numbers of four octets (RFC 8092).
package struct BGPLargeCommunity: Hashable, Comparable, Sendable {
    package var globalAdministrator: UInt32
    package var data1: UInt32
    package var data2: UInt32

    package init(globalAdministrator: UInt32, data1: UInt32, data2: UInt32) {
        self.globalAdministrator = globalAdministrator
        self.data1 = data1
        self.data2 = data2
    }

    package static func < (left: BGPLargeCommunity, right: BGPLargeCommunity) -> Bool {
        (left.globalAdministrator, left.data1, left.data2) < (right.globalAdministrator, right.data1, right.data2)
    }
}

extension BGPLargeCommunity: LosslessStringConvertible {
    /// Reads `large:64512:1:2`, as MetalLB writes it, or without the word.
    package init?(_ description: String) {
        var parts = description.split(separator: ":", omittingEmptySubsequences: false)
        if parts.first == "large" { parts.removeFirst() }
        guard parts.count == 3, let administrator = number(parts[0], UInt32.self),
            let data1 = number(parts[1], UInt32.self), let data2 = number(parts[2], UInt32.self)
        else { return nil }
        self.init(globalAdministrator: administrator, data1: data1, data2: data2)
    }

    package var description: String { "\(globalAdministrator):\(data1):\(data2)" }
}

/// Decimal digits without a sign.
private func number<Number: FixedWidthInteger>(_ text: Substring, _: Number.Type) -> Number? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
        return nil
    }
    return Number(text)
}
