import KubeClient
import KubeModel
import Transport

/// Asks the server for a certificate of a node, by a bootstrap token or by the one that is to be renewed.
struct CertificateExchange {
    /// How long the server has to decide.
    static let patience: Duration = .seconds(60)
    private static let pause: Duration = .milliseconds(250)

    let client: APIClient
    let node: String

    /// A new key, and the certificate for it.
    ///
    /// - Throws: the server's `Status`, `ClientError`, or `CleanExitError` with the reason that it was denied.
    func obtain() async throws -> CertificateAuthority.Credentials {
        let (request, key) = try CertificateRequest.make(
            CertificateSubject(commonName: "system:node:\(node)", organizations: ["system:nodes"]))
        var metadata = ObjectMeta()
        metadata.generateName = "node-csr-"
        let object = try await client.create(
            CertificateSigningRequest(
                metadata: metadata,
                spec: CertificateSigningRequestSpec(
                    request: Base64.encode(request), signerName: "kubernetes.io/kube-apiserver-client-kubelet",
                    usages: ["digital signature", "client auth"])))
        let name = object.metadata.name ?? ""
        let deadline = ContinuousClock.now + Self.patience
        while true {
            let now = try await client.get(CertificateSigningRequest.self, name)
            for type in ["Denied", "Failed"] {
                guard let condition = now.condition(type) else { continue }
                throw CleanExitError("the server gives no certificate to node \(node): \(condition.message ?? type)")
            }
            if let text = now.status?.certificate, let certificate = Base64.decode(text) {
                return CertificateAuthority.Credentials(certificatePEM: certificate, keyPEM: key)
            }
            guard ContinuousClock.now < deadline else {
                let approval = now.has("Approved") ? "signed" : "approved"
                throw CleanExitError(
                    "the server has not \(approval) certificate request \(name) within \(Self.patience.components.seconds) s: "
                        + "do its controllers run? (kubectl get csr \(name))")
            }
            try await Task.sleep(for: Self.pause)
        }
    }
}
