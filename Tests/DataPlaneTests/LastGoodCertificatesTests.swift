import Foundation
import Glibc
import KubeModel
import Logging
import Testing
import Transport

@testable import DataPlane

@Suite("What is served in the place of a bad Secret outlives the data plane")
final class LastGoodCertificatesTests {
    private let directory = NSTemporaryDirectory() + "martlet-certificates-\(UUID().uuidString)"
    private let key = NamespacedName(namespace: "shop", name: "tls")

    // A left-over directory does no harm.
    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private func certificate(_ name: String) throws -> TLSSecret {
        let issued = try CertificateAuthority.create(commonName: "test").issueServer(dnsNames: [name])
        return try #require(TLSSecret(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM))
    }

    private func store() throws -> LastGoodCertificates {
        try LastGoodCertificates(directory: directory, logger: Logger(label: "test"))
    }

    private var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test func `a certificate is on disk while its Secret is bad, and served again after a restart`() throws {
        let good = try certificate("a.example.com")
        let first = TrafficState(lastGood: try store())
        first.setSecret(key, uid: "u-1", good)
        #expect(files.isEmpty)
        first.setSecret(key, uid: "u-1", nil)
        #expect(files == ["u-1.pem"])
        #expect(mode(directory) == 0o700 && mode("\(directory)/u-1.pem") == 0o600)

        let kept = try store()
        let second = TrafficState(lastGood: kept)
        second.setSecret(key, uid: "u-1", nil)
        kept.sweep()
        #expect(second.routingInputs().secrets[key] == good)
        #expect(files == ["u-1.pem"])
        // Mended: the key is not needed here any more.
        let renewed = try certificate("b.example.com")
        second.setSecret(key, uid: "u-1", renewed)
        #expect(second.routingInputs().secrets[key] == renewed && files.isEmpty)
    }

    @Test func `a key goes with its Secret, and another one of that name does not get it`() throws {
        let good = try certificate("a.example.com")
        let first = TrafficState(lastGood: try store())
        for uid in ["u-1", "u-2", "u-3"] {
            let key = NamespacedName(namespace: "shop", name: uid)
            first.setSecret(key, uid: uid, good)
            first.setSecret(key, uid: uid, nil)
        }
        first.removeSecret(NamespacedName(namespace: "shop", name: "u-1"), uid: "u-1")
        #expect(files == ["u-2.pem", "u-3.pem"])
        #expect(first.routingInputs().secrets.count == 2)

        // While it is away one is deleted, and one deleted and made again.
        let kept = try store()
        let second = TrafficState(lastGood: kept)
        second.setSecret(NamespacedName(namespace: "shop", name: "u-3"), uid: "u-4", nil)
        #expect(second.routingInputs().secrets.isEmpty)
        kept.sweep()
        #expect(files.isEmpty)
    }

    @Test func `a file that is cut off or says something else is nothing to serve`() throws {
        let kept = try store()
        kept.keep(try certificate("a.example.com"), of: "u-1")
        #expect(kept.recall("u-1") != nil)
        let whole = try Data(contentsOf: URL(filePath: "\(directory)/u-1.pem"))
        for bytes in [whole.prefix(100), Data(), Data("99999999999999999999\nx".utf8), Data("-1\nx".utf8)] {
            try bytes.write(to: URL(filePath: "\(directory)/u-1.pem"))
            #expect(kept.recall("u-1") == nil)
        }
        for uid in ["", "../u-1", "u/1", "..", String(repeating: "a", count: 129)] {
            kept.keep(try certificate("a.example.com"), of: uid)
            #expect(kept.recall(uid) == nil, "\(uid)")
        }
        #expect(files == ["u-1.pem"])
    }

    @Test func `a directory that others may look into is refused`() throws {
        #expect(mkdir(directory, 0o700) == 0 && chmod(directory, 0o755) == 0)
        #expect(throws: DataPlaneError.self) { try store() }
    }
}
