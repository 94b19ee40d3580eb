import KubeModel

/// `v1.Secret`: `stringData` merged into `data`, and what each type requires.
struct SecretStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("", "v1", "Secret", "secrets")
    let selectableFieldNames = ["type"]

    private static let redacted: JSONValue = "<secret contents redacted>"
    private static let accountAnnotation = "kubernetes.io/service-account.name"

    func selectableFields(of object: JSONValue) -> [String: String] {
        FieldValues.read(["type"], from: object)
    }

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        mergeStringData(&object)
        if object.text("type").isEmpty { object["type"] = "Opaque" }
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        mergeStringData(&object)
        if object.text("type").isEmpty { object["type"] = old["type"] ?? "Opaque" }
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        errors.immutable(FieldPath("type"), object["type"], old["type"])
        return errors + ImmutableData.check(object, from: old, ["data"]) + validate(object, context)
    }

    /// `stringData` is write-only: its values win over those of `data` and are kept there in base64.
    private func mergeStringData(_ object: inout JSONValue) {
        let texts = object["stringData"]?.object ?? JSONObject()
        object["stringData"] = nil
        guard !texts.isEmpty else { return }
        var data = object["data"]?.object ?? JSONObject()
        for (key, value) in texts { data[key] = .string(Base64.encode(Array((value.string ?? "").utf8))) }
        object["data"] = .object(data)
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("data")
        let data = object["data"]?.object ?? JSONObject()
        var size = 0
        for (key, value) in data {
            errors.invalid(path.key(key), .string(key), Validation.configMapKey(key))
            size += BytesRule.check(value, path.key(key), &errors).count
        }
        if size > ImmutableData.maxSize { errors.tooLong(path, ImmutableData.maxSize) }
        checkType(object, data, path, &errors)
        return errors
    }

    private func checkType(
        _ object: JSONValue, _ data: JSONObject, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        switch object.text("type") {
        case "kubernetes.io/service-account-token":
            if object.text("metadata", "annotations", Self.accountAnnotation).isEmpty {
                errors.required(FieldPath("metadata").child("annotations").key(Self.accountAnnotation))
            }
        case "kubernetes.io/dockercfg": checkJSON(".dockercfg", data, path, &errors)
        case "kubernetes.io/dockerconfigjson": checkJSON(".dockerconfigjson", data, path, &errors)
        case "kubernetes.io/basic-auth":
            if !data.contains("username") && !data.contains("password") {
                errors.required(path.key("username"))
                errors.required(path.key("password"))
            }
        case "kubernetes.io/ssh-auth":
            if data["ssh-privatekey"]?.string?.isEmpty ?? true { errors.required(path.key("ssh-privatekey")) }
        case "kubernetes.io/tls":
            for key in ["tls.crt", "tls.key"] where !data.contains(key) { errors.required(path.key(key)) }
        default: break
        }
    }

    private func checkJSON(_ key: String, _ data: JSONObject, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let value = data[key]?.string else { return errors.required(path.key(key)) }
        guard let bytes = Base64.decode(value) else { return }
        do {
            _ = try JSONParser.parse(bytes)
        } catch {
            errors.invalid(path.key(key), Self.redacted, error.message)
        }
    }
}
