import CEL
import KubeModel

/// What is wrong with one of `spec.versions`.
struct VersionValidation {
    let version: JSONValue
    let path: FieldPath

    func collect(_ errors: inout [FieldError]) {
        deprecation(&errors)
        let before = errors.count
        if let schema = version["schema"]["openAPIV3Schema"], schema.object != nil {
            checkSchema(schema, path.child("schema", "openAPIV3Schema"), &errors)
        }
        subresources(&errors)
        for (index, column) in (version["additionalPrinterColumns"].array ?? []).enumerated() {
            Self.column(column, path.child("additionalPrinterColumns").index(index), &errors)
        }
        if errors.count == before || version["selectableFields"] != nil { selectableFields(&errors) }
    }

    private func deprecation(_ errors: inout [FieldError]) {
        guard let warning = version["deprecationWarning"].string else { return }
        let path = path.child("deprecationWarning")
        func refuse(_ detail: String) { errors.invalid(path, .string(warning), detail) }
        if version["deprecated"] != true { refuse("can only be set for deprecated versions") }
        if warning.utf8.count > 256 { refuse("must be <= 256 characters long") }
        if warning.isEmpty { refuse("must not be an empty string") }
        if let index = warning.unicodeScalars.firstIndex(where: { !Self.isPrintable($0) }) {
            let offset = warning.unicodeScalars.distance(from: warning.unicodeScalars.startIndex, to: index)
            refuse("must only contain printable UTF-8 characters; non-printable character found at index \(offset)")
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    // MARK: The schema

    private func checkSchema(_ schema: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let before = errors.count
        if version["subresources"]["status"] != nil { rootErrors(schema, path, &errors) }
        if schema["nullable"] == true {
            errors.forbidden(path.child("nullable"), "nullable cannot be true at the root")
        }
        SchemaRules.check(schema, path, &errors)
        guard errors.count == before else { return }
        StructuralRules.check(schema, path, &errors)
        guard errors.count == before else { return }
        do {
            let compiled = try Schema(customObject: schema, components: CustomResourceComponents.metadata, rules: .cel)
            DefaultRules.check(schema, compiled, path, &errors)
        } catch {
            errors.append(.invalid(path, nil, "\(error.place.drop { $0 != "." }.dropFirst()): \(error.message)"))
        }
        if errors.count == before { errors += CELRules.problems(inSchema: schema, at: path) }
    }

    /// With the status subresource the status is checked by itself: nothing at the root may speak of it.
    private func rootErrors(_ schema: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (keyword, value) in schema.object ?? JSONObject() {
            if keyword == "type" {
                if value != "object" {
                    errors.invalid(
                        path.child("type"), value,
                        "only \"object\" is allowed as the type at the root of the schema if the status subresource is "
                            + "enabled")
                }
            } else if Self.notAtRoot.contains(keyword), value != false {
                errors.invalid(
                    path, .string(keyword),
                    "only \(Self.atRoot) fields are allowed at the root of the schema if the status subresource is "
                        + "enabled")
            }
        }
    }

    private static let notAtRoot: Set<String> = [
        "additionalItems", "additionalProperties", "allOf", "anyOf", "default", "definitions", "dependencies", "id",
        "maxProperties", "minProperties", "not", "nullable", "oneOf", "patternProperties", "$ref", "$schema",
        "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type", "x-kubernetes-map-type",
    ]

    private static let atRoot =
        "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern "
        + "MaxItems MinItems UniqueItems MultipleOf Required Enum Items Properties ExternalDocs Example "
        + "XPreserveUnknownFields XValidations]"

    // MARK: Subresources

    private func subresources(_ errors: inout [FieldError]) {
        guard let scale = version["subresources"]["scale"] else { return }
        let path = path.child("subresources")
        for (field, root) in [("specReplicasPath", "spec"), ("statusReplicasPath", "status")] {
            let text = scale.text(field)
            if text.isEmpty {
                errors.required(path.child("scale.\(field)"))
            } else {
                scalePath(text, root, path.child("scale.\(field)"), &errors)
            }
        }
        let selector = scale.text("labelSelectorPath")
        guard !selector.isEmpty else { return }
        let place = path.child("scale.labelSelectorPath")
        if selector.hasPrefix(".spec.") {
            scalePath(selector, "spec", place, &errors)
        } else {
            scalePath(selector, "status", place, &errors)
        }
    }

    private func scalePath(_ text: String, _ root: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if !text.hasPrefix(".") {
            errors.invalid(path, .string(text), "must be a simple json path starting with .")
        } else if !text.hasPrefix(".\(root).") {
            errors.invalid(path, .string(text), "should be a json path under .\(root)")
        } else if text.contains("[") {
            errors.invalid(path, .string(text), "must be a simple json path without array notation")
        }
    }

    // MARK: Columns and fields

    private static let columnTypes = ["boolean", "date", "integer", "number", "string"]
    private static let columnFormats = [
        "byte", "date", "date-time", "double", "float", "int32", "int64", "password",
    ]

    private static func column(_ column: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if column.text("name").isEmpty { errors.required(path.child("name")) }
        let type = column.text("type")
        let oneOfTypes = "must be one of \(columnTypes.joined(separator: ","))"
        if type.isEmpty {
            errors.required(path.child("type"), oneOfTypes)
        } else if !columnTypes.contains(type) {
            errors.invalid(path.child("type"), .string(type), oneOfTypes)
        }
        let format = column.text("format")
        if !format.isEmpty, !columnFormats.contains(format) {
            errors.invalid(
                path.child("format"), .string(format), "must be one of \(columnFormats.joined(separator: ","))")
        }
        let jsonPath = column.text("jsonPath")
        let place = path.child("jsonPath")
        if jsonPath.isEmpty {
            errors.required(place)
        } else if !jsonPath.hasPrefix(".") {
            errors.invalid(place, .string(jsonPath), "must be a simple json path starting with .")
        } else if ObjectPath(jsonPath) == nil {
            errors.invalid(place, .string(jsonPath), "is not a json path that this server can read")
        }
    }

    private static let maxSelectableFields = 8

    private func selectableFields(_ errors: inout [FieldError]) {
        let fields = version["selectableFields"].array ?? []
        let path = path.child("selectableFields")
        var seen: Set<String> = []
        for (index, field) in fields.enumerated() {
            let text = field.text("jsonPath")
            let place = path.index(index).child("jsonPath")
            guard !text.isEmpty else {
                errors.required(place)
                continue
            }
            let schema: JSONValue
            switch SelectablePath.find(text, in: version["schema"]["openAPIV3Schema"] ?? [:]) {
            case .failure(let reason):
                errors.invalid(place, .string(text), "is an invalid path: \(reason.text)")
                continue
            case .success(let found): schema = found
            }
            if text.hasPrefix(".metadata.") || text == ".metadata" {
                errors.invalid(place, .string(text), "must not point to fields in metadata")
            }
            if !["string", "boolean", "integer"].contains(schema.text("type")) {
                errors.invalid(
                    place, .string(text),
                    "must point to a field of type string, boolean or integer. Enum string fields and strings with "
                        + "formats are allowed.")
            }
            if !seen.insert(text).inserted { errors.duplicate(place, .string(text)) }
        }
        if seen.count > Self.maxSelectableFields { errors.tooMany(path, seen.count, Self.maxSelectableFields) }
    }
}

/// The schema that a dotted path of field names leads to.
enum SelectablePath {
    struct Reason: Error {
        var text: String
    }

    static func find(_ path: String, in schema: JSONValue) -> Result<JSONValue, Reason> {
        guard path.hasPrefix(".") else { return .failure(Reason(text: "expected [ or . but got: \(path)")) }
        var schema = schema
        for name in path.dropFirst().split(separator: ".", omittingEmptySubsequences: false) {
            guard !name.isEmpty, !name.contains("[") else {
                return .failure(Reason(text: "array notation is not allowed in \(path)"))
            }
            let next =
                schema["properties"][String(name)]
                ?? schema["additionalProperties"].flatMap { $0.object == nil ? nil : $0 }
            guard let next else {
                return .failure(Reason(text: "does not refer to a valid field"))
            }
            schema = next
        }
        return .success(schema)
    }
}
