/// Reads JSON (RFC 8259) from UTF-8 bytes in one pass.
///
/// Stricter than Go's decoder where it would change what was said: invalid UTF-8, unpaired surrogates, integers beyond
/// 64 bits and numbers beyond `Double` are errors.
public enum JSONParser {
    public struct Limits: Sendable, Hashable {
        /// How deep arrays and objects may nest.
        public var maximumDepth: Int

        public init(maximumDepth: Int = 100) {
            self.maximumDepth = maximumDepth
        }

        public static let `default` = Limits()
    }

    /// Reads one document; a key that stands twice in an object is an error.
    public static func parse(_ bytes: [UInt8], limits: Limits = .default) throws(JSONError) -> JSONValue {
        try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            try parse(UnsafeRawBufferPointer(buffer), limits: limits)
        }
    }

    /// Reads one document; a key that stands twice in an object is an error.
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: Limits = .default
    ) throws(JSONError) -> JSONValue {
        var machine = JSONMachine(bytes, limits, duplicates: .reject)
        return try machine.document()
    }

    /// Reads one document; what it has in common with the object of `donor` is taken from there.
    /// - Parameters:
    ///   - members: becomes the members of the object other than `ignored`; nil where none is worth sharing.
    public static func parse(
        _ bytes: [UInt8], limits: Limits = .default, sharing donor: ParsedMembers?, members: inout ParsedMembers?,
        except ignored: String
    ) throws(JSONError) -> JSONValue {
        var spans: [ParsedMembers.Span] = []
        let value = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
            var machine = JSONMachine(
                UnsafeRawBufferPointer(buffer), limits, duplicates: .reject, donor: donor, recordsMembers: true)
            let value = try machine.document()
            spans = machine.memberSpans
            return value
        }
        if case .object(let object) = value {
            members = ParsedMembers(object, spans, in: bytes, except: ignored)
        }
        return value
    }

    /// Reads one document; a key that stands twice keeps its last value, and its path (`spec.ports[0].name`) is
    /// appended to `duplicateKeys`.
    public static func parse(
        _ bytes: [UInt8], limits: Limits = .default, duplicateKeys: inout [String]
    ) throws(JSONError) -> JSONValue {
        var members: ParsedMembers?
        return try parse(bytes, limits: limits, duplicateKeys: &duplicateKeys, members: &members, except: "")
    }

    /// As above.
    /// - Parameter members: becomes the members of the object other than `ignored`, for other documents to share; nil
    ///   where there is nothing to share.
    public static func parse(
        _ bytes: [UInt8], limits: Limits = .default, duplicateKeys: inout [String], members: inout ParsedMembers?,
        except ignored: String
    ) throws(JSONError) -> JSONValue {
        var found: [String] = []
        var spans: [ParsedMembers.Span] = []
        let value = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) -> JSONValue in
            let raw = UnsafeRawBufferPointer(buffer)
            var machine = JSONMachine(raw, limits, duplicates: .keepLast, recordsMembers: !ignored.isEmpty)
            let value = try machine.document()
            spans = machine.memberSpans
            if machine.sawDuplicate {
                // Rare, so paths are worked out in a second pass and cost the first one nothing.
                var second = JSONMachine(raw, limits, duplicates: .report)
                _ = try second.document()
                found = second.duplicatePaths
            }
            return value
        }
        duplicateKeys.append(contentsOf: found)
        if !ignored.isEmpty, found.isEmpty, case .object(let object) = value {
            members = ParsedMembers(object, spans, in: bytes, except: ignored)
        }
        return value
    }

    /// Reads one document from text; a key that stands twice in an object is an error.
    public static func parse(_ text: String, limits: Limits = .default) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8), limits: limits)
    }
}
