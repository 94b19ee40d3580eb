package import KubeModel

/// What discovery says about one subresource of a kind.
package struct SubresourceDefinition: Sendable, Hashable {
    /// "status", "scale", "log".
    package var name: String
    /// What it takes and answers with; nil: the kind itself.
    package var kind: GroupVersionKind?
    /// In alphabetical order.
    package var verbs: [String]

    package static let proxyVerbs = ["create", "delete", "get", "patch", "update"]

    package init(_ name: String, kind: GroupVersionKind? = nil, verbs: [String]) {
        self.name = name
        self.kind = kind
        self.verbs = verbs
    }

    /// A subresource of a core kind with options of its own.
    package init(_ name: String, options kind: String, verbs: [String]) {
        self.init(name, kind: GroupVersionKind(group: "", version: "v1", kind: kind), verbs: verbs)
    }

    /// Whether a request with this HTTP method is one of the verbs.
    package func allows(_ method: String) -> Bool { verbs.contains(Self.verb(ofMethod: method)) }

    /// The verb of a request that connects to an object.
    package static func verb(ofMethod method: String) -> String {
        switch method {
        case "GET", "HEAD": "get"
        case "POST": "create"
        case "PUT": "update"
        default: method.lowercased()
        }
    }
}

extension ResourceStrategy {
    /// Every subresource that discovery lists, by name.
    package var subresources: [SubresourceDefinition] {
        let verbs = ["get", "patch", "update"]
        var result = unimplementedSubresources
        if definition.group.isEmpty, definition.plural == "namespaces" {
            result.append(SubresourceDefinition("finalize", verbs: ["update"]))
        }
        if definition.group.isEmpty, definition.plural == "pods" {
            let eviction = GroupVersionKind(group: "policy", version: "v1", kind: "Eviction")
            result.append(SubresourceDefinition("eviction", kind: eviction, verbs: ["create"]))
            result.append(SubresourceDefinition("binding", options: "Binding", verbs: ["create"]))
            result.append(
                SubresourceDefinition("proxy", options: "PodProxyOptions", verbs: SubresourceDefinition.proxyVerbs))
        }
        if definition.group.isEmpty, definition.plural == "services" {
            result.append(
                SubresourceDefinition(
                    "proxy", options: "ServiceProxyOptions", verbs: SubresourceDefinition.proxyVerbs))
        }
        if let part = partSubresource { result.append(SubresourceDefinition(part, verbs: verbs)) }
        if definition.hasStatus { result.append(SubresourceDefinition("status", verbs: verbs)) }
        if scale != nil {
            result.append(
                SubresourceDefinition("scale", kind: ScaleMapping.definition.groupVersionKind, verbs: verbs))
        }
        return result.sorted { $0.name < $1.name }
    }
}
