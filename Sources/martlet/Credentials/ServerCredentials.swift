import NetworkTypes
import Transport

/// The certificates and the token of one API server, made at the first start and kept in its data directory.
///
/// What is there is used as it is; what is missing, about to expire, or no longer fits the server's names is made anew.
struct ServerCredentials {
    let authority: CertificateAuthority
    let adminCertificatePEM: [UInt8]
    let adminKeyPEM: [UInt8]
    let servingCertificatePath: String
    let servingKeyPath: String
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
        try Self.ensureServing(
            authority, names, certificate: servingCertificatePath, key: servingKeyPath,
            namesFile: directory.file("apiserver.names"))

        let adminCertificate = directory.file("admin.crt")
        let adminKey = directory.file("admin.key")
        if PrivateFile.ageInDays(adminCertificate) < Self.renewalDays,
            let certificate = try PrivateFile.read(adminCertificate), let key = try PrivateFile.read(adminKey)
        {
            (adminCertificatePEM, adminKeyPEM) = (certificate, key)
        } else {
            let issued = try authority.issueClient(commonName: "admin", organizations: [Self.administrators])
            try PrivateFile.write(issued.keyPEM, to: adminKey)
            try PrivateFile.write(issued.certificatePEM, to: adminCertificate, mode: 0o644)
            (adminCertificatePEM, adminKeyPEM) = (issued.certificatePEM, issued.keyPEM)
        }

        clientAuthoritiesPath = directory.file("client-ca.crt")
        var authorities = authority.certificatePEM
        if let clientCAFile { authorities += try Self.required(clientCAFile, flag: "--client-ca-file") }
        try PrivateFile.write(authorities, to: clientAuthoritiesPath)

        tokensPath = directory.file("tokens.csv")
        let token = try Self.adminToken(directory)
        // The given file first: what is wrong with it is reported with its own line numbers.
        var tokens = try tokenAuthFile.map { try Self.required($0, flag: "--token-auth-file") } ?? []
        tokens += Array("\(token),admin,admin,\"\(Self.administrators)\"\n".utf8)
        try PrivateFile.write(tokens, to: tokensPath)
    }

    private static func authority(_ directory: DataDirectory) throws -> CertificateAuthority {
        if let certificate = try PrivateFile.read(directory.caCertificate),
            let key = try PrivateFile.read(directory.caKey)
        {
            return try CertificateAuthority(.init(certificatePEM: certificate, keyPEM: key))
        }
        let authority = try CertificateAuthority.create(commonName: "martlet")
        try PrivateFile.write(authority.credentials.keyPEM, to: directory.caKey)
        try PrivateFile.write(authority.certificatePEM, to: directory.caCertificate, mode: 0o644)
        return authority
    }

    private static func ensureServing(
        _ authority: CertificateAuthority, _ names: ServerNames, certificate: String, key: String, namesFile: String
    ) throws {
        let wanted = Array((names.names + names.addresses.map(\.description)).joined(separator: "\n").utf8)
        let isPresent =
            try PrivateFile.ageInDays(certificate) < renewalDays && PrivateFile.read(key) != nil
        if isPresent, try PrivateFile.read(namesFile) == wanted { return }
        let issued = try authority.issueServer(dnsNames: names.names, addresses: names.addresses)
        try PrivateFile.write(issued.keyPEM, to: key)
        try PrivateFile.write(issued.certificatePEM, to: certificate, mode: 0o644)
        try PrivateFile.write(wanted, to: namesFile)
    }

    private static func adminToken(_ directory: DataDirectory) throws -> String {
        if let bytes = try PrivateFile.read(directory.adminToken) {
            let token = String(decoding: bytes.filter { $0 > UInt8(ascii: " ") }, as: UTF8.self)
            if !token.isEmpty && !token.contains(",") { return token }
        }
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef")
        let token = String((0..<64).map { _ in digits[Int.random(in: 0..<16, using: &generator)] })
        try PrivateFile.write(Array((token + "\n").utf8), to: directory.adminToken)
        return token
    }

    private static func required(_ path: String, flag: String) throws -> [UInt8] {
        guard var bytes = try PrivateFile.read(path) else { throw CleanExitError("\(flag): there is no file \(path)") }
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        return bytes
    }
}
