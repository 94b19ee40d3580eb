import KubeModel

/// How validators collect what is wrong. Paths and values are made for what is refused only: nearly every document passes.
extension [FieldError] {
    mutating func required(_ path: FieldPath, _ detail: String = "") {
        append(.required(path, detail))
    }

    mutating func invalid(_ path: FieldPath, _ value: JSONValue, _ detail: String) {
        append(.invalid(path, value, detail))
    }

    /// One error for each message.
    mutating func invalid(
        _ path: @autoclosure () -> FieldPath, _ value: @autoclosure () -> JSONValue, _ details: [String]
    ) {
        for detail in details { append(.invalid(path(), value(), detail)) }
    }

    mutating func duplicate(_ path: FieldPath, _ value: JSONValue) {
        append(.duplicate(path, value))
    }

    mutating func forbidden(_ path: FieldPath, _ detail: String) {
        append(.forbidden(path, detail))
    }

    mutating func notSupported(_ path: FieldPath, _ value: String, _ supported: [String]) {
        append(.notSupported(path, .string(value), supported: supported))
    }

    /// Refuses a value that is not one of `supported`, which is in alphabetical order.
    mutating func oneOf(_ path: @autoclosure () -> FieldPath, _ value: String, _ supported: [String]) {
        if !supported.contains(where: { sameBytes($0, value) }) { notSupported(path(), value, supported) }
    }

    mutating func tooMany(_ path: FieldPath, _ actual: Int, _ maximum: Int) {
        append(.tooMany(path, actual: actual, maximum: maximum))
    }

    mutating func tooLong(_ path: FieldPath, _ maximum: Int) {
        append(.tooLong(path, maximum: maximum))
    }

    mutating func immutable(_ path: @autoclosure () -> FieldPath, _ value: JSONValue?, _ old: JSONValue?) {
        if !JSONValue.areEqual(value, old) { invalid(path(), value ?? .null, "field is immutable") }
    }
}
