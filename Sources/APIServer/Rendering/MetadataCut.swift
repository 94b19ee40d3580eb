import KubeModel

/// Cuts and joins the bytes of stored objects without decoding them.
///
/// All of them begin with `{"apiVersion":…,"kind":…,"metadata":{…}` (`DocumentOrder`), compact and valid JSON.
enum MetadataCut {
    /// Where the value of `metadata` is, braces included; nil when the bytes begin otherwise.
    static func metadata(in bytes: [UInt8]) -> Range<Int>? {
        bytes.withUnsafeBufferPointer { buffer in
            guard let key = firstRange(of: metadataKey, in: buffer) else { return nil }
            let open = key.upperBound - 1
            return closingBrace(in: buffer, from: open).map { open..<($0 + 1) }
        }
    }

    /// `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{…}}` of an object.
    static func partialMetadata(of bytes: [UInt8], version: String, into output: inout [UInt8]) {
        output += Array(
            "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/\(version)\",\"metadata\":".utf8)
        if let range = metadata(in: bytes) {
            output += bytes[range]
        } else {
            output += [UInt8(ascii: "{"), UInt8(ascii: "}")]
        }
        output.append(UInt8(ascii: "}"))
    }

    /// The same as a document, around this metadata.
    static func partialMetadata(_ metadata: JSONValue, version: String) -> JSONValue {
        [
            "kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": metadata,
        ]
    }

    private static let metadataKey = Array("\"metadata\":{".utf8)

    /// Nothing in front of metadata can hold the key: `apiVersion` and `kind` are plain names.
    private static func firstRange(of key: [UInt8], in buffer: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        let limit = min(buffer.count - key.count, 512)
        guard limit >= 0 else { return nil }
        for start in 0...limit where buffer[start] == key[0] {
            if key.indices.allSatisfy({ buffer[start + $0] == key[$0] }) { return start..<(start + key.count) }
        }
        return nil
    }

    private static func closingBrace(in buffer: UnsafeBufferPointer<UInt8>, from open: Int) -> Int? {
        var depth = 0
        var index = open
        while index < buffer.count {
            switch buffer[index] {
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 { return index }
            case UInt8(ascii: "\""):
                index += 1
                while index < buffer.count, buffer[index] != UInt8(ascii: "\"") {
                    index += buffer[index] == UInt8(ascii: "\\") ? 2 : 1
                }
            default: break
            }
            index += 1
        }
        return nil
    }
}
