import KubeModel

extension BuiltInTables {
    static let webhookConfigurations = table([
        TableColumn("Webhooks", type: "integer", description: "Number of webhooks.")
    ]) { row in
        [.integer(Int64((row.object["webhooks"].array ?? []).count))]
    }

    static let validatingPolicies = table([
        TableColumn("Validations", type: "integer", description: "Number of rules."),
        TableColumn("ParamKind", description: "Kind of the objects that hold parameters."),
    ]) { row in
        let spec = row.object["spec"]
        return [.integer(Int64((spec["validations"].array ?? []).count)), parameterKind(spec["paramKind"])]
    }

    static let mutatingPolicies = table([
        TableColumn("Mutations", type: "integer", description: "Number of changes."),
        TableColumn("ParamKind", description: "Kind of the objects that hold parameters."),
    ]) { row in
        let spec = row.object["spec"]
        return [.integer(Int64((spec["mutations"].array ?? []).count)), parameterKind(spec["paramKind"])]
    }

    static let policyBindings = table([
        TableColumn("PolicyName", description: "The policy."),
        TableColumn("ParamRef", description: "Objects that hold the parameters."),
    ]) { row in
        let spec = row.object["spec"]
        return [.string(spec["policyName"].string ?? ""), parameterReference(spec["paramRef"])]
    }

    static let apiServices = table([
        TableColumn("Service", description: "Service in front of who serves the version."),
        TableColumn("Available", description: "Whether it is available."),
    ]) { row in
        let service = row.object["spec"]["service"]
        let available = (row.object["status"]["conditions"].array ?? []).first { $0["type"] == "Available" }
        let status = available?["status"]?.string ?? "Unknown"
        return [
            .string(
                service?.object == nil
                    ? "Local" : "\(service["namespace"].string ?? "")/\(service["name"].string ?? "")"),
            .string(status == "True" ? "True" : "\(status) (\(available?["reason"]?.string ?? "Unknown"))"),
        ]
    }

    private static func parameterKind(_ kind: JSONValue?) -> JSONValue {
        guard let kind = kind?.object else { return "<unset>" }
        return .string("\(kind["apiVersion"]?.string ?? "")/\(kind["kind"]?.string ?? "")")
    }

    private static func parameterReference(_ reference: JSONValue?) -> JSONValue {
        guard let reference = reference?.object else { return "<unset>" }
        guard let name = reference["name"]?.string, !name.isEmpty else { return "<selector>" }
        let namespace = reference["namespace"]?.string ?? ""
        return .string(namespace.isEmpty ? "*/\(name)" : "\(namespace)/\(name)")
    }
}
