package import KubeModel

/// Takes `metadata.managedFields` out of an encoded object and puts it back in, so that nothing that reads or compares
/// objects has to walk over it.
package enum ManagedFieldsCut {
    /// - Parameter bytes: an encoded object, which is valid JSON.
    /// - Returns: the object without the field, and the field's value; empty when there is none.
    package static func cut(_ bytes: [UInt8]) -> (object: [UInt8], managedFields: [UInt8]) {
        guard let (key, value) = bytes.withUnsafeBufferPointer(places) else { return (bytes, []) }
        // The comma before it goes too, or that behind the only member in front.
        var start = key - 1
        while start > 0, bytes[start] <= 0x20 { start -= 1 }
        var end = value.upperBound
        if bytes[start] != UInt8(ascii: ",") {
            start += 1
            while end < bytes.count, bytes[end] <= 0x20 { end += 1 }
            if end < bytes.count, bytes[end] == UInt8(ascii: ",") { end += 1 }
        }
        var object: [UInt8] = []
        object.reserveCapacity(bytes.count)
        object += bytes[..<start]
        object += bytes[end...]
        return (object, Array(bytes[value]))
    }

    /// Where the field's key begins, with its quote, and where its value is.
    private static func places(_ bytes: UnsafeBufferPointer<UInt8>) -> (Int, Range<Int>)? {
        var scanner = ByteScanner(bytes)
        do throws(JSONError) {
            try scanner.enterObject()
            while let key = try scanner.nextKey() {
                guard scanner.equals(key, "metadata") else {
                    try scanner.skipValue()
                    continue
                }
                try scanner.enterObject()
                while let key = try scanner.nextKey() {
                    let start = scanner.position
                    try scanner.skipValue()
                    if scanner.equals(key, "managedFields") { return (key.lowerBound - 1, start..<scanner.position) }
                }
                return nil
            }
        } catch {
            // What is no object has no such field.
            return nil
        }
        return nil
    }

    /// Appends an object's metadata with the field as its last member.
    package static func encode(_ metadata: JSONObject, _ managedFields: [UInt8], into output: inout [UInt8]) {
        metadata.encode(into: &output)
        guard !managedFields.isEmpty else { return }
        output.removeLast()
        if !metadata.isEmpty { output.append(UInt8(ascii: ",")) }
        output += "\"managedFields\":".utf8
        output += managedFields
        output.append(UInt8(ascii: "}"))
    }
}
