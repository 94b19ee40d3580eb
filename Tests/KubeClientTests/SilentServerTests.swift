import KubeModel
import Logging
import Testing
import Transport

@testable import KubeClient

@Suite("A server that falls silent does not hold its clients")
struct SilentServerTests {
    private static let list = """
        {"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[]}
        """
    private static let bookmark =
        #"{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"6"}}}"#

    private static func whole(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func chunk(_ text: String) -> String {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "\(String(text.utf8.count + 1, radix: 16))\r\n\(text)\n\r\n"
    }

    /// Lists are answered, watches begin with a bookmark and then say nothing.
    private static let watchable: ScriptedServer.Script = { line in
        line.contains("watch=true") ? chunk(bookmark) : whole(list)
    }

    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func client(_ port: UInt16, _ deadlines: RequestDeadlines) throws -> APIClient {
        APIClient(
            transport: try HTTPTransport(ClientConfiguration(server: .http(host: "127.0.0.1", port: Int(port)))),
            deadlines: deadlines)
    }

    @Test func `a list whose body stalls is cut, although there is much time for the whole of it`() async throws {
        let server = try ScriptedServer { _ in
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"kind\":"
        }
        let client = try client(
            server.port, RequestDeadlines(answer: .seconds(600), list: .seconds(600), listSilence: .milliseconds(100)))
        let error = await #expect(throws: ClientError.self) { try await client.list(ConfigMap.self) }
        #expect(error?.code == .unreachable)
        let cause = "\(error?.description ?? "")"
        #expect(cause.contains("no sign of life"))
    }

    @Test func `an answer that never begins is given up`() async throws {
        let server = try ScriptedServer { _ in "" }
        let client = try client(server.port, RequestDeadlines(answer: .milliseconds(100)))
        let error = await #expect(throws: ClientError.self) {
            try await client.get(ConfigMap.self, "a", namespace: "shop")
        }
        #expect(error?.code == .unreachable)
    }

    @Test func `a watch on which not even bookmarks come breaks`() async throws {
        let server = try ScriptedServer(Self.watchable)
        let client = try client(server.port, RequestDeadlines(answer: .seconds(600), watchSilence: .milliseconds(100)))
        var seen = 0
        let error = await #expect(throws: ClientError.self) {
            for try await _ in try await client.watch(
                ConfigMap.self, options: ListOptions(timeoutSeconds: 600, allowsBookmarks: true))
            {
                seen += 1
            }
        }
        #expect(seen == 1)
        #expect(error?.code == .unreachable)
    }

    @Test func `a watch that the server should have ended breaks, even one without bookmarks`() async throws {
        let server = try ScriptedServer(Self.watchable)
        let client = try client(
            server.port, RequestDeadlines(answer: .seconds(600), watchSlack: .milliseconds(100)))
        let error = await #expect(throws: ClientError.self) {
            for try await _ in try await client.watch(ConfigMap.self, options: ListOptions(timeoutSeconds: 0)) {}
        }
        let cause = "\(error?.description ?? "")"
        #expect(cause.contains("did not end"))
    }

    @Test func `an informer whose server falls silent says so, keeps what it knows, and watches again`() async throws {
        let server = try ScriptedServer(Self.watchable)
        let client = try client(server.port, RequestDeadlines(answer: .seconds(600), watchSilence: .milliseconds(50)))
        let informer = Informer<ConfigMap>(client: client, logger: logger)
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            try await eventually { server.requests.filter { $0.contains("resourceVersion=6") }.count >= 2 }
            // From the bookmark on, without a second list.
            #expect(server.requests.filter { !$0.contains("watch=true") }.count == 1)
            server.stop()
            try await eventually { informer.staleFor != nil }
            #expect(informer.hasSynced)
        }
    }

    @Test func `packets that a firewall drops break a watch, and it goes on when they pass again`() async throws {
        guard let network = PrivateNetwork() else {
            print("skipped: dropping packets needs root, ip and iptables")
            return
        }
        let server = try #require(network.inside { try? ScriptedServer(Self.watchable) } ?? nil)
        let loops = try #require(network.inside { try? EventLoop.group(count: 1, name: "private") } ?? nil)
        let transport = try HTTPTransport(
            ClientConfiguration(server: .http(host: "127.0.0.1", port: Int(server.port))), loops: loops,
            liveness: ConnectionLiveness(
                idle: .seconds(1), interval: .seconds(1), probes: 1, unacknowledged: .seconds(1)))
        // No deadline of the client's own: the kernel alone notices.
        let client = APIClient(
            transport: transport,
            deadlines: RequestDeadlines(answer: .milliseconds(500), watchSilence: .seconds(600)))
        let informer = Informer<ConfigMap>(client: client, logger: logger)
        let watches = { server.requests.filter { $0.contains("watch=true") }.count }
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            try await eventually { watches() == 1 }
            #expect(informer.staleFor == nil)
            #expect(network.dropPackets(port: server.port))
            try await eventually("the kernel breaks the watch", within: .seconds(60)) { informer.staleFor != nil }
            #expect(watches() == 1)
            #expect(network.dropPackets(port: server.port, false))
            try await eventually("it watches again", within: .seconds(60)) { watches() >= 2 }
            try await eventually { informer.staleFor == nil }
        }
        for loop in loops { loop.stop() }
    }
}
