import Foundation
import Logging
import NetworkTypes
import Testing
import Transport

@testable import martlet

@Suite("A running server's certificate follows its files and the machine's addresses")
struct ServingCertificateRenewalTests {
    private struct Refused: Error {}

    private final class Scene {
        let folder: URL
        let credentials: ServerCredentials
        var local = ["192.0.2.7"]
        var served: [TLSIdentity] = []
        var refuses = false

        init() throws {
            folder = URL(filePath: NSTemporaryDirectory()).appending(path: "renewal-\(UUID().uuidString)")
            credentials = try ServerCredentials(
                directory: try DataDirectory(folder.path), names: Self.names(["192.0.2.7"]), tokenAuthFile: nil,
                clientCAFile: nil)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        static func names(_ local: [String]) -> ServerNames {
            ServerNames(
                bindAddress: .anyV4, nodeName: "edge-1", local: local.compactMap { IPAddress($0) }, further: [])
        }

        func renewal() throws -> ServingCertificateRenewal {
            try ServingCertificateRenewal(
                certificatePath: credentials.servingCertificatePath, keyPath: credentials.servingKeyPath,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                refresh: { [unowned self] in try credentials.ensureServing(Self.names(local)) },
                replace: { [unowned self] certificate, key in
                    if refuses { throw Refused() }
                    served.append(try TLSIdentity(certificatePEM: certificate, keyPEM: key))
                })
        }
    }

    @Test func `an address that the machine gets is in the certificate after the next look`() throws {
        let scene = try Scene()
        var renewal = try scene.renewal()
        renewal.look()
        #expect(scene.served.isEmpty)
        scene.local.append("198.51.100.9")
        renewal.look()
        renewal.look()
        #expect(scene.served.count == 1)
        let names = try String(contentsOf: scene.folder.appending(path: "apiserver.names"), encoding: .utf8)
        #expect(names.contains("198.51.100.9"))
    }

    @Test func `a certificate that cannot be served is tried again, and the one so far stays`() throws {
        let scene = try Scene()
        var renewal = try scene.renewal()
        scene.local = []
        scene.refuses = true
        renewal.look()
        #expect(scene.served.isEmpty)
        scene.refuses = false
        renewal.look()
        #expect(scene.served.count == 1)
    }

    @Test func `a file that another program replaces is served, half of one is not`() throws {
        let scene = try Scene()
        var renewal = try scene.renewal()
        let certificate = URL(filePath: scene.credentials.servingCertificatePath)
        let good = try Data(contentsOf: certificate)
        try good.prefix(good.count / 2).write(to: certificate)
        renewal.look()
        #expect(scene.served.isEmpty)
        // The same bytes as in the beginning: they are served already.
        try good.write(to: certificate)
        renewal.look()
        #expect(scene.served.isEmpty)
    }
}
