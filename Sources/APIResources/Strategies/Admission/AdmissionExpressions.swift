import CEL
import KubeModel

/// The expressions of webhooks and policies: what can be said about them without running them.
enum AdmissionExpressions {
    static func check(_ expression: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if expression.allSatisfy(\.isWhitespace) {
            return errors.required(path, "expression is not specified")
        }
        if let problem = CELSource.complaint(about: expression) {
            errors.invalid(path, .string(expression), "compilation failed: \(problem)")
        }
    }

    /// `[A-Za-z_][A-Za-z0-9_]*` that is no word of the language.
    static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetter(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            && CELSource.complaint(about: name) == nil && !["true", "false", "null"].contains(name)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
}
