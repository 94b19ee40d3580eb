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

    /// Holds the place where large writes are worked on until it is opened.
    private final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)

        func close(_ server: TestServer) { server.core.largeWriteLoop.execute { [semaphore] in semaphore.wait() } }
        func open() { semaphore.signal() }
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
