internal import Glibc

/// The larger members of a parsed object, each with the bytes it was read from. Another object that has the same bytes
/// under the same name gets the same value, neither parsed nor kept twice; and what shares its storage compares at once.
/// An update rarely changes all of an object.
public struct ParsedMembers: Sendable {
    private struct Member: Sendable {
        let name: String
        let span: Range<Int>
        let value: JSONValue
    }

    private let bytes: [UInt8]
    private let members: [Member]

    /// Less than this is parsed as fast as it is found.
    private static let minimumLength = 64

    /// - Parameter spans: where the values of the object's members stand in `bytes`, in their order.
    init?(_ object: JSONObject, _ spans: [Range<Int>], in bytes: [UInt8], except ignored: String) {
        guard object.count == spans.count else { return nil }
        var members: [Member] = []
        for (entry, span) in zip(object.entries, spans)
        where span.count >= Self.minimumLength && !sameBytes(entry.key, ignored) {
            members.append(Member(name: entry.key, span: span, value: entry.value))
        }
        if members.isEmpty { return nil }
        self.bytes = bytes
        self.members = members
    }

    /// The value of the member whose bytes stand at `start`, if there is one, and their number.
    func value(of name: String, at start: UnsafePointer<UInt8>, available: Int) -> (value: JSONValue, length: Int)? {
        for member in members where sameBytes(member.name, name) {
            let length = member.span.count
            // Behind a number could be another digit: then it is another number.
            guard length < available, Self.endsValue(start[length]) else { return nil }
            let isSame = bytes.withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { memcmp($0 + member.span.lowerBound, start, length) == 0 } ?? false
            }
            return isSame ? (member.value, length) : nil
        }
        return nil
    }

    private static func endsValue(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte <= 0x20
    }
}
