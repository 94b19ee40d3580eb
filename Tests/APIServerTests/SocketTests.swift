import Foundation
import KubeModel
import Logging
import NetworkTypes
import Store
import Testing
import Transport

@testable import APIResources
@testable import APIServer

/// The same server behind real listeners: TLS with client certificates, the unix socket, limits of the transport.
@Suite("The API server on sockets") struct SocketTests {
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

    private func withServer(
        _ configure: (inout APIServerConfiguration) -> Void = { _ in }, _ body: (Running) async throws -> Void
    ) async throws {
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
        configure(&configuration)
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

    @Test func aStrangersBodyIsRefusedAtItsHead() async throws {
        try await withServer({ $0.bodyBudgetBytes = 1 << 20 }) { running in
            // More than the budget, many times at once: not one waits for room.
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let request = HTTPClientRequest(
                            method: .post, target: Samples.configMaps, headers: ["Content-Type": "application/json"],
                            body: [UInt8](repeating: 0x20, count: 3_000_000))
                        return try await running.client().send(request).status
                    }
                }
                for try await status in group { #expect(status == 401) }
            }
        }
    }

    @Test func aRequestForAnotherUserIsRefused() async throws {
        try await withServer { running in
            let client = HTTPClient(endpoint: .unix(path: running.socket), loops: running.loops)
            for field in ["Impersonate-User", "impersonate-group", "Impersonate-Extra-scopes", "Impersonate-Uid"] {
                let answer = try await client.send(
                    HTTPClientRequest(target: "/api/v1/namespaces", headers: [field: "somebody"]))
                #expect(answer.status == 403)
                #expect(try JSONParser.parse(answer.body)["reason"] == "Forbidden")
            }
            var twice: HTTPHeaders = ["Authorization": "Bearer secret"]
            twice.add("authorization", "Bearer other")
            let ambiguous = try await client.send(HTTPClientRequest(target: "/api/v1/namespaces", headers: twice))
            #expect(ambiguous.status == 400)
            // A stranger learns nothing but that he is one.
            let stranger = try running.client()
            let answer = try await stranger.send(
                HTTPClientRequest(target: "/api/v1/namespaces", headers: ["Impersonate-User": "admin"]))
            #expect(answer.status == 401)
        }
    }

    @Test func largeAnswersAreCompressedForWhoAsks() async throws {
        try await withServer { running in
            let client = HTTPClient(endpoint: .unix(path: running.socket), loops: running.loops)
            for name in ["a", "b", "c"] {
                _ = try await Self.write(
                    client, .post, Samples.configMaps, ["data": ["k": .string(String(repeating: "x", count: 60_000))]],
                    name)
            }
            func get(_ target: String, _ encodings: String) async throws -> HTTPClientResponse {
                try await client.send(HTTPClientRequest(target: target, headers: ["Accept-Encoding": encodings]))
            }
            let packed = try await get(Samples.configMaps, "deflate, gzip")
            #expect(packed.headers["Content-Encoding"] == "gzip")
            #expect(packed.headers["Vary"] == "Accept-Encoding")
            #expect(packed.body.starts(with: [0x1F, 0x8B]))
            #expect(packed.body.count < 10_000)
            #expect(try await get(Samples.configMaps, "br").headers["Content-Encoding"] == nil)
            // Below 128 KiB.
            #expect(try await get(Samples.configMaps + "/a", "gzip").headers["Content-Encoding"] == nil)
            #expect(try await get("/openapi/v3", "gzip").headers["Content-Encoding"] == "gzip")
        }
    }

    @Test func everyAnswerHasAnAuditIdentifier() async throws {
        try await withServer { running in
            let client = HTTPClient(endpoint: .unix(path: running.socket), loops: running.loops)
            var seen: Set<String> = []
            for target in ["/api/v1/namespaces", "/nothing", "/version", "/api/v1/namespaces"] {
                let answer = try await client.send(HTTPClientRequest(target: target))
                seen.insert(try #require(answer.headers["Audit-Id"]))
            }
            #expect(seen.count == 4)
            #expect(seen.allSatisfy { UUID(uuidString: $0) != nil })
            let named = try await client.send(
                HTTPClientRequest(target: "/version", headers: ["Audit-ID": String(repeating: "n", count: 100)]))
            #expect(named.headers["Audit-Id"] == String(repeating: "n", count: 64))
        }
    }

    @Test func aWatchOverAWebSocketHasAFrameForEachEvent() async throws {
        try await withServer { running in
            let client = HTTPClient(endpoint: .unix(path: running.socket), loops: running.loops)
            let socket = try BlockingSocket(unixPath: running.socket)
            let opening =
                "GET \(Samples.configMaps)?watch=true HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            socket.send(Array(opening.utf8))
            let head = socket.read { $0.suffix(4).elementsEqual("\r\n\r\n".utf8) }
            #expect(String(decoding: head, as: UTF8.self).hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            for name in ["a", "b"] {
                _ = try await Self.write(client, .post, Samples.configMaps, [:], name)
                var frame: [UInt8] = []
                frame = socket.read { $0.last == UInt8(ascii: "\n") }
                #expect(frame.first == 0x81)
                // Longer than 125 bytes and shorter than 64 KiB.
                #expect(frame.count == 4 + Int(frame[2]) << 8 + Int(frame[3]))
                let event = try JSONParser.parse(Array(frame.dropFirst(4)))
                #expect(event["type"] == "ADDED")
                #expect(event["object"]["metadata"]["name"].string == name)
            }
            // A ping "hi" and a close, masked with zeros.
            socket.send([0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69])
            #expect(socket.read { $0.count >= 4 } == [0x8A, 2, 0x68, 0x69])
            socket.send([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8])
            #expect(socket.read { _ in false } == [0x88, 2, 0x03, 0xE8])

            let malformed = try BlockingSocket(unixPath: running.socket)
            malformed.send(Array(opening.replacing("dGhlIHNhbXBsZSBub25jZQ==", with: "short").utf8))
            let refusal = malformed.read { $0.suffix(4).elementsEqual("\r\n\r\n".utf8) }
            #expect(String(decoding: refusal, as: UTF8.self).hasPrefix("HTTP/1.1 400 "))
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

    @Test func bookmarksComeTimeAndAgain() async throws {
        try await withServer({ $0.bookmarkSeconds = 1 }) { running in
            let client = try running.client(certificate: true)
            let watch = try await Self.events(client, "\(Samples.configMaps)?watch=true&allowWatchBookmarks=true")
            // A write to another kind moves the version that the bookmarks tell.
            let created = try await Self.write(
                client, .post, "/api/v1/namespaces/default/secrets", ["type": "a/b"], "s")
            let version = Int(created["metadata"]["resourceVersion"].string ?? "") ?? .max
            var told: [Int] = []
            while told.count < 3, let event = try await watch.next() {
                #expect(event["type"] == "BOOKMARK" && event["object"]["kind"] == "ConfigMap")
                #expect(event["object"]["metadata"].object?.count == 1, "nothing but the version")
                told.append(Int(event["object"]["metadata"]["resourceVersion"].string ?? "") ?? 0)
            }
            #expect(told.count == 3 && told == told.sorted() && told[2] >= version)
        }
    }

    @Test func aWatchThatFallsBehindHistoryIsToldSoInItsStream() async throws {
        let server = try await TestServer()
        let http = HTTPServer(
            loops: server.core.loops, configuration: HTTPServerConfiguration(),
            handler: PipelineHandler(pipeline: server.core.pipeline))
        let path = NSTemporaryDirectory() + "martlet-watch-\(UUID().uuidString.prefix(8)).sock"
        _ = try http.listen(.unix(path: path, mode: 0o600))
        let loops = try EventLoop.group(count: 1)
        let client = HTTPClient(endpoint: .unix(path: path), loops: loops)

        let created = await server.send("POST", Samples.configMaps, Samples.configMap("large"))
        let version = created.json["metadata"]["resourceVersion"].string ?? ""
        // More than the sockets, the connection and the cache's window hold, in states of a megabyte.
        for round in 0..<40 {
            var document = Samples.configMap("large", ["k": .string(String(repeating: "x", count: 1_000_000))])
            document["metadata"]["namespace"] = "default"
            document["data"]["round"] = .string("\(round)")
            _ = try await server.store.write(
                .update(key: "/registry/core/configmaps/default/large", value: document.encoded(), ifRevision: nil))
        }
        // The client opens the watch and reads nothing until history is gone.
        let watch = try await Self.events(client, "\(Samples.configMaps)?watch=true&resourceVersion=\(version)")
        try server.store.compact(to: server.store.currentRevision)
        var last: JSONValue = [:]
        var modified = 0
        while let event = try await watch.next() {
            last = event
            if event["type"] == "MODIFIED" { modified += 1 }
        }
        #expect(modified < 40)
        #expect(last["type"] == "ERROR" && last["object"]["kind"] == "Status")
        #expect(last["object"]["code"] == 410 && last["object"]["reason"] == "Expired")
        #expect((last["object"]["message"].string ?? "").hasPrefix("too old resource version: "))
        await http.shutdown()
        for loop in loops { loop.stop() }
    }

    private static func write(
        _ client: HTTPClient, _ method: HTTPMethod, _ target: String, _ content: JSONValue, _ name: String
    ) async throws -> JSONValue {
        var object = content
        object["metadata"]["name"] = .string(name)
        let answer = try await client.send(
            HTTPClientRequest(
                method: method, target: target, headers: ["Content-Type": "application/json"], body: object.encoded()))
        #expect((200...201).contains(answer.status), "\(String(decoding: answer.body.prefix(300), as: UTF8.self))")
        return try JSONParser.parse(answer.body)
    }

    private static func events(_ client: HTTPClient, _ target: String) async throws -> EventLines {
        let stream = try await client.stream(HTTPClientRequest(target: target, timeout: nil))
        #expect(stream.status == 200)
        return EventLines(stream.body.makeAsyncIterator())
    }
}

/// The events of a watch as a client reads them from its connection.
private final class EventLines {
    private var chunks: HTTPClientBody.AsyncIterator
    private var bytes: [UInt8] = []

    init(_ chunks: HTTPClientBody.AsyncIterator) {
        self.chunks = chunks
    }

    /// nil at the proper end of the stream.
    func next() async throws -> JSONValue? {
        while true {
            if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                defer { bytes.removeSubrange(...end) }
                return try JSONParser.parse(Array(bytes[..<end]))
            }
            guard let chunk = try await chunks.next() else { return nil }
            bytes += chunk
        }
    }
}

/// A blocking connection for bytes of one's own.
private final class BlockingSocket {
    private let descriptor: Int32

    init(unixPath: String) throws {
        descriptor = try Socket.connect(unixPath: unixPath)
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { Socket.write(descriptor, $0) } }

    /// Until it is enough, the connection ends, or ten seconds of silence.
    func read(until isEnough: ([UInt8]) -> Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while !isEnough(bytes), recv(descriptor, &byte, 1, 0) == 1 { bytes.append(byte) }
        return bytes
    }
}
