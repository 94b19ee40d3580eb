import KubeModel

/// The options of create, update and patch, from the query.
struct WriteOptions: Sendable {
    /// What to do with fields the schema does not know and with duplicate keys (Kubernetes: `fieldValidation`).
    enum FieldValidation: String, Sendable {
        case ignore = "Ignore"
        case warn = "Warn"
        case strict = "Strict"
    }

    var isDryRun = false
    var fieldManager = ""
    var fieldValidation = FieldValidation.warn
    var force: Bool?

    init() {}

    init(_ query: QueryItems, kind: String) throws(Status) {
        guard !query.isEmpty else { return }
        var errors: [FieldError] = []
        fieldManager = query.string("fieldManager")
        force = query.optionalBool("force")
        Self.checkManager(fieldManager, &errors)
        isDryRun = Self.dryRun(query.all("dryRun"), &errors)
        if let text = query["fieldValidation"], !text.isEmpty {
            if let mode = FieldValidation(rawValue: text) {
                fieldValidation = mode
            } else {
                errors.append(
                    .notSupported(
                        FieldPath("fieldValidation"), .string(text), supported: ["", "Ignore", "Strict", "Warn"]))
            }
        }
        if !errors.isEmpty { throw Self.invalid(kind, errors) }
    }

    /// `dryRun=All` is the only value there is.
    static func dryRun(_ values: [String], _ errors: inout [FieldError]) -> Bool {
        guard values.allSatisfy({ $0 == "All" }) else {
            errors.append(
                .notSupported(
                    FieldPath("dryRun"), .array(values.map { .string($0) }), supported: ["All"]))
            return false
        }
        return !values.isEmpty
    }

    /// `ValidateFieldManager`: at most 128 bytes, each character one that can be seen.
    private static func checkManager(_ name: String, _ errors: inout [FieldError]) {
        let path = FieldPath("fieldManager")
        if name.utf8.count > maximumManagerLength { errors.append(.tooLong(path, maximum: maximumManagerLength)) }
        var position = 0
        for scalar in name.unicodeScalars {
            if !scalar.isGoPrint {
                errors.append(
                    .invalid(
                        path, .string(name),
                        "invalid character U+\(Self.hexadecimal(scalar)) (at position \(position))"))
            }
            position += UTF8.width(scalar)
        }
    }

    static let maximumManagerLength = 128

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    static func invalid(_ kind: String, _ errors: [FieldError]) -> Status {
        .invalid(GroupKind(group: "meta.k8s.io", kind: kind), "", errors)
    }
}

extension Unicode.Scalar {
    /// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and of the spaces only U+0020.
    fileprivate var isGoPrint: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
