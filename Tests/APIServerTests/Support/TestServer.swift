import Foundation
import KubeModel
import Logging
import NetworkTypes
import Store
import Synchronization
import System
import Transport
import WatchCache

@testable import APIResources
@testable import APIServer

/// The server without sockets: requests go through the whole pipeline and come back as values.
final class TestServer: Sendable {
    let core: ServerCore
    let store: SQLiteStore
    let directory: String

    static let token = "secret"
    /// Of a user who has the name of those without credentials.
    static let nobodysToken = "nobody"
    /// Of the node `a`.
    static let nodeToken = "node"

    init(
        ranges: AllocationRanges? = nil, maxWritesInFlight: Int = 1000, directory: String? = nil,
        serviceCIDR: String = "10.96.0.0/16", limit: InFlightLimit? = nil, maximumStorePages: Int? = nil,
        authorizer: (any Authorizer)? = nil, admission: [AdmissionStep] = AdmissionStep.standard,
        keeping: (queue: any WorkQueue, clock: KeeperClock)? = nil
    ) async throws {
        let directory = directory ?? NSTemporaryDirectory() + "martlet-api-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        self.directory = directory
        var storage = SQLiteStore.Configuration(path: directory + "/store.db")
        storage.durability = .process
        storage.maximumPages = maximumStorePages
        storage.retryInterval = .milliseconds(2)
        store = try SQLiteStore(storage)
        var configuration = APIServerConfiguration(
            storePath: storage.path,
            ranges: ranges ?? AllocationRanges(serviceCIDRs: [CIDR(serviceCIDR)!]))
        configuration.eventLoops = 2
        configuration.maxWritesInFlight = maxWritesInFlight
        configuration.commit = "0123abc"
        core = try ServerCore(
            configuration, store: store,
            tokens: try TokenFile(
                parsing: "\(Self.token),tester,1,\"a,b\"\n\(Self.nobodysToken),system:anonymous,2\n"
                    + "\(Self.nodeToken),system:node:a,3,system:nodes\n"),
            limit: limit, authorizer: authorizer, admission: admission, keeping: keeping)
        await core.makeSystemObjects(.init(label: "test"))
        await core.serviceCIDRs?.start(.init(label: "test"))
        core.terminator.start()
        core.isReady.set()
    }

    /// Stops without deleting anything, so that another server can start on the same store.
    func stop() {
        core.stop()
        core.watcher.finishAll()
        core.close()
        store.close()
    }

    deinit {
        stop()
        // A leftover of a failed removal is the temporary directory's to clean.
        try? FileManager.default.removeItem(atPath: directory)
    }

    func send(
        _ method: String, _ target: String, _ body: JSONValue? = nil, contentType: String = "application/json",
        accept: String? = nil, token: String? = TestServer.token, ifNoneMatch: String? = nil, userAgent: String? = nil
    ) async -> TestResponse {
        await sendBytes(
            method, target, body?.encoded() ?? [], contentType: body == nil ? nil : contentType, accept: accept,
            token: token, ifNoneMatch: ifNoneMatch, userAgent: userAgent)
    }

    func sendBytes(
        _ method: String, _ target: String, _ body: [UInt8], contentType: String? = "application/json",
        accept: String? = nil, token: String? = TestServer.token, ifNoneMatch: String? = nil, userAgent: String? = nil
    ) async -> TestResponse {
        var request = request(
            method, target, body, contentType: contentType, accept: accept, token: token, ifNoneMatch: ifNoneMatch)
        request.userAgent = userAgent
        let sent = request
        return await withCheckedContinuation { continuation in
            core.pipeline.handle(sent, SingleResponse { continuation.resume(returning: TestResponse($0)) })
        }
    }

    /// Opens a watch; a refusal comes back as the response.
    func watch(_ target: String, accept: String? = nil) -> (watch: TestWatch, refusal: OutgoingResponse?) {
        let watch = TestWatch()
        return (watch, openWatch(target, accept: accept, into: watch))
    }

    /// Opens a watch that writes to `stream`.
    /// - Returns: the answer, if it was refused.
    @discardableResult
    func openWatch(_ target: String, accept: String? = nil, into stream: any ResponseStream) -> OutgoingResponse? {
        let refusal = Mutex<OutgoingResponse?>(nil)
        let response = SingleResponse(stream: stream) { response in refusal.withLock { $0 = response } }
        core.pipeline.handle(request("GET", target, [], accept: accept, token: Self.token), response)
        return refusal.withLock { $0 }
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
