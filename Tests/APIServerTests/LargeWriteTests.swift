import Foundation
import KubeModel
import Synchronization
import Testing
import Transport

@testable import APIServer

/// A write that takes long keeps nobody else waiting: it is worked on beside the loops that carry connections.
@Suite("Large writes") struct LargeWriteTests {
    private static let pods = "/api/v1/namespaces/default/pods"

    private static func service(ports: Int) -> JSONValue {
        var service = Samples.service("wide")
        service["spec"]["ports"] = .array(
            (0..<ports).map { ["name": .string("p\($0)"), "port": .integer(Int64($0 % 65_535 + 1))] })
        return service
    }

    private static func labelled(_ count: Int) -> JSONValue {
        var labels = JSONObject()
        for index in 0..<count { labels["label-\(index)"] = "v" }
        return Samples.configMap("labelled", labels: .object(labels))
    }

    /// Holds the threads where large writes are worked on until it is opened.
    private final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)

        func close(_ server: TestServer) {
            for loop in server.core.largeWrites.loops { loop.execute { [semaphore] in semaphore.wait() } }
        }

        func open() {
            for _ in 0..<LargeWrites.threads { semaphore.signal() }
        }
    }

    /// Keeps threads busy as a sender's writes do.
    private static func occupy(_ count: Int, of server: TestServer, _ sender: RequestSender) -> DispatchSemaphore {
        let semaphore = DispatchSemaphore(value: 0)
        for _ in 0..<count {
            server.core.largeWrites.run(of: sender, abandon: { _ in }, { semaphore.wait() })
        }
        return semaphore
    }

    @Test func `what takes long for one sender does not keep the large writes of another one waiting`() async throws {
        let server = try await TestServer()
        let hog = RequestSender(user: "hog", peer: nil)
        let held = Self.occupy(8, of: server, hog)
        #expect(await server.send("POST", Samples.configMaps, Self.labelled(5_000)).status == 201)
        for _ in 0..<8 { held.signal() }
    }

    @Test func `a server that stops waits for no large write`() async throws {
        let server = try await TestServer()
        let told = Mutex<[Bool]>([])
        let end = DispatchSemaphore(value: 0)
        let begun = DispatchSemaphore(value: 0)
        let hog = RequestSender(user: "hog", peer: nil)
        for _ in 0..<3 {
            server.core.largeWrites.run(of: hog, abandon: { hasBegun in told.withLock { $0.append(hasBegun) } }) {
                begun.signal()
                end.wait()
            }
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                for _ in 0..<2 { begun.wait() }
                continuation.resume()
            }
        }
        server.core.stop()
        #expect(told.withLock { $0 } == [false])
        let late = await server.send("POST", Samples.configMaps, Self.labelled(5_000))
        #expect(late.status == 503)
        #expect(late.message == "the server is stopping")
        while told.withLock({ $0.count }) < 3 { try await Task.sleep(for: .milliseconds(20)) }
        #expect(told.withLock { $0 } == [false, true, true])
        for _ in 0..<3 { end.signal() }
    }

    @Test func `others are answered while forty thousand ports and a hundred thousand labels wait`() async throws {
        let server = try await TestServer()
        let gate = Gate()
        gate.close(server)
        let finished = Count()
        async let ports = server.send("POST", Samples.services, Self.service(ports: 40_000), counting: finished)
        async let labels = server.send("POST", Samples.configMaps, Self.labelled(100_000), counting: finished)
        for round in 0..<20 {
            let small = await server.send("POST", Samples.configMaps, Samples.configMap("small-\(round)"))
            #expect(small.status == 201)
            #expect(await server.send("GET", "\(Samples.configMaps)/small-\(round)").status == 200)
        }
        #expect(finished.value.load(ordering: .relaxed) == 0, "the large ones had to wait")
        gate.open()
        // What becomes of them is the kinds' affair.
        #expect([201, 413, 422].contains(await ports.status))
        #expect(await labels.status == 201)
    }

    @Test func `a small patch of a large object is a large write`() async throws {
        let server = try await TestServer()
        #expect(await server.send("POST", Samples.configMaps, Self.labelled(5_000)).status == 201)
        let gate = Gate()
        gate.close(server)
        let finished = Count()
        async let patch = server.send(
            "PATCH", "\(Samples.configMaps)/labelled", ["data": ["a": "b"]],
            contentType: "application/merge-patch+json", counting: finished)
        #expect(await server.send("POST", Samples.configMaps, Samples.configMap("small")).status == 201)
        #expect(finished.value.load(ordering: .relaxed) == 0)
        gate.open()
        #expect(await patch.status == 200)
    }
}

private final class Count: Sendable {
    let value = Atomic(0)
}

extension TestServer {
    /// Sends a request, and counts its answer.
    fileprivate func send(
        _ method: String, _ target: String, _ body: JSONValue, contentType: String = "application/json",
        counting answers: Count
    ) async -> TestResponse {
        let answer = await send(method, target, body, contentType: contentType)
        answers.value.add(1, ordering: .relaxed)
        return answer
    }
}
