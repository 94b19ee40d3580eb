import Glibc

/// Selecting by labels as they stand in an object's bytes: a list by label looks at every object of a kind, and a
/// dictionary for each of them would cost more memory than the labels themselves.
extension Selector {
    /// Whether labels, encoded as a JSON object of strings (braces included; empty: none), satisfy the selector.
    public func matches(encodedLabels labels: UnsafeBufferPointer<UInt8>) -> Bool {
        if requirements.isEmpty { return true }
        guard let base = labels.baseAddress, !labels.isEmpty else {
            return requirements.allSatisfy { $0.accepts(isPresent: false, equals: { _ in false }, text: { "" }) }
        }
        // Labels that pass validation need no escapes.
        if memchr(base, Int32(UInt8(ascii: "\\")), labels.count) != nil { return matches(Self.decoded(labels)) }
        for requirement in requirements {
            let value = Self.value(of: requirement.key, in: labels)
            let isAccepted = requirement.accepts(
                isPresent: value != nil, equals: { text in value.map { Self.equal($0, text) } ?? false },
                text: { value.map { String(decoding: $0, as: UTF8.self) } ?? "" })
            if !isAccepted { return false }
        }
        return true
    }

    /// The value of one of the encoded labels; nil when it is not among them.
    public static func value(of key: String, inEncodedLabels labels: UnsafeBufferPointer<UInt8>) -> String? {
        guard let base = labels.baseAddress, !labels.isEmpty else { return nil }
        if memchr(base, Int32(UInt8(ascii: "\\")), labels.count) != nil { return decoded(labels)[key] }
        return value(of: key, in: labels).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The text of a key's value. The bytes have no backslash, so that every quote begins or ends a string.
    private static func value(
        of key: String, in labels: UnsafeBufferPointer<UInt8>
    ) -> Slice<UnsafeBufferPointer<UInt8>>? {
        var strings = PlainStrings(bytes: labels)
        while let name = strings.next() {
            guard let value = strings.next() else { return nil }
            if equal(name, key) { return value }
        }
        return nil
    }

    private static func equal(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ text: String) -> Bool {
        guard bytes.count == text.utf8.count else { return false }
        let isEqual = text.utf8.withContiguousStorageIfAvailable { other -> Bool in
            guard let left = UnsafeBufferPointer(rebasing: bytes).baseAddress, let right = other.baseAddress else {
                return true
            }
            return memcmp(left, right, bytes.count) == 0
        }
        return isEqual ?? text.utf8.elementsEqual(bytes)
    }

    private static func decoded(_ labels: UnsafeBufferPointer<UInt8>) -> [String: String] {
        // What is no JSON object has no labels.
        (try? JSONParser.parse(UnsafeRawBufferPointer(labels)))?.object?.strings ?? [:]
    }
}

/// The strings of JSON text without escapes, in order.
private struct PlainStrings {
    let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    mutating func next() -> Slice<UnsafeBufferPointer<UInt8>>? {
        guard let open = quote(from: position), let close = quote(from: open + 1) else { return nil }
        position = close + 1
        return bytes[(open + 1)..<close]
    }

    private func quote(from start: Int) -> Int? {
        guard let base = bytes.baseAddress, start < bytes.count,
            let found = memchr(base + start, Int32(UInt8(ascii: "\"")), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
}
