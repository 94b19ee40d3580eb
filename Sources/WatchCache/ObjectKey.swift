import Glibc
import KubeModel

/// `NAMESPACE/NAME`, or `NAME` of a cluster-scoped kind: the store key without the resource's prefix.
///
/// Both stand in the object's bytes already, so that only their places are kept.
enum ObjectKey: Sendable {
    struct Span: Sendable {
        let start: UInt32
        let length: UInt16

        /// - Returns: nil for a place beyond what the numbers can say.
        init?(_ range: Range<Int>) {
            guard let start = UInt32(exactly: range.lowerBound), let length = UInt16(exactly: range.count) else {
                return nil
            }
            self.start = start
            self.length = length
        }

        init(start: UInt32, length: UInt16) {
            self.start = start
            self.length = length
        }

        func of(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
            UnsafeBufferPointer(rebasing: bytes[Int(start)..<(Int(start) + Int(length))])
        }

        func moved(by distance: Int) -> Span {
            length == 0 ? self : Span(start: UInt32(Int(start) + distance), length: length)
        }
    }

    /// `namespace` is empty for a cluster-scoped kind.
    case places(namespace: Span, name: Span)
    /// Of bytes that say something else than the key, which no object of this server does.
    case text(String)

    /// The key `text` of an object with these bytes and the spans found in them.
    init(_ text: String, in bytes: [UInt8], namespace: Range<Int>, name: Range<Int>) {
        self = .text(text)
        guard let namespace = Span(namespace), let name = Span(name), name.length > 0 else { return }
        let key = ObjectKey.places(namespace: namespace, name: name)
        if key.order(in: bytes, to: text) == 0 { self = key }
    }

    /// The key when the bytes have got longer by `distance` before the name and the namespace.
    func moved(by distance: Int) -> ObjectKey {
        switch self {
        case .places(let namespace, let name):
            .places(namespace: namespace.moved(by: distance), name: name.moved(by: distance))
        case .text: self
        }
    }

    func text(in bytes: [UInt8]) -> String {
        switch self {
        case .text(let text): return text
        case .places(let namespace, let name):
            return bytes.withUnsafeBufferPointer { bytes in
                let text = String(decoding: name.of(bytes), as: UTF8.self)
                return namespace.length == 0 ? text : String(decoding: namespace.of(bytes), as: UTF8.self) + "/" + text
            }
        }
    }

    /// Negative, zero or positive, as this key is before, equal to or behind `other` by their bytes: the store's order.
    /// (Swift's own is that of normalised Unicode.)
    func order(in bytes: [UInt8], to other: String) -> Int {
        other.withBytes { order(in: bytes, to: $0) }
    }

    func order(in bytes: [UInt8], to other: UnsafeBufferPointer<UInt8>) -> Int {
        switch self {
        case .text(let text): return text.withBytes { byteOrder($0, other) }
        case .places(let namespace, let name):
            return bytes.withUnsafeBufferPointer { bytes in
                guard namespace.length > 0 else { return byteOrder(name.of(bytes), other) }
                let length = Int(namespace.length)
                let first = byteOrder(namespace.of(bytes), UnsafeBufferPointer(rebasing: other.prefix(length)))
                if first != 0 { return first }
                guard other.count > length else { return 1 }
                let slash = Int(UInt8(ascii: "/")) - Int(other[length])
                if slash != 0 { return slash }
                return byteOrder(name.of(bytes), UnsafeBufferPointer(rebasing: other[(length + 1)...]))
            }
        }
    }
}

/// Negative, zero or positive, as `left` is before, equal to or behind `right` by their bytes.
package func byteOrder(_ left: String, _ right: String) -> Int {
    left.withBytes { left in right.withBytes { byteOrder(left, $0) } }
}

private func byteOrder(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int {
    let common = min(left.count, right.count)
    if common > 0, let first = left.baseAddress, let second = right.baseAddress {
        let order = memcmp(first, second, common)
        if order != 0 { return Int(order) }
    }
    return left.count - right.count
}

extension String {
    /// Lends the text's UTF-8, in place where it lies in one piece, as that of every string made by Swift does.
    func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        if let result = utf8.withContiguousStorageIfAvailable(body) { return result }
        return Array(utf8).withUnsafeBufferPointer(body)
    }
}
