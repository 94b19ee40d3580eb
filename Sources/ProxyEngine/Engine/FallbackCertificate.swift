internal import Transport

/// The self-signed certificate for clients that name no host, or one without a certificate: the counterpart of
/// ingress-nginx' "Kubernetes Ingress Controller Fake Certificate". Made anew by each process.
enum FallbackCertificate {
    static func make() throws(TransportError) -> TLSIdentity {
        let authority = try CertificateAuthority.create(commonName: "Martlet Ingress Fake Certificate", days: 365)
        let issued = try authority.issueServer(dnsNames: ["ingress.local"])
        return try TLSIdentity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
    }
}
