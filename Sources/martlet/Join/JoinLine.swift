import KubeClient
import KubeModel
import Transport

/// The command that makes another machine a node: `martlet join URL --token … --ca-cert-hash …`.
enum JoinLine {
    static func text(_ client: APIClient, _ token: BootstrapToken) async throws -> String {
        let info: ConfigMap
        do {
            info = try await client.get(ConfigMap.self, "cluster-info", namespace: "kube-public")
        } catch let status as Status where status.isNotFound {
            throw CleanExitError(
                "there is no ConfigMap cluster-info in kube-public: does the bootstrap-token controller run?")
        }
        guard let document = try? YAMLDocument.parse(Array((info.data?["kubeconfig"] ?? "").utf8)),
            let server = document["clusters"]?.array?.first?["cluster"]?["server"]?.string
        else { throw CleanExitError("ConfigMap cluster-info in kube-public names no server") }
        let authorities = try CertificateDetails.read(pem: try ClusterDiscovery.authority(in: info))
        let hashes = authorities.map { "--ca-cert-hash \(AuthorityPin($0))" }
        return "martlet join \(server) --token \(token.text) \(hashes.joined(separator: " "))"
    }
}
