import KubeModel

enum Samples {
    static func configMap(_ name: String, _ data: JSONValue = ["k": "v"], labels: JSONValue? = nil) -> JSONValue {
        var object: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)], "data": data,
        ]
        object["metadata"]["labels"] = labels
        return object
    }

    static func service(_ name: String, port: Int64 = 80) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
            "spec": ["selector": ["app": .string(name)], "ports": [["port": .integer(port)]]],
        ]
    }

    static let configMaps = "/api/v1/namespaces/default/configmaps"
    static let services = "/api/v1/namespaces/default/services"
}
