import KubeModel

/// The name of a controller: a domain, a slash and a path, such as `example.com/ingress`.
enum ControllerNameRule {
    static let maxLength = 250
    private static let pathFormat = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
    private static let pathMarks = Set("/-._~%!$&'()*+,;=:".utf8)

    static func check(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if text.utf8.count > maxLength { errors.tooLong(path, maxLength) }
        guard !text.isEmpty else { return errors.required(path) }
        let segments = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard segments.count == 2, !segments[0].isEmpty, !segments[1].isEmpty else {
            return errors.invalid(
                path, .string(text), "must be a domain-prefixed path (such as \"acme.io/foo\")")
        }
        let problems = Validation.dns1123Subdomain(segments[0])
        guard problems.isEmpty else { return errors.invalid(path, .string(segments[0]), problems) }
        if !segments[1].utf8.allSatisfy({ Self.isLetterOrDigit($0) || pathMarks.contains($0) }) {
            errors.invalid(
                path, .string(segments[1]), "Invalid path (regex used for validation is '\(pathFormat)')")
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
