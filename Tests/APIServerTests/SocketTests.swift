import Foundation
import KubeModel
import Logging
import NetworkTypes
import Testing
import Transport

@testable import APIServer

/// The same server behind real listeners: TLS with client certificates, the unix socket, limits of the transport.
@Suite struct SocketTests {
    private struct Running {
        let server: APIServer
        let authority: CertificateAuthority
        let port: NetworkTypes.Port
        let socket: String
        let loops: [EventLoop]

        func client(certificate: Bool = false) throws -> HTTPClient {
            var identity: TLSIdentity?
            if certificate {
                let issued = try authority.issueClient(commonName: "tester", organizations: ["system:masters"])
                identity = try TLSIdentity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
            }
            let tls = try TLSContext(client: .authorities(pem: authority.certificatePEM), identity: identity)
            return HTTPClient(endpoint: .tcp(host: "127.0.0.1", port: port), tls: tls, loops: loops)
        }
    }

    private func withServer(_ body: (Running) async throws -> Void) async throws {
        let directory = NSTemporaryDirectory() + "martlet-socket-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let authority = try CertificateAuthority.create(commonName: "test")
        let loopback = try #require(IPAddress("127.0.0.1"))
        let serving = try authority.issueServer(dnsNames: ["localhost"], addresses: [loopback])
        try Data(serving.certificatePEM).write(to: URL(fileURLWithPath: directory + "/tls.crt"))
        try Data(serving.keyPEM).write(to: URL(fileURLWithPath: directory + "/tls.key"))
        try Data(authority.certificatePEM).write(to: URL(fileURLWithPath: directory + "/ca.crt"))
        try Data("secret,admin,1\n".utf8).write(to: URL(fileURLWithPath: directory + "/tokens.csv"))
        var configuration = APIServerConfiguration(
            storePath: directory + "/store.db",
            ranges: AllocationRanges(serviceCIDRs: [try #require(CIDR("127.96.0.0/16"))]))
        configuration.secureAddress = SocketAddress(ip: loopback, port: NetworkTypes.Port(0))
        configuration.tlsCertificateFile = directory + "/tls.crt"
        configuration.tlsPrivateKeyFile = directory + "/tls.key"
        configuration.clientCAFile = directory + "/ca.crt"
        configuration.tokenAuthFile = directory + "/tokens.csv"
        configuration.unixSocketPath = directory + "/api.sock"
        let server = try await APIServer.start(configuration, logger: Logger(label: "test"))
        let port = try #require(server.addresses.compactMap(\.port).first)
        let loops = try EventLoop.group(count: 1)
        let running = Running(
            server: server, authority: authority, port: port, socket: directory + "/api.sock", loops: loops)
        do {
            try await body(running)
        } catch {
            Issue.record(error)
        }
        await server.shutdown()
        for loop in loops { loop.stop() }
        try FileManager.default.removeItem(atPath: directory)
    }

    @Test func credentialsOfEachKindAreTaken() async throws {
        try await withServer { running in
            let namespaces = "/api/v1/namespaces"
            let nobody = try running.client()
            #expect(try await nobody.send(HTTPClientRequest(target: namespaces)).status == 401)
            #expect(try await nobody.send(HTTPClientRequest(target: "/livez")).status == 200)
            let token = HTTPClientRequest(target: namespaces, headers: ["Authorization": "Bearer secret"])
            #expect(try await nobody.send(token).status == 200)
            let certified = try running.client(certificate: true)
            #expect(try await certified.send(HTTPClientRequest(target: namespaces)).status == 200)
            let local = HTTPClient(endpoint: .unix(path: running.socket), loops: running.loops)
            #expect(try await local.send(HTTPClientRequest(target: namespaces)).status == 200)
            let mode = try FileManager.default.attributesOfItem(atPath: running.socket)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test func bodiesBeyondTheLimitAre413() async throws {
        try await withServer { running in
            let client = HTTPClient(endpoint: .unix(path: running.socket), loops: running.loops)
            let response = try await client.send(
                HTTPClientRequest(
                    method: .post, target: Samples.configMaps, headers: ["Content-Type": "application/json"],
                    body: [UInt8](repeating: 0x20, count: (3 << 20) + 1)))
            #expect(response.status == 413)
            #expect(try JSONParser.parse(response.body)["reason"] == "RequestEntityTooLarge")
        }
    }

    @Test func aWatchStreamsOverTLSAndEndsWithTheServer() async throws {
        try await withServer { running in
            let client = try running.client(certificate: true)
            let stream = try await client.stream(
                HTTPClientRequest(target: "\(Samples.configMaps)?watch=true", timeout: nil))
            #expect(stream.status == 200)
            let created = try await client.send(
                HTTPClientRequest(
                    method: .post, target: Samples.configMaps, headers: ["Content-Type": "application/json"],
                    body: Samples.configMap("a").encoded()))
            #expect(created.status == 201)
            var received: [UInt8] = []
            var chunks = stream.body.makeAsyncIterator()
            while !received.contains(UInt8(ascii: "\n")), let chunk = try await chunks.next() { received += chunk }
            let event = try JSONParser.parse(received)
            #expect(event["type"] == "ADDED")
            #expect(event["object"] == (try JSONParser.parse(created.body)))
        }
    }
}
