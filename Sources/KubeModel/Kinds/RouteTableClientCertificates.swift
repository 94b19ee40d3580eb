/// What the clients of a RouteTable's hosts must show of themselves in TLS (nginx' `ssl_verify_client`).
public struct RouteTableClientCertificates: Codable, Hashable, Sendable {
    /// A Secret of the table's namespace: `ca.crt`, and `ca.crl` where certificates may be revoked.
    public var secretName: String
    /// Of ``allModes``; `on` without it.
    public var mode: String?
    /// How many intermediate certificates there may be; 1 without it.
    public var depth: Int?
    /// Where clients are sent that show none or a bad one.
    public var errorPage: String?
    /// The certificate goes to the backends, in `ssl-client-cert`.
    public var passesCertificate: Bool?
    /// A regular expression (RE2) that must match in the certificate's subject.
    public var subjectPattern: String?

    public static let allModes = ["on", "optional", "optional_no_ca"]

    public init(
        secretName: String = "", mode: String? = nil, depth: Int? = nil, errorPage: String? = nil,
        passesCertificate: Bool? = nil, subjectPattern: String? = nil
    ) {
        self.secretName = secretName
        self.mode = mode
        self.depth = depth
        self.errorPage = errorPage
        self.passesCertificate = passesCertificate
        self.subjectPattern = subjectPattern
    }

    /// Whether a text is a place to send a client to: an absolute URL of up to 2,048 visible ASCII characters.
    public static func isErrorPage(_ text: String) -> Bool {
        let hasScheme = ["https://", "http://"].contains { text.hasPrefix($0) && text.utf8.count > $0.utf8.count }
        return hasScheme && text.utf8.count <= 2048 && text.utf8.allSatisfy { 0x21..<0x7F ~= $0 }
    }
}
