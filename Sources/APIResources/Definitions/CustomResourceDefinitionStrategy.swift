package import KubeModel

/// `apiextensions.k8s.io/v1 CustomResourceDefinition`. What follows from a stored one is `CustomResourceRunner`'s.
package struct CustomResourceDefinitionStrategy: ResourceStrategy {
    /// Waits for the resource's objects to be gone.
    package static let finalizer = "customresourcecleanup.apiextensions.k8s.io"

    package let definition = ResourceDefinition.builtIn(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced: false,
        short: ["crd", "crds"], categories: ["api-extensions"], hasStatus: true)
    package let generationRule = GenerationRule.spec
    package let allowsUnconditionalUpdate = false

    package func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        Self.applyDefaults(&object)
        object["status"] = DefinitionStatus.initial(storing: Self.storageVersion(object) ?? "")
    }

    package func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        Self.applyDefaults(&object)
        object["status"] = old["status"]
        guard let version = Self.storageVersion(object) else { return }
        var stored = object["status"]["storedVersions"].array ?? []
        if !stored.contains(where: { $0.string == version }) {
            stored.append(.string(version))
            object["status"]["storedVersions"] = .array(stored)
        }
    }

    package func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
    }

    package func prepareForDeletion(_ object: inout JSONValue, now: Timestamp) {
        var status = object["status"] ?? [:]
        DefinitionStatus.setTerminating(&status, now: now)
        object["status"] = status
        var finalizers = object["metadata"]["finalizers"].array ?? []
        if !finalizers.contains(where: { $0.string == Self.finalizer }) { finalizers.append(.string(Self.finalizer)) }
        object["metadata"]["finalizers"] = .array(finalizers)
    }

    package func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        DefinitionValidation.errors(in: object, replacing: nil)
    }

    package func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        DefinitionValidation.errors(in: object, replacing: old)
    }

    package func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext)
        -> [FieldError]
    {
        DefinitionValidation.statusErrors(in: object)
    }

    package func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        let name = object["metadata"]["name"].string ?? ""
        let kind = object["spec"]["names"]["kind"].string ?? ""
        let words = ProvidedDefinitions.contains(name, kind: kind) ? ProvidedDefinitions.message : nil
        return (words ?? ProvidedDefinitions.successor(of: name)).map { ["\(name): \($0)"] } ?? []
    }

    /// What Kubernetes fills in (`SetDefaults_CustomResourceDefinitionSpec`).
    private static func applyDefaults(_ object: inout JSONValue) {
        guard let kind = object["spec"]["names"]["kind"].string, !kind.isEmpty else { return }
        if (object["spec"]["names"]["singular"].string ?? "").isEmpty {
            object["spec"]["names"]["singular"] = .string(kind.lowercased())
        }
        if (object["spec"]["names"]["listKind"].string ?? "").isEmpty {
            object["spec"]["names"]["listKind"] = .string(kind + "List")
        }
        if object["spec"]["conversion"] == nil { object["spec"]["conversion"] = ["strategy": "None"] }
        let service = object["spec"]["conversion"]["webhook"]["clientConfig"]["service"]
        if object["spec"]["conversion"]["strategy"] == "Webhook", service?.object != nil, service["port"] == nil {
            object["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["port"] = 443
        }
        if object["spec"]["preserveUnknownFields"] == false { object["spec"]["preserveUnknownFields"] = nil }
    }

    private static func storageVersion(_ object: JSONValue) -> String? {
        (object["spec"]["versions"].array ?? []).first { $0["storage"] == true }?["name"].string
    }
}
