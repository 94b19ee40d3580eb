/// The systemd unit that a registered Pod stands for.
public enum PodUnit {
    /// Names the unit: `shop.service`. The data plane of the Pod's node follows it.
    public static let annotation = "traffic.martlet.dev/unit"
    /// The Pod's condition that says whether the unit is active; the Pod is ready only while it is `True`.
    public static let condition = "traffic.martlet.dev/unit-active"

    /// What the condition says of a unit.
    public static func message(_ unit: String, _ words: String) -> String { "unit \(unit) \(words)" }

    /// Whether a condition is about this unit, not about one that the Pod named before.
    public static func speaks(_ condition: PodCondition, of unit: String) -> Bool {
        condition.message?.hasPrefix(message(unit, "")) == true
    }

    /// Whether a text is the name of a unit that can be followed: letters, digits and `:-_.\\@`, with a suffix of a kind
    /// that runs something (systemd.unit(5)), at most 255 bytes. A template (`shop@.service`) is none, an instance of it is.
    public static func isName(_ text: String) -> Bool {
        guard let dot = text.lastIndex(of: "."), dot != text.startIndex, text.utf8.count <= 255 else { return false }
        guard ["service", "socket", "scope", "target"].contains(text[text.index(after: dot)...]) else { return false }
        guard text.first != "@", text[..<dot].last != "@" else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            case UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "\\"),
                UInt8(ascii: "@"):
                true
            default: false
            }
        }
    }
}
