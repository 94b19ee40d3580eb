import KubeClient
import KubeModel
import System
import Transport

/// Finds the authority of a server that nothing is known about but the hash of its key, as kubeadm does: ConfigMap
/// `cluster-info` is read without trust, and believed as far as the hash goes.
struct ClusterDiscovery {
    let server: ClientConfiguration.Server
    let pins: [AuthorityPin]

    /// PEM of the pinned authorities; no other of the ConfigMap is trusted.
    func authority() async throws -> [UInt8] {
        let client = try APIClient(
            ClientConfiguration(
                server: server, skipsServerVerification: true, userAgent: "martlet-join/\(ProgramVersion.current)"))
        let found = try Self.authority(
            in: try await client.get(ConfigMap.self, "cluster-info", namespace: "kube-public"))
        return try Self.pinned(found, pins, now: SystemClock.secondsSinceEpoch)
    }

    static func authority(in info: ConfigMap) throws -> [UInt8] {
        guard let text = info.data?["kubeconfig"], let document = try? YAMLDocument.parse(Array(text.utf8)),
            let data = document["clusters"]?.array?.first?["cluster"]?["certificate-authority-data"]?.string,
            let pem = Base64.decode(data)
        else {
            throw CleanExitError("ConfigMap cluster-info in kube-public names no certificate authority")
        }
        return pem
    }

    /// - Throws: where none is pinned, or the clock is not within the time of those that are.
    static func pinned(_ pem: [UInt8], _ pins: [AuthorityPin], now: Int64) throws -> [UInt8] {
        let blocks = PEMText.certificates(pem)
        let known = try blocks.map { (block: $0, details: try CertificateDetails.read(pem: $0)[0]) }
        let trusted = known.filter { pins.contains(AuthorityPin($0.details)) }
        guard let first = trusted.first else {
            let seen = known.map { AuthorityPin($0.details).description }.joined(separator: ", ")
            throw CleanExitError(
                "--ca-cert-hash: the server's authority is another one (\(seen)). Either the hash is wrong, or somebody "
                    + "else answers for the server: compare with `martlet token create --print-join-command` there")
        }
        try CertificateClock.check(first.details, "the server's authority", now: now)
        return trusted.flatMap(\.block)
    }
}

/// Whether this machine's clock is within the time of a certificate: TLS would fail with less clear words.
enum CertificateClock {
    static func check(_ certificate: CertificateDetails, _ whose: String, now: Int64) throws {
        let clock = Timestamp(secondsSinceEpoch: now)
        if now < certificate.notBefore {
            throw CleanExitError(
                "this machine's clock says \(clock), and the certificate of \(whose) begins at "
                    + "\(Timestamp(secondsSinceEpoch: certificate.notBefore)): set the clock")
        }
        if now >= certificate.notAfter {
            throw CleanExitError(
                "this machine's clock says \(clock), and the certificate of \(whose) has ended at "
                    + "\(Timestamp(secondsSinceEpoch: certificate.notAfter)): set the clock, or renew the certificate")
        }
    }
}

/// The blocks of a PEM text.
enum PEMText {
    private static let end = "-----END CERTIFICATE-----"

    /// Each certificate as a text of its own.
    static func certificates(_ pem: [UInt8]) -> [[UInt8]] {
        var blocks: [[UInt8]] = []
        var lines: [Substring] = []
        for line in String(decoding: pem, as: UTF8.self).split(separator: "\n") {
            lines.append(line)
            guard line.hasPrefix(end) else { continue }
            blocks.append(Array((lines.joined(separator: "\n") + "\n").utf8))
            lines = []
        }
        return blocks
    }
}
