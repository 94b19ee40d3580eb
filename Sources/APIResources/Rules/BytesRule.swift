import KubeModel

/// Values of bytes fields: base64 with padding, as Go's decoder wants it.
enum BytesRule {
    /// Checks one value; the message does not repeat it, since it may be secret.
    /// - Returns: the bytes it stands for, none when it is not base64.
    @discardableResult
    static func check(_ value: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) -> [UInt8] {
        let text = value.string ?? ""
        let digits = text.utf8.reduce(0) { $1 == UInt8(ascii: "\n") || $1 == UInt8(ascii: "\r") ? $0 : $0 + 1 }
        guard digits % 4 == 0, let bytes = Base64.decode(text) else {
            errors.invalid(path, "<contents redacted>", "illegal base64 data")
            return []
        }
        return bytes
    }
}
