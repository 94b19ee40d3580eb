/// A text that is equal to another, and comes before it, by its bytes.
///
/// `String` compares by canonical equivalence: a composed and a decomposed `é` are one key of a dictionary and one member
/// of a set. What others send is told apart by its bytes, as in Kubernetes, so texts of theirs are keys in this form.
package struct ByteKey: Hashable, Comparable, Sendable {
    package let text: String

    @inline(__always)
    package init(_ text: String) {
        self.text = text
    }

    package static func == (left: ByteKey, right: ByteKey) -> Bool { sameBytes(left.text, right.text) }

    package static func < (left: ByteKey, right: ByteKey) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // Two keys side by side are not their concatenation.
        hasher.combine(0xff as UInt8)
    }
}

extension ByteKey: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        self.text = text
    }
}
