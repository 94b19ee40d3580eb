import KubeModel

/// The kubeconfig files that the API server writes (client-go's `v1.Config`, everything inlined).
enum ClientKubeconfig {
    /// For people: HTTPS with an administrator's certificate and token.
    static func admin(server: String, authority: [UInt8], certificate: [UInt8], key: [UInt8]) -> [UInt8] {
        render(
            cluster: ["server": .string(server), "certificate-authority-data": .string(Base64.encode(authority))],
            user: [
                "client-certificate-data": .string(Base64.encode(certificate)),
                "client-key-data": .string(Base64.encode(key)),
            ])
    }

    /// For Martlet's own processes on the same machine.
    static func local(socket: String) -> [UInt8] {
        render(cluster: ["server": .string("unix://\(socket)")], user: [:])
    }

    /// For the data plane of a machine that joined. The files lie beside it and are read again when they are renewed.
    static func node(server: String) -> [UInt8] {
        render(
            cluster: ["server": .string(server), "certificate-authority": "node-ca.crt"],
            user: ["client-certificate": "node.crt", "client-key": "node.key"])
    }

    private static func render(cluster: JSONValue, user: JSONValue) -> [UInt8] {
        let document: JSONValue = [
            "apiVersion": "v1", "kind": "Config", "current-context": "martlet", "preferences": [:],
            "clusters": [["name": "martlet", "cluster": cluster]],
            "contexts": [["name": "martlet", "context": ["cluster": "martlet", "user": "admin"]]],
            "users": [["name": "admin", "user": user]],
        ]
        return YAMLDocument.encode(document)
    }
}
