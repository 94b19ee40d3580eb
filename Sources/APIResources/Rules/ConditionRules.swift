import KubeModel

/// The rules of `metav1.Condition`, for the few kinds whose conditions Kubernetes checks (`ValidateConditions`).
enum ConditionRules {
    private static let maxReasonLength = 1024
    private static let maxMessageLength = 32 << 10
    /// One letter, and at the end one or a digit or an underscore.
    private static let reasonMessage =
        "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
        + "characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or "
        + "'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is "
        + "'[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"

    static func check(_ conditions: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var types: Set<ByteKey> = []
        for (index, condition) in conditions.enumerated() {
            let path = path.index(index)
            let type = condition.text("type")
            if !types.insert(ByteKey(type)).inserted { errors.duplicate(path.child("type"), .string(type)) }
            check(condition, type, path, &errors)
        }
    }

    private static func check(
        _ condition: JSONValue, _ type: String, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        if type.isEmpty {
            errors.required(path.child("type"), "must be set")
        } else {
            errors.invalid(path.child("type"), .string(type), Validation.qualifiedName(type))
        }
        errors.oneOf(path.child("status"), condition.text("status"), ["False", "True", "Unknown"])
        errors.nonnegative(path.child("observedGeneration"), condition["observedGeneration"])
        if condition.at("lastTransitionTime") == nil {
            errors.required(path.child("lastTransitionTime"), "must be set")
        }
        let reason = condition.text("reason")
        if reason.isEmpty {
            errors.required(path.child("reason"), "must be set")
        } else {
            if !isReason(reason) { errors.invalid(path.child("reason"), .string(reason), reasonMessage) }
            if reason.utf8.count > maxReasonLength { errors.tooLong(path.child("reason"), maxReasonLength) }
        }
        if condition.text("message").utf8.count > maxMessageLength {
            errors.tooLong(path.child("message"), maxMessageLength)
        }
    }

    private static func isReason(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, isLetter(first), let last = bytes.last else { return false }
        let marks = Array("_,:".utf8)
        return bytes.allSatisfy { isLetter($0) || isDigit($0) || marks.contains($0) }
            && (isLetter(last) || isDigit(last) || last == UInt8(ascii: "_"))
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
