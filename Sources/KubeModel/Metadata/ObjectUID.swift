/// An object's `metadata.uid` in little room: the sixteen bytes of a UUID (RFC 9562) in place of a text of 36 on the heap. A text of
/// another form, as other servers may write, stays one.
package struct ObjectUID: Hashable, Sendable, CustomStringConvertible {
    private enum Form: Hashable {
        case bytes(UInt64, UInt64)
        case text(String)
    }

    private let form: Form

    package init(_ text: String) { form = Self.bytes(text) ?? .text(text.detached) }

    package var description: String {
        switch form {
        case .text(let text): text
        case .bytes(let high, let low):
            String(unsafeUninitializedCapacity: 36) { text in
                var digit = 0
                for index in 0..<36 {
                    if Self.isHyphen(index) {
                        text[index] = UInt8(ascii: "-")
                        continue
                    }
                    let half = digit < 16 ? high : low
                    let value = UInt8(truncatingIfNeeded: half >> (60 - UInt64(digit % 16) * 4)) & 15
                    text[index] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
                    digit += 1
                }
                return 36
            }
        }
    }

    private static func isHyphen(_ index: Int) -> Bool { index == 8 || index == 13 || index == 18 || index == 23 }

    /// Nil for what ``description`` would not give back.
    private static func bytes(_ text: String) -> Form? {
        guard text.utf8.count == 36 else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        for (index, byte) in text.utf8.enumerated() {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "-") where isHyphen(index): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            guard !isHyphen(index) else { return nil }
            // Behind the third hyphen the second half begins.
            if index < 18 { halves.0 = halves.0 << 4 | UInt64(value) } else { halves.1 = halves.1 << 4 | UInt64(value) }
        }
        return .bytes(halves.0, halves.1)
    }
}
