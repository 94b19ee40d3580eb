/// Reads an encoded object's metadata without building a document, and splices a resource version into it.
///
/// Objects are stored and served as bytes that were encoded once; this is what list, watch and cache look at. The bytes
/// must be what `JSONValue.encoded()` makes of an object: compact or spaced, but valid. Anything else gives an error or
/// nonsense, never a trap.
public struct ObjectBytes: Sendable, Hashable {
    public var name = ""
    public var namespace = ""
    public var uid = ""
    public var resourceVersion: String?
    public var generation: Int64 = 0
    /// RFC 3339.
    public var deletionTimestamp: String?
    public var labels: [String: String] = [:]

    /// Where the first member of `metadata` starts: `"resourceVersion":"7",` may be inserted at this offset. Without a
    /// comma when `metadataIsEmpty`.
    public private(set) var metadataStart = 0
    public private(set) var metadataIsEmpty = false

    /// Scans up to the end of the object's `metadata`, which every object has near its start.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            try ObjectBytes(scanning: buffer)
        }
    }

    /// As `init(_:)`, over borrowed memory.
    public init(scanning bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        var scanner = ByteScanner(bytes)
        try scanner.enterObject()
        while let key = try scanner.nextKey() {
            guard scanner.equals(key, "metadata") else {
                try scanner.skipValue()
                continue
            }
            try scanner.enterObject()
            metadataStart = scanner.position
            metadataIsEmpty = true
            while let key = try scanner.nextKey() {
                metadataIsEmpty = false
                try read(key, &scanner)
            }
            return
        }
        throw JSONError(.unexpectedEnd, "object has no metadata", offset: bytes.count)
    }

    private mutating func read(_ key: Range<Int>, _ scanner: inout ByteScanner) throws(JSONError) {
        if scanner.equals(key, "name") {
            name = try scanner.text()
        } else if scanner.equals(key, "namespace") {
            namespace = try scanner.text()
        } else if scanner.equals(key, "uid") {
            uid = try scanner.text()
        } else if scanner.equals(key, "resourceVersion") {
            resourceVersion = try scanner.text()
        } else if scanner.equals(key, "deletionTimestamp") {
            deletionTimestamp = try scanner.text()
        } else if scanner.equals(key, "generation") {
            generation = Int64(try scanner.value().int ?? 0)
        } else if scanner.equals(key, "labels") {
            labels = try scanner.value().object?.strings ?? [:]
        } else {
            try scanner.skipValue()
        }
    }

    /// The bytes with `metadata.resourceVersion` set. They must be those that were scanned, and hold no resource
    /// version yet.
    public func splicing(resourceVersion: some BinaryInteger, into bytes: [UInt8]) -> [UInt8] {
        let version = String(resourceVersion)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + version.utf8.count + 21)
        let place = min(metadataStart, bytes.count)
        result.append(contentsOf: bytes[..<place])
        result.append(contentsOf: "\"resourceVersion\":\"".utf8)
        result.append(contentsOf: version.utf8)
        result.append(contentsOf: (metadataIsEmpty ? "\"" : "\",").utf8)
        result.append(contentsOf: bytes[place...])
        return result
    }
}

/// Walks over valid JSON without keeping it.
struct ByteScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    private func failure(_ message: String) -> JSONError {
        JSONError(position < bytes.count ? .unexpectedByte : .unexpectedEnd, message, offset: position)
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
    }

    mutating func enterObject() throws(JSONError) {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "{") else { throw failure("expected an object") }
        position += 1
    }

    /// Where the next key of the object stands, without its quotes, the value being next; nil after the last one.
    mutating func nextKey() throws(JSONError) -> Range<Int>? {
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
            position += 1
            skipSpace()
        }
        guard position < bytes.count else { throw failure("unexpected end of JSON input") }
        if bytes[position] == UInt8(ascii: "}") {
            position += 1
            return nil
        }
        let key = try string()
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { throw failure("expected a colon") }
        position += 1
        return key
    }

    /// Where a string stands, without its quotes.
    private mutating func string() throws(JSONError) -> Range<Int> {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\""), let base = bytes.baseAddress else {
            throw failure("expected a string")
        }
        position += 1
        let start = position
        let raw = UnsafeRawPointer(base)
        while position < bytes.count {
            if bytes.count - position >= 8 {
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let hits = specialBytes(word)
                if hits == 0 {
                    position += 8
                    continue
                }
                position += hits.trailingZeroBitCount >> 3
            }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<(position - 1)
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        position = bytes.count
        throw failure("unexpected end of JSON input")
    }

    func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != text.utf8Start[offset] { return false }
        return true
    }

    mutating func skipValue() throws(JSONError) {
        skipSpace()
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                _ = try string()
                if depth == 0 { return }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // At depth 0 the number or word before it has ended.
                if depth == 0 { return }
                depth -= 1
                position += 1
                if depth == 0 { return }
            case UInt8(ascii: ",") where depth == 0:
                return
            default:
                position += 1
            }
        }
        throw failure("unexpected end of JSON input")
    }

    /// The value that is next, parsed.
    mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        let start = position
        try skipValue()
        return try JSONParser.parse(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<position]))
    }

    /// The string that is next; null and other types count as empty.
    mutating func text() throws(JSONError) -> String {
        try value().string ?? ""
    }
}
