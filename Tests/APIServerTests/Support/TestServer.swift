import Foundation
import KubeModel
import Logging
import NetworkTypes
import Store
import Synchronization
import Transport

@testable import APIServer

/// The server without sockets: requests go through the whole pipeline and come back as values.
final class TestServer: Sendable {
    let core: ServerCore
    let store: SQLiteStore
    private let directory: String

    static let token = "secret"

    init(
        ranges: AllocationRanges? = nil, maxWritesInFlight: Int = 1000, directory: String? = nil,
        serviceCIDR: String = "10.96.0.0/16"
    ) async throws {
        let directory = directory ?? NSTemporaryDirectory() + "martlet-api-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        self.directory = directory
        var storage = SQLiteStore.Configuration(path: directory + "/store.db")
        storage.durability = .process
        store = try SQLiteStore(storage)
        var configuration = APIServerConfiguration(
            storePath: storage.path,
            ranges: ranges ?? AllocationRanges(serviceCIDRs: [CIDR(serviceCIDR)!]))
        configuration.eventLoops = 2
        configuration.maxWritesInFlight = maxWritesInFlight
        core = try ServerCore(
            configuration, store: store, tokens: try TokenFile(parsing: "\(Self.token),tester,1,\"a,b\"\n"))
        await core.makeSystemNamespaces(.init(label: "test"))
        core.terminator.start()
        core.isReady.set()
    }

    /// Stops without deleting anything, so that another server can start on the same store.
    func stop() {
        core.terminator.stop()
        core.watcher.finishAll()
        core.dispatcher.stop()
        for loop in core.loops { loop.stop() }
        store.close()
    }

    deinit {
        stop()
        // A leftover of a failed removal is the temporary directory's to clean.
        try? FileManager.default.removeItem(atPath: directory)
    }

    func send(
        _ method: String, _ target: String, _ body: JSONValue? = nil, contentType: String = "application/json",
        accept: String? = nil, token: String? = TestServer.token, ifNoneMatch: String? = nil
    ) async -> TestResponse {
        await sendBytes(
            method, target, body?.encoded() ?? [], contentType: body == nil ? nil : contentType, accept: accept,
            token: token, ifNoneMatch: ifNoneMatch)
    }

    func sendBytes(
        _ method: String, _ target: String, _ body: [UInt8], contentType: String? = "application/json",
        accept: String? = nil, token: String? = TestServer.token, ifNoneMatch: String? = nil
    ) async -> TestResponse {
        let request = request(
            method, target, body, contentType: contentType, accept: accept, token: token, ifNoneMatch: ifNoneMatch)
        return await withCheckedContinuation { continuation in
            core.pipeline.handle(request, SingleResponse { continuation.resume(returning: TestResponse($0)) })
        }
    }

    /// Opens a watch; a refusal comes back as the response.
    func watch(_ target: String, accept: String? = nil) -> (watch: TestWatch, refusal: OutgoingResponse?) {
        let watch = TestWatch()
        let refusal = Mutex<OutgoingResponse?>(nil)
        let response = SingleResponse(stream: watch) { response in refusal.withLock { $0 = response } }
        core.pipeline.handle(request("GET", target, [], accept: accept, token: Self.token), response)
        return (watch, refusal.withLock { $0 })
    }

    private func request(
        _ method: String, _ target: String, _ body: [UInt8], contentType: String? = nil, accept: String?,
        token: String?, ifNoneMatch: String? = nil
    ) -> IncomingRequest {
        let parts = target.split(separator: "?", maxSplits: 1)
        var request = IncomingRequest(
            method: method, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "")
        request.body = body
        request.contentType = contentType
        request.accept = accept
        request.ifNoneMatch = ifNoneMatch
        request.authorization = token.map { "Bearer \($0)" }
        return request
    }
}

struct TestResponse: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    init(_ response: OutgoingResponse) {
        status = response.status
        headers = response.headers
        body = Array(response.body.joined())
    }

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    var json: JSONValue { (try? JSONParser.parse(body)) ?? .null }
    var text: String { String(decoding: body, as: UTF8.self) }
    var message: String { json["message"].string ?? "" }
    var names: [String] { (json["items"].array ?? []).compactMap { $0["metadata"]["name"].string } }
}

private final class SingleResponse: ResponseWriter {
    private let body: @Sendable (OutgoingResponse) -> Void
    private let stream: (any ResponseStream)?

    init(stream: (any ResponseStream)? = nil, _ body: @escaping @Sendable (OutgoingResponse) -> Void) {
        self.body = body
        self.stream = stream
    }

    func send(_ response: OutgoingResponse) { body(response) }

    func startStream(contentType: String) -> any ResponseStream { stream ?? TestWatch() }
}

/// The client's end of a watch.
final class TestWatch: ResponseStream {
    private struct State {
        var bytes: [UInt8] = []
        var isFinished = false
        var isCancelled = false
        var isBlocked = false
        var handlers: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    var pendingBytes: Int { state.withLock { $0.isBlocked ? $0.bytes.count : 0 } }
    var isFinished: Bool { state.withLock { $0.isFinished } }
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// A client that does not read.
    func block() { state.withLock { $0.isBlocked = true } }

    func write(_ chunk: [UInt8]) { state.withLock { $0.bytes += chunk } }
    func finish() { end { $0.isFinished = true } }
    func cancel() { end { $0.isCancelled = true } }

    func onClose(_ handler: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !(state.isFinished || state.isCancelled) { state.handlers.append(handler) }
            return state.isFinished || state.isCancelled
        }
        if isOver { handler() }
    }

    private func end(_ change: (inout State) -> Void) {
        let handlers = state.withLock { state in
            guard !(state.isFinished || state.isCancelled) else { return [@Sendable () -> Void]() }
            change(&state)
            defer { state.handlers = [] }
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    var events: [JSONValue] {
        state.withLock { $0.bytes }.split(separator: UInt8(ascii: "\n")).compactMap { try? JSONParser.parse(Array($0)) }
    }

    /// "ADDED a", in order.
    var summary: [String] {
        events.map { "\($0["type"].string ?? "?") \($0["object"]["metadata"]["name"].string ?? "")" }
    }

    /// Waits until there are `count` events, or gives back what there is after a while.
    func events(_ count: Int, within seconds: Int = 10) async -> [JSONValue] {
        await Polling.until(within: seconds) { self.events.count >= count }
        return events
    }
}

enum Polling {
    /// Waits for a condition; false when it did not come true in time.
    @discardableResult
    static func until(within seconds: Int = 10, _ condition: @Sendable () async -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if await condition() { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return await condition()
    }
}

enum Samples {
    static func configMap(_ name: String, _ data: JSONValue = ["k": "v"], labels: JSONValue? = nil) -> JSONValue {
        var object: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)], "data": data,
        ]
        object["metadata"]["labels"] = labels
        return object
    }

    static func service(_ name: String, port: Int64 = 80) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
            "spec": ["selector": ["app": .string(name)], "ports": [["port": .integer(port)]]],
        ]
    }

    static let configMaps = "/api/v1/namespaces/default/configmaps"
    static let services = "/api/v1/namespaces/default/services"
}
