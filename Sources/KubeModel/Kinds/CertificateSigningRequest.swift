/// A CertificateSigningRequest (certificates.k8s.io/v1): the fields that approving and signing need.
public struct CertificateSigningRequest: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "certificates.k8s.io", version: "v1", kind: "CertificateSigningRequest",
        plural: "certificatesigningrequests", singular: "certificatesigningrequest", namespaced: false,
        shortNames: ["csr"], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// What is asked for, and by whom.
    public var spec: CertificateSigningRequestSpec?
    /// What became of it.
    public var status: CertificateSigningRequestStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: CertificateSigningRequestSpec? = nil,
        status: CertificateSigningRequestStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }

    /// Whether a condition of this type is there; `Approved`, `Denied` and `Failed` are never `False`.
    public func has(_ type: String) -> Bool { status?.conditions?.contains { $0.type == type } ?? false }

    /// The condition of a type.
    public func condition(_ type: String) -> CertificateSigningRequestCondition? {
        status?.conditions?.first { $0.type == type }
    }
}

/// What is asked for, and by whom.
public struct CertificateSigningRequestSpec: Codable, Hashable, Sendable {
    /// PEM of a PKCS #10 request, base64.
    public var request: String
    /// Who is to sign it.
    public var signerName: String
    /// How long it is to be good for at most.
    public var expirationSeconds: Int?
    /// What it is to be good for.
    public var usages: [String]?
    /// Who asks; written by the server.
    public var username: String?
    /// The groups of who asks; written by the server.
    public var groups: [String]?

    public init(
        request: String = "", signerName: String = "", expirationSeconds: Int? = nil, usages: [String]? = nil,
        username: String? = nil, groups: [String]? = nil
    ) {
        self.request = request
        self.signerName = signerName
        self.expirationSeconds = expirationSeconds
        self.usages = usages
        self.username = username
        self.groups = groups
    }
}

/// What became of a request.
public struct CertificateSigningRequestStatus: Codable, Hashable, Sendable {
    /// `Approved`, `Denied`, `Failed`.
    public var conditions: [CertificateSigningRequestCondition]?
    /// PEM of the certificate, base64.
    public var certificate: String?

    public init(conditions: [CertificateSigningRequestCondition]? = nil, certificate: String? = nil) {
        self.conditions = conditions
        self.certificate = certificate
    }
}

/// A decision about a request.
public struct CertificateSigningRequestCondition: Codable, Hashable, Sendable {
    /// `Approved`, `Denied` or `Failed`.
    public var type: String
    /// `True`.
    public var status: String
    /// Why, in one CamelCase word.
    public var reason: String?
    /// Why, for people.
    public var message: String?
    /// When it was last said.
    public var lastUpdateTime: Timestamp?

    public init(
        type: String = "", status: String = "True", reason: String? = nil, message: String? = nil,
        lastUpdateTime: Timestamp? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.lastUpdateTime = lastUpdateTime
    }
}
