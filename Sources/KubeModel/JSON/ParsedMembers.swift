internal import Glibc

/// The larger members of a parsed object, each with the bytes it was read from. Another object that has the same bytes
/// under the same name gets the same value, neither parsed nor kept twice; and what shares its storage compares at once.
/// An update rarely changes all of an object.
public struct ParsedMembers: Sendable {
    /// Where a member's value stands.
    struct Span: Sendable {
        let bytes: Range<Int>
        /// Whether it stands there as `JSONWriter` would write it.
        let isAsWritten: Bool
    }

    private struct Member: Sendable {
        let name: String
        let span: Span
        let value: JSONValue
    }

    private let bytes: [UInt8]
    private let members: [Member]

    /// Less than this is parsed as fast as it is found.
    private static let minimumLength = 64

    /// - Parameter spans: where the values of the object's members stand in `bytes`, in their order.
    init?(_ object: JSONObject, _ spans: [Span], in bytes: [UInt8], except ignored: String) {
        guard object.count == spans.count else { return nil }
        var members: [Member] = []
        for (entry, span) in zip(object.entries, spans)
        where span.bytes.count >= Self.minimumLength && !sameBytes(entry.key, ignored) {
            members.append(Member(name: entry.key, span: span, value: entry.value))
        }
        if members.isEmpty { return nil }
        self.bytes = bytes
        self.members = members
    }

    /// The value of the member whose bytes stand at `start`, if there is one, and their number.
    func value(
        of name: String, at start: UnsafePointer<UInt8>, available: Int
    ) -> (value: JSONValue, length: Int, isAsWritten: Bool)? {
        for member in members where sameBytes(member.name, name) {
            let length = member.span.bytes.count
            // Behind a number could be another digit: then it is another number.
            guard length < available, Self.endsValue(start[length]) else { return nil }
            let isSame = bytes.withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { memcmp($0 + member.span.bytes.lowerBound, start, length) == 0 } ?? false
            }
            return isSame ? (member.value, length, member.span.isAsWritten) : nil
        }
        return nil
    }

    /// Of the whole text.
    package var byteCount: Int { bytes.count }

    /// Appends the text of a member that is still what was read, where writing it would give just that text.
    /// - Returns: whether it did.
    package func append(_ name: String, _ value: JSONValue, to output: inout [UInt8]) -> Bool {
        for member in members where sameBytes(member.name, name) {
            guard member.span.isAsWritten, member.value.isStored(with: value) else { return false }
            output += bytes[member.span.bytes]
            return true
        }
        return false
    }

    private static func endsValue(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte <= 0x20
    }
}
