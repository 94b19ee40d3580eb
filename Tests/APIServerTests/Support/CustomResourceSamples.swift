import KubeModel

@testable import APIServer

/// CustomResourceDefinitions for tests.
enum CustomResourceSamples {
    static let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    static let crontabs = "/apis/stable.example.com/v1/namespaces/default/crontabs"

    /// `crontabs.stable.example.com` with the version v1.
    static func crontabs(_ version: JSONValue = version("v1")) -> JSONValue {
        definition("stable.example.com", "CronTab", "crontabs", versions: [version])
    }

    static func definition(
        _ group: String, _ kind: String, _ plural: String, scope: String = "Namespaced", versions: JSONValue
    ) -> JSONValue {
        [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": .string("\(plural).\(group)")],
            "spec": [
                "group": .string(group), "scope": .string(scope),
                "names": ["kind": .string(kind), "plural": .string(plural)], "versions": versions,
            ],
        ]
    }

    static func version(
        _ name: String, storage: Bool = true, spec: JSONValue = spec, status: JSONValue? = nil, extra: JSONObject = [:]
    ) -> JSONValue {
        var version: JSONObject = ["name": .string(name), "served": true, "storage": .bool(storage)]
        var properties: JSONValue = ["spec": spec]
        if let status {
            properties["status"] = status
            version["subresources"] = ["status": [:]]
        }
        version["schema"] = ["openAPIV3Schema": ["type": "object", "properties": properties]]
        for (key, value) in extra {
            if key == "subresources", let status = version["subresources"] {
                var both = value
                both["status"] = status["status"]
                version[key] = both
            } else {
                version[key] = value
            }
        }
        return .object(version)
    }

    static let spec: JSONValue = [
        "type": "object", "required": ["schedule"],
        "properties": [
            "schedule": ["type": "string", "pattern": "^[0-9*/, -]+$"],
            "replicas": ["type": "integer", "minimum": 1, "maximum": 10, "default": 1],
            "image": ["type": "string"],
        ],
    ]

    static func crontab(_ name: String, _ spec: JSONValue = ["schedule": "* * * * *"]) -> JSONValue {
        [
            "apiVersion": "stable.example.com/v1", "kind": "CronTab", "metadata": ["name": .string(name)], "spec": spec,
        ]
    }
}

extension TestServer {
    /// Creates a definition and says whether it was taken.
    @discardableResult
    func define(_ definition: JSONValue) async -> TestResponse {
        await send("POST", CustomResourceSamples.path, definition)
    }

    /// The status of a condition of a definition, "" without one.
    func condition(_ type: String, of definition: String) async -> String {
        let status = await send("GET", "\(CustomResourceSamples.path)/\(definition)").json["status"]
        return (status["conditions"].array ?? []).first { $0["type"].string == type }?["status"].string ?? ""
    }
}
