import KubeModel

/// Rules of numbers and of counts that may be percentages.
extension [FieldError] {
    /// A number that may be absent and must not be negative.
    mutating func nonnegative(_ path: @autoclosure () -> FieldPath, _ value: JSONValue?) {
        if let value, let number = value.int, number < 0 {
            invalid(path(), value, "must be greater than or equal to 0")
        }
    }

    /// Fields of one object that must not be negative.
    mutating func nonnegative(_ path: FieldPath, _ object: JSONValue?, _ keys: [String]) {
        for key in keys { nonnegative(path.child(key), object[key]) }
    }

    /// Fields of one object that must not exceed a number of it, as in a status.
    mutating func atMost(_ limit: String, _ keys: [String], _ path: FieldPath, _ object: JSONValue?, _ message: String)
    {
        let maximum = object[limit].int ?? 0
        for key in keys {
            guard let value = object[key], let number = value.int, number > maximum else { continue }
            invalid(path.child(key), value, message)
        }
    }

    /// A count that never goes down.
    mutating func notDecremented(_ key: String, _ object: JSONValue, _ old: JSONValue) {
        guard let before = old["status"][key].int, (object["status"][key].int ?? 0) < before else { return }
        invalid(FieldPath("status").child(key), object["status"][key] ?? 0, "cannot be decremented")
    }
}

/// A count of Pods or a percentage of them (`intstr.IntOrString`).
struct CountOrPercent {
    let value: JSONValue

    /// nil for an absent field.
    init?(_ value: JSONValue?) {
        guard let value, value != .null else { return nil }
        self.value = value
    }

    /// The percentage, when it is one.
    private var percent: Int? {
        guard let text = value.string, Validation.percent(text).isEmpty else { return nil }
        return Int(text.dropLast())
    }

    /// The count, or the percentage's number.
    var amount: Int { percent ?? value.int ?? Int(value.string ?? "") ?? 0 }

    /// Kubernetes: `ValidatePositiveIntOrPercent`.
    func check(_ path: FieldPath, _ errors: inout [FieldError]) {
        if let text = value.string {
            errors.invalid(path, value, Validation.percent(text))
        } else {
            errors.nonnegative(path, value)
        }
    }

    /// Kubernetes: `IsNotMoreThan100Percent`.
    func checkAtMost100Percent(_ path: FieldPath, _ errors: inout [FieldError]) {
        if let percent, percent > 100 { errors.invalid(path, value, "must not be greater than 100%") }
    }
}
