/// What clients of some routes must show of themselves in TLS (nginx' `ssl_verify_client`).
package struct ClientCertificatePolicy: Sendable, Hashable {
    package enum Mode: Sendable, Hashable {
        /// A certificate from one of the authorities (`on`).
        case required
        /// One of theirs, or none (`optional`).
        case optional
        /// One of whomever, or none: the backend judges (`optional_no_ca`).
        case optionalNoCA
    }

    package var mode: Mode
    /// Certificates; without any that can be read, nobody is let in.
    package var authoritiesPEM: [UInt8]
    /// CRLs of all of them; nil for none.
    package var revocationsPEM: [UInt8]?
    /// Intermediate certificates between a client's and an authority's.
    package var depth: Int32
    /// Where clients are sent (302) that show none or a bad one; nil answers them 400.
    package var errorPage: String?
    /// The certificate goes to the backend, in `ssl-client-cert`.
    package var passesCertificate: Bool
    /// A regular expression (RE2) that must match somewhere in the subject, as RFC 2253 writes it; 403 otherwise.
    package var subjectPattern: String?

    package init(
        mode: Mode = .required, authoritiesPEM: [UInt8], revocationsPEM: [UInt8]? = nil, depth: Int32 = 1,
        errorPage: String? = nil, passesCertificate: Bool = false, subjectPattern: String? = nil
    ) {
        self.mode = mode
        self.authoritiesPEM = authoritiesPEM
        self.revocationsPEM = revocationsPEM
        self.depth = depth
        self.errorPage = errorPage
        self.passesCertificate = passesCertificate
        self.subjectPattern = subjectPattern
    }
}
