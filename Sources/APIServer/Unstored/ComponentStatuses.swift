import APIResources
import KubeModel

/// `v1 ComponentStatus`: whether the parts of the server are well, found out when somebody asks. Kubernetes lists its
/// scheduler, controller manager and etcd; here there is the store. Deprecated since 1.19 in favour of `/readyz`.
struct ComponentStatuses: UnstoredResource {
    struct Component: Sendable {
        var name: String
        /// What is wrong; nil when nothing is.
        var problem: @Sendable () -> String?
    }

    let components: [Component]

    let definition = ResourceDefinition.builtIn(
        "", "v1", "ComponentStatus", "componentstatuses", namespaced: false, short: ["cs"])
    let deprecationWarning: String? = "v1 ComponentStatus is deprecated in v1.19+"

    var verbs: [Verb] { [.get, .list] }
    var columns: TableColumns? { BuiltInTables.columns(for: definition) }

    func answer(_ request: UnstoredRequest, _ done: @escaping @Sendable (Result<UnstoredAnswer, Status>) -> Void) {
        done(
            Result { () throws(Status) in
                UnstoredAnswer(status: 200, document: try request.verb == .list ? list(request) : single(request.name))
            })
    }

    private func single(_ name: String) throws(Status) -> JSONValue {
        guard let component = components.first(where: { $0.name == name }) else {
            throw .notFound(definition.groupResource, name)
        }
        var document: JSONObject = ["kind": .string(definition.kind), "apiVersion": .string(definition.apiVersion)]
        for (key, value) in Self.content(component) { document[key] = value }
        return .object(document)
    }

    private func list(_ request: UnstoredRequest) throws(Status) -> JSONValue {
        let fields = request.selection.fields
        for requirement in fields?.requirements ?? []
        where !["metadata.name", "metadata.namespace"].contains(requirement.path) {
            throw .badRequest(
                "\(goQuoted(requirement.path)) is not a known field selector: only \"metadata.name\", "
                    + "\"metadata.namespace\"")
        }
        let shown = components.filter {
            (request.selection.labels?.matches([:]) ?? true)
                && (fields?.matches(["metadata.name": $0.name, "metadata.namespace": ""]) ?? true)
        }
        return [
            "kind": .string(definition.listKind), "apiVersion": .string(definition.apiVersion), "metadata": [:],
            "items": .array(shown.map { .object(Self.content($0)) }),
        ]
    }

    private static func content(_ component: Component) -> JSONObject {
        let problem = component.problem()
        var condition: JSONObject = ["type": "Healthy", "status": problem == nil ? "True" : "False"]
        if let problem { condition["error"] = .string(problem) } else { condition["message"] = "ok" }
        return ["metadata": ["name": .string(component.name)], "conditions": [.object(condition)]]
    }
}
