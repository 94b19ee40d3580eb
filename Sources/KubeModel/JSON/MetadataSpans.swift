/// Where the parts of an encoded object's metadata stand in its bytes, found in one pass without building anything.
///
/// The bytes must be those of a valid JSON object; anything else gives an error or nonsense, never a trap. Spans of
/// strings are without their quotes. An absent part, and one that is no string or has escapes in it, has an empty span.
public struct MetadataSpans: Sendable, Hashable {
    public private(set) var name = 0..<0
    public private(set) var namespace = 0..<0
    public private(set) var uid = 0..<0
    public private(set) var resourceVersion = 0..<0
    /// The whole value, braces included, whatever it is.
    public private(set) var labels = 0..<0
    /// The first member of `metadata`, or its closing brace: where `"resourceVersion":"7",` may be put in, without the
    /// comma when `isEmpty`.
    public private(set) var start = 0
    public private(set) var isEmpty = true

    /// Scans `bytes`, as below.
    public init(of bytes: [UInt8]) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in try MetadataSpans(of: buffer) }
    }

    /// Scans up to the end of `metadata`, which every object has near its start.
    /// - Throws: what is wrong with the bytes; `unexpectedEnd` also for an object without metadata.
    public init(of bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        var scanner = ByteScanner(bytes)
        try scanner.enterObject()
        while let key = try scanner.nextKey() {
            guard scanner.equals(key, "metadata") else {
                try scanner.skipValue()
                continue
            }
            try scanner.enterObject()
            start = scanner.position
            while let key = try scanner.nextKey() {
                isEmpty = false
                try read(key, &scanner)
            }
            return
        }
        throw JSONError(.unexpectedEnd, "object has no metadata", offset: bytes.count)
    }

    private mutating func read(_ key: Range<Int>, _ scanner: inout ByteScanner) throws(JSONError) {
        if scanner.equals(key, "name") {
            name = try scanner.plainText()
        } else if scanner.equals(key, "namespace") {
            namespace = try scanner.plainText()
        } else if scanner.equals(key, "uid") {
            uid = try scanner.plainText()
        } else if scanner.equals(key, "resourceVersion") {
            resourceVersion = try scanner.plainText()
        } else if scanner.equals(key, "labels") {
            labels = try scanner.valueSpan()
        } else {
            try scanner.skipValue()
        }
    }

    /// The bytes with `metadata.resourceVersion` set. They must be those that were scanned, and hold no resource
    /// version yet. Its digits begin at `start + MetadataSpans.versionPrefixLength` of the result.
    public func splicing(resourceVersion: some BinaryInteger, into bytes: [UInt8]) -> [UInt8] {
        let version = String(resourceVersion)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + version.utf8.count + Self.versionPrefixLength + 2)
        let place = min(start, bytes.count)
        result.append(contentsOf: bytes[..<place])
        result.append(contentsOf: Self.versionPrefix.utf8)
        result.append(contentsOf: version.utf8)
        result.append(contentsOf: (isEmpty ? "\"" : "\",").utf8)
        result.append(contentsOf: bytes[place...])
        return result
    }

    /// The length of what `splicing` puts before the digits.
    public static let versionPrefixLength = versionPrefix.utf8.count
    private static let versionPrefix = "\"resourceVersion\":\""
}
