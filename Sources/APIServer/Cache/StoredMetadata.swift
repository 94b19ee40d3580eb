import KubeModel

/// What the cache needs of a stored object's `metadata`, found in its bytes without parsing the rest.
///
/// The bytes are an object that this server encoded; anything else is read as an object without metadata.
struct StoredMetadata {
    var uid = ""
    var labels: [String: String] = [:]
    /// Where `"resourceVersion":"N"` goes, and the punctuation around it; `nil` without metadata.
    var splice: Splice?

    /// Kubernetes writes the version after the uid; an object without one gets it first.
    struct Splice {
        let offset: Int
        let before: StaticString
        let after: StaticString
    }

    init(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { buffer in
            var scan = JSONScan(bytes: buffer)
            scan.forEachMember { scan, key in
                guard scan.equals(key, "metadata") else { return scan.skipValue() }
                read(&scan)
                // What follows is of no interest here.
                return false
            }
        }
    }

    private mutating func read(_ scan: inout JSONScan) {
        let open = scan.index
        guard scan.peek == UInt8(ascii: "{") else { return }
        var isEmpty = true
        scan.forEachMember { scan, key in
            isEmpty = false
            if scan.equals(key, "labels") {
                scan.forEachMember { scan, key in
                    guard let value = scan.string() else { return false }
                    labels[scan.text(key)] = scan.text(value)
                    return true
                }
                return scan.isValid
            }
            if scan.equals(key, "uid"), let value = scan.string() {
                uid = scan.text(value)
                splice = Splice(offset: scan.index, before: ",", after: "")
                return true
            }
            return scan.skipValue()
        }
        guard scan.isValid else { return splice = nil }
        if splice == nil { splice = Splice(offset: open + 1, before: "", after: isEmpty ? "" : ",") }
    }
}

/// A walk over compact or spaced JSON that is known to be valid. On bytes that are not it stops, with `isValid` false.
private struct JSONScan {
    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var index = 0
    private(set) var isValid = true

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// Calls `body` at the value of each member of the object that begins here; it must move past the value, or return
    /// `false` to stop.
    mutating func forEachMember(_ body: (inout JSONScan, Range<Int>) -> Bool) {
        guard take(UInt8(ascii: "{")) else { return }
        if take(UInt8(ascii: "}")) { return }
        repeat {
            guard let key = string(), take(UInt8(ascii: ":")) else { return fail() }
            skipSpace()
            guard body(&self, key) else { return }
        } while take(UInt8(ascii: ","))
        if !take(UInt8(ascii: "}")) { fail() }
    }

    /// The inside of the string that begins here.
    mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = index
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return start..<(index - 1)
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        fail()
        return nil
    }

    /// - Returns: whether there was a whole value.
    mutating func skipValue() -> Bool {
        skipSpace()
        guard let first = peek else { return false }
        if first == UInt8(ascii: "\"") { return string() != nil }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            while let byte = peek, !Self.endsScalar(byte) { index += 1 }
            return true
        }
        var depth = 0
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                guard string() != nil else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            index += 1
            if depth == 0 { return true }
        }
        fail()
        return false
    }

    func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != text.utf8Start[offset] { return false }
        return true
    }

    func text(_ range: Range<Int>) -> String {
        let raw = UnsafeBufferPointer(rebasing: bytes[range])
        if !raw.contains(UInt8(ascii: "\\")) { return String(decoding: raw, as: UTF8.self) }
        // Escapes are rare here. The bytes were encoded by us; if they do not parse, they match as they stand.
        let quoted = [UInt8(ascii: "\"")] + Array(raw) + [UInt8(ascii: "\"")]
        return (try? JSONParser.parse(quoted))?.string ?? String(decoding: raw, as: UTF8.self)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard peek == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte <= 0x20 { index += 1 }
    }

    private mutating func fail() {
        isValid = false
        index = bytes.count
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || byte <= 0x20
    }
}
