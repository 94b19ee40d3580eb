import KubeClient
import System
import Transport

/// What a machine that joined is known by, in its data directory.
struct NodeCredentials {
    let directory: DataDirectory

    /// The certificate that is there; nil where there is none, or no key for it.
    ///
    /// - Throws: for files that are there and cannot be read, or do not belong together.
    func certificate() throws -> CertificateDetails? {
        guard let certificate = try FileBytes.readIfPresent(directory.nodeCertificate),
            let key = try FileBytes.readIfPresent(directory.nodeKey)
        else { return nil }
        _ = try TLSIdentity(certificatePEM: certificate, keyPEM: key)
        return try CertificateDetails.read(pem: certificate)[0]
    }

    /// The node that a certificate names.
    static func nodeName(_ certificate: CertificateDetails) -> String? {
        let prefix = "system:node:"
        guard certificate.subject.commonName.hasPrefix(prefix) else { return nil }
        return String(certificate.subject.commonName.dropFirst(prefix.count))
    }

    func store(_ credentials: CertificateAuthority.Credentials) throws {
        // The key first: a reader between the two sees a pair that does not fit, and looks again.
        try FileBytes.replace(directory.nodeKey, with: credentials.keyPEM)
        try FileBytes.replace(directory.nodeCertificate, with: credentials.certificatePEM, mode: 0o644)
    }

    func store(authority: [UInt8]) throws {
        try FileBytes.replace(directory.nodeAuthority, with: authority, mode: 0o644)
    }

    func store(server: ClientConfiguration.Server) throws {
        let url =
            if case .https(let host, let port) = server, host.contains(":") { "https://[\(host)]:\(port)" } else {
                "\(server)"
            }
        try FileBytes.replace(directory.nodeKubeconfig, with: ClientKubeconfig.node(server: url))
    }

    /// A client with these credentials.
    func client() throws -> APIClient {
        var configuration = try ClientConfiguration.kubeconfig(directory.nodeKubeconfig)
        configuration.userAgent = "martlet-join/\(ProgramVersion.current)"
        return try APIClient(configuration)
    }
}
