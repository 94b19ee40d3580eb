import Transport

/// The hash of an authority's public key, as kubeadm writes it: `sha256:` and 64 hexadecimal digits.
struct AuthorityPin: Hashable, Sendable, CustomStringConvertible {
    private let digits: String

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "sha256", parts[1].utf8.count == 64,
            parts[1].allSatisfy({ $0.isASCII && $0.isHexDigit })
        else { return nil }
        digits = parts[1].lowercased()
    }

    init(_ certificate: CertificateDetails) { digits = certificate.publicKeyHash }

    var description: String { "sha256:\(digits)" }
}
