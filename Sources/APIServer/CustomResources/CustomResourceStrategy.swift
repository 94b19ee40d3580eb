import APIResources
import KubeModel

/// One version of a custom resource: everything that its CustomResourceDefinition says.
struct CustomResourceStrategy: ResourceStrategy {
    let definition: ResourceDefinition
    let schema: Schema
    var storedForm: StoredForm?
    let scale: ScaleMapping?
    let selectableFieldNames: [String]
    let deprecationWarning: String?
    let mostAddedByDefaults: Int
    /// The definition is being deleted: nothing new is taken.
    let isTerminating: Bool

    let isCustomResource = true
    let servesStrategicMergePatch = false
    let allowsUnconditionalUpdate = false

    var generationRule: GenerationRule { definition.hasStatus ? .content : .contentAndStatus }

    func selectableFields(of object: JSONValue) -> [String: String] {
        FieldValues.read(selectableFieldNames, from: object)
    }

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        guard definition.hasStatus else { return }
        object["status"] = nil
        // A default of the whole status stands at once, as it does when the object is read.
        _ = schema.applyAllDefaults(&object)
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        var result = old
        result["status"] = object["status"]
        for field in ["resourceVersion", "managedFields"] {
            result["metadata"][field] = object["metadata"][field]
        }
        object = result
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = errors(in: object, replacing: nil)
        if definition.hasStatus, schema.lacksDefaults(object) {
            errors.append(
                .invalid(FieldPath("status"), .null, "its defaults add more than \(Schema.defaultsLimit) bytes"))
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        errors(in: object, replacing: old)
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        errors(in: object, replacing: old)
    }

    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?
    {
        if isTerminating, old == nil {
            throw Status(
                code: 405, reason: .methodNotAllowed,
                message: "create not allowed while custom resource definition is terminating",
                details: Status.Details(group: definition.group, kind: definition.plural))
        }
        return nil
    }

    private func errors(in object: JSONValue, replacing old: JSONValue?) -> [FieldError] {
        var errors = schema.validate(object, replacing: old)
        if let scale { errors += Self.scaleErrors(scale, object) }
        if schema.hasRules {
            if let skipped = FieldError.skippedRules(after: errors) {
                errors.append(skipped)
            } else {
                errors += schema.ruleErrors(object, old: old)
            }
        }
        return errors
    }

    /// What the scale subresource wants of the fields it shows (kube-apiserver's `validateScaleSpec` and
    /// `validateScaleStatus`).
    private static func scaleErrors(_ scale: ScaleMapping, _ object: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        for keys in [scale.specReplicasPath, scale.statusReplicasPath] {
            guard let count = object[path: keys]?.int else { continue }
            let path = FieldPath(steps: keys.map { .child($0) })
            if count < 0 {
                errors.append(.invalid(path, .integer(Int64(count)), "should be a non-negative integer"))
            } else if count > Int(Int32.max) {
                errors.append(
                    .invalid(path, .integer(Int64(count)), "should be less than or equal to \(Int32.max)"))
            }
        }
        return errors
    }
}
