import KubeModel
import Transport

/// Whether a Secret can serve TLS.
///
/// The ingress controller needs no key in memory: as a Secret arrives it is judged, and only the verdict is kept.
enum SecretVerdict {
    private static let key = "traffic.martlet.dev/problem"

    /// Replaces the data of a Secret by the verdict on it.
    static func reduce(_ secret: inout Secret) {
        secret.data = problem(of: secret).map { [key: $0] }
        secret.metadata.annotations = nil
        secret.metadata.labels = nil
    }

    /// What was wrong with a Secret that was reduced; nil for a good one.
    static func read(_ secret: Secret) -> String? { secret.data?[key] }

    static func problem(of secret: Secret) -> String? {
        guard let certificate = secret.data?["tls.crt"], !certificate.isEmpty else { return "it has no tls.crt" }
        guard let key = secret.data?["tls.key"], !key.isEmpty else { return "it has no tls.key" }
        guard let certificate = Base64.decode(certificate) else { return "tls.crt is not base64" }
        guard let key = Base64.decode(key) else { return "tls.key is not base64" }
        do {
            _ = try TLSIdentity(certificatePEM: certificate, keyPEM: key)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
