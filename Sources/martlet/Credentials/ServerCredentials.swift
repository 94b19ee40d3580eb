import NetworkTypes
import System
import Transport

/// The certificates and the token of one API server, made at the first start and kept in its data directory.
///
/// What is there is used as it is; what is missing, about to expire, or no longer fits the server's names is made anew, the
/// serving certificate also while the server runs (`ServingCertificateRenewal`).
struct ServerCredentials {
    let authority: CertificateAuthority
    let adminCertificatePEM: [UInt8]
    let adminKeyPEM: [UInt8]
    let servingCertificatePath: String
    let servingKeyPath: String
    /// What the serving certificate was made for.
    private let servingNamesPath: String
    /// Authorities for client certificates: Martlet's own and the configured ones.
    let clientAuthoritiesPath: String
    /// The administrator's token and the configured ones.
    let tokensPath: String

    /// The group whose members Kubernetes lets do everything.
    static let administrators = "system:masters"
    /// Certificates are good for 365 days; a start after this many days makes new ones.
    private static let renewalDays = 300

    init(
        directory: DataDirectory, names: ServerNames, tokenAuthFile: String?, clientCAFile: String?
    ) throws {
        authority = try Self.authority(directory)

        servingCertificatePath = directory.file("apiserver.crt")
        servingKeyPath = directory.file("apiserver.key")
        servingNamesPath = directory.file("apiserver.names")

        let adminCertificate = directory.file("admin.crt")
        let adminKey = directory.file("admin.key")
        if FileBytes.ageInDays(adminCertificate) < Self.renewalDays,
            let certificate = try FileBytes.readIfPresent(adminCertificate),
            let key = try FileBytes.readIfPresent(adminKey)
        {
            (adminCertificatePEM, adminKeyPEM) = (certificate, key)
        } else {
            let issued = try authority.issueClient(commonName: "admin", organizations: [Self.administrators])
            try FileBytes.replace(adminKey, with: issued.keyPEM)
            try FileBytes.replace(adminCertificate, with: issued.certificatePEM, mode: 0o644)
            (adminCertificatePEM, adminKeyPEM) = (issued.certificatePEM, issued.keyPEM)
        }

        clientAuthoritiesPath = directory.file("client-ca.crt")
        var authorities = authority.certificatePEM
        if let clientCAFile { authorities += try Self.required(clientCAFile, flag: "--client-ca-file") }
        try FileBytes.replace(clientAuthoritiesPath, with: authorities)

        tokensPath = directory.file("tokens.csv")
        let token = try Self.adminToken(directory)
        // The given file first: what is wrong with it is reported with its own line numbers.
        var tokens = try tokenAuthFile.map { try Self.required($0, flag: "--token-auth-file") } ?? []
        tokens += Array("\(token),admin,admin,\"\(Self.administrators)\"\n".utf8)
        try FileBytes.replace(tokensPath, with: tokens)
        try ensureServing(names)
    }

    private static func authority(_ directory: DataDirectory) throws -> CertificateAuthority {
        if let certificate = try FileBytes.readIfPresent(directory.caCertificate),
            let key = try FileBytes.readIfPresent(directory.caKey)
        {
            return try CertificateAuthority(.init(certificatePEM: certificate, keyPEM: key))
        }
        let authority = try CertificateAuthority.create(commonName: "martlet")
        try FileBytes.replace(directory.caKey, with: authority.credentials.keyPEM)
        try FileBytes.replace(directory.caCertificate, with: authority.certificatePEM, mode: 0o644)
        return authority
    }

    /// Makes the serving certificate anew where it is missing, about to expire, or made for other names.
    func ensureServing(_ names: ServerNames) throws {
        let wanted = Array((names.names + names.addresses.map(\.description)).joined(separator: "\n").utf8)
        let isPresent =
            try FileBytes.ageInDays(servingCertificatePath) < Self.renewalDays
            && FileBytes.readIfPresent(servingKeyPath) != nil
        if isPresent, try FileBytes.readIfPresent(servingNamesPath) == wanted { return }
        let issued = try authority.issueServer(dnsNames: names.names, addresses: names.addresses)
        try FileBytes.replace(servingKeyPath, with: issued.keyPEM)
        try FileBytes.replace(servingCertificatePath, with: issued.certificatePEM, mode: 0o644)
        try FileBytes.replace(servingNamesPath, with: wanted)
    }

    private static func adminToken(_ directory: DataDirectory) throws -> String {
        if let bytes = try FileBytes.readIfPresent(directory.adminToken) {
            let token = String(decoding: bytes.filter { $0 > UInt8(ascii: " ") }, as: UTF8.self)
            if !token.isEmpty && !token.contains(",") { return token }
        }
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef")
        let token = String((0..<64).map { _ in digits[Int.random(in: 0..<16, using: &generator)] })
        try FileBytes.replace(directory.adminToken, with: Array((token + "\n").utf8))
        return token
    }

    private static func required(_ path: String, flag: String) throws -> [UInt8] {
        guard var bytes = try FileBytes.readIfPresent(path) else {
            throw CleanExitError("\(flag): there is no file \(path)")
        }
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        return bytes
    }
}
