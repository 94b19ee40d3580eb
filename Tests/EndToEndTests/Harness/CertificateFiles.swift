import Foundation
import Testing

/// An authority of a test's own and what it has signed, as files made by openssl.
struct CertificateFiles {
    let directory: URL
    private let name: String

    /// Makes the authority.
    init(_ name: String, in directory: URL) async throws {
        self.directory = directory
        self.name = name
        try await run(
            ["req", "-x509"] + Self.key + [
                "-days", "2", "-subj", "/O=Tests/CN=\(name)", "-keyout", path("\(name).key"), "-out", authority,
            ])
    }

    var authority: String { path("\(name).crt") }

    /// A certificate for a DNS name or a client, with its key.
    func issue(_ commonName: String, dnsName: String? = nil) async throws -> (certificate: String, key: String) {
        let certificate = path("\(name)-\(commonName).crt")
        let key = path("\(name)-\(commonName).key")
        let names = dnsName.map { ["-addext", "subjectAltName=DNS:\($0)"] } ?? []
        try await run(
            ["req", "-x509"] + Self.key + [
                "-days", "2", "-subj", "/O=Tests/CN=\(commonName)", "-CA", authority, "-CAkey", path("\(name).key"),
                "-addext", "basicConstraints=critical,CA:FALSE",
            ] + names + ["-keyout", key, "-out", certificate])
        return (certificate, key)
    }

    private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    private func path(_ file: String) -> String { directory.appending(path: file).path }

    private func run(_ arguments: [String]) async throws {
        let output = try await Program.run("openssl", arguments)
        try #require(output.succeeded, "\(output)")
    }
}
