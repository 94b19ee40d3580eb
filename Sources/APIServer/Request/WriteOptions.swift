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
        isDryRun = try Self.dryRun(query.all("dryRun"), kind: kind)
        fieldManager = query.string("fieldManager")
        force = query.optionalBool("force")
        var errors: [FieldError] = []
        if fieldManager.utf8.count > 128 {
            errors.append(.tooLong(FieldPath("fieldManager"), maximum: 128))
        }
        if let text = query["fieldValidation"], !text.isEmpty {
            if let mode = FieldValidation(rawValue: text) {
                fieldValidation = mode
            } else {
                errors.append(
                    .notSupported(FieldPath("fieldValidation"), .string(text), supported: ["Ignore", "Warn", "Strict"]))
            }
        }
        if !errors.isEmpty { throw Self.invalid(kind, errors) }
    }

    /// `dryRun=All` is the only value there is.
    static func dryRun(_ values: [String], kind: String) throws(Status) -> Bool {
        let values = values.filter { !$0.isEmpty }
        if let wrong = values.first(where: { $0 != "All" }) {
            throw invalid(kind, [.notSupported(FieldPath("dryRun"), .string(wrong), supported: ["All"])])
        }
        return !values.isEmpty
    }

    static func invalid(_ kind: String, _ errors: [FieldError]) -> Status {
        .invalid(GroupKind(group: "meta.k8s.io", kind: kind), "", errors)
    }
}
