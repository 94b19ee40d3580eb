import KubeModel
import Passwords
import Transport

/// Whether a Secret can serve TLS, and what else TLS needs.
///
/// The ingress controller needs no key in memory: as a Secret arrives it is judged, and only the verdict is kept.
enum SecretVerdict {
    /// What a Secret is named for.
    enum Use: String, CaseIterable {
        /// `tls.crt` and `tls.key`, shown to clients.
        case serving = "problem"
        /// `ca.crt`, by which servers are verified; `tls.crt` and `tls.key` if there are any.
        case verifyingServers = "problem-verifying-servers"
        /// `ca.crt`, by which clients are verified, and `ca.crl` if there is one.
        case verifyingClients = "problem-verifying-clients"
        /// `tls.crt` and `tls.key`, shown to servers; one that only has `ca.crt` shows nothing.
        case identifying = "problem-identifying"
        /// `auth`, a file of htpasswd.
        case passwordFile = "problem-password-file"
        /// Each key a user, with the hash of its password.
        case passwordMap = "problem-password-map"
    }

    private static let prefix = "traffic.martlet.dev/"

    /// Replaces the data of a Secret by the verdict on it.
    static func reduce(_ secret: inout Secret) {
        var verdict: [String: String] = [:]
        for use in Use.allCases {
            verdict[prefix + use.rawValue] = problem(of: secret, for: use)
            verdict[prefix + use.rawValue + remarkSuffix] = remark(on: secret, for: use)
        }
        secret.data = verdict.isEmpty ? nil : verdict
        secret.metadata.annotations = nil
        secret.metadata.labels = nil
    }

    /// What was wrong with a Secret that was reduced; nil for a good one.
    static func read(_ secret: Secret, for use: Use = .serving) -> String? { secret.data?[prefix + use.rawValue] }

    /// What was passed over in a Secret that was reduced.
    static func remark(_ secret: Secret, for use: Use) -> String? {
        secret.data?[prefix + use.rawValue + remarkSuffix]
    }

    private static let remarkSuffix = ".remark"

    private static func remark(on secret: Secret, for use: Use) -> String? {
        guard use == .passwordFile || use == .passwordMap,
            case .success(let file) = passwords(in: secret, asMap: use == .passwordMap), !file.remarks.isEmpty
        else { return nil }
        return file.remarks.joined(separator: ", ")
    }

    private static func passwords(in secret: Secret, asMap: Bool) -> Result<PasswordFile, PasswordFile.Refusal> {
        var data: [String: [UInt8]] = [:]
        for (key, text) in secret.data ?? [:] where asMap || key == "auth" {
            guard let bytes = Base64.decode(text) else {
                return .failure(PasswordFile.Refusal(description: "\(key) is not base64"))
            }
            data[key] = bytes
        }
        if !asMap, data["auth"] == nil { return .failure(PasswordFile.Refusal(description: "it has no auth")) }
        do throws(PasswordFile.Refusal) {
            return .success(try asMap ? PasswordFile(map: data) : PasswordFile(lines: data["auth"] ?? []))
        } catch {
            return .failure(error)
        }
    }

    static func problem(of secret: Secret, for use: Use = .serving) -> String? {
        if use == .serving { return problem(ofIdentityIn: secret) }
        if !["Opaque", "kubernetes.io/tls"].contains(secret.type ?? "Opaque") {
            return "its type is neither Opaque nor kubernetes.io/tls"
        }
        if use == .passwordFile || use == .passwordMap {
            if case .failure(let refusal) = passwords(in: secret, asMap: use == .passwordMap) {
                return refusal.description
            }
            return nil
        }
        if use == .verifyingClients {
            return problem(ofAuthoritiesIn: secret) ?? problem(ofRevocationsIn: secret)
        }
        if use == .verifyingServers, let problem = problem(ofAuthoritiesIn: secret) { return problem }
        let hasNoIdentity = ["tls.crt", "tls.key"].allSatisfy { secret.data?[$0]?.isEmpty ?? true }
        return hasNoIdentity && secret.data?["ca.crt"] != nil ? nil : problem(ofIdentityIn: secret)
    }

    private static func problem(ofIdentityIn secret: Secret) -> String? {
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

    private static func problem(ofRevocationsIn secret: Secret) -> String? {
        guard let revocations = secret.data?["ca.crl"] else { return nil }
        guard let revocations = Base64.decode(revocations) else { return "ca.crl is not base64" }
        return TLSMaterial.problem(revocations: revocations).map { "ca.crl: \($0)" }
    }

    private static func problem(ofAuthoritiesIn secret: Secret) -> String? {
        guard let authorities = secret.data?["ca.crt"], !authorities.isEmpty else { return "it has no ca.crt" }
        guard let authorities = Base64.decode(authorities) else { return "ca.crt is not base64" }
        return TLSMaterial.problem(authorities: authorities).map { "ca.crt: \($0)" }
    }
}
