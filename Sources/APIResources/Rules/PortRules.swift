import KubeModel

/// The rules of port numbers, names and protocols.
enum PortRules {
    static let protocols = ["SCTP", "TCP", "UDP"]

    static func checkNumber(_ number: Int, _ path: @autoclosure () -> FieldPath, _ errors: inout [FieldError]) {
        if !(1...65_535).contains(number) {
            errors.invalid(path(), .integer(Int64(number)), "must be between 1 and 65535, inclusive")
        }
    }

    static func checkProtocol(_ name: String, _ path: @autoclosure () -> FieldPath, _ errors: inout [FieldError]) {
        if name.isEmpty {
            errors.required(path())
        } else {
            errors.oneOf(path(), name, protocols)
        }
    }

    static func checkNumberOrName(
        _ value: JSONValue?, _ path: @autoclosure () -> FieldPath, _ errors: inout [FieldError]
    ) {
        if let name = value?.string {
            errors.invalid(path(), .string(name), Validation.portName(name))
        } else {
            checkNumber(value?.int ?? 0, path(), &errors)
        }
    }
}
