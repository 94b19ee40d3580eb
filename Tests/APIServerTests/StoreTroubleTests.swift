import Foundation
import KubeModel
import Store
import Testing

@testable import APIServer

/// What clients see when the disk is damaged or full.
@Suite("The API over a store in trouble") struct StoreTroubleTests {
    /// A server over a store whose value of `key` was changed behind its back.
    private func damaged(_ key: String) async throws -> TestServer {
        let directory = NSTemporaryDirectory() + "martlet-trouble-\(UUID().uuidString)"
        let first = try await TestServer(directory: directory)
        for name in ["a", "b", "c"] { _ = await first.send("POST", Samples.configMaps, Samples.configMap(name)) }
        first.stop()
        let path = directory + "/store.db"
        // A bit is flipped where the value lies; the first server's folder goes with it.
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let place = try #require(bytes.firstRange(of: Data("\"name\":\"\(key)\"".utf8)))
        bytes[place.upperBound - 1] = 0
        let copy = directory + "-copy"
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        try bytes.write(to: URL(fileURLWithPath: copy + "/store.db"))
        return try await TestServer(directory: copy)
    }

    @Test func `a damaged object is an error that names it, on every way to read it`() async throws {
        let server = try await damaged("b")
        let got = await server.send("GET", "\(Samples.configMaps)/b")
        #expect(got.status == 500)
        #expect(got.json["reason"] == "StorageReadError")
        #expect(got.json["message"].string?.contains("default/b") ?? false)
        #expect(await server.send("GET", "\(Samples.configMaps)/a").status == 200)

        let list = await server.send("GET", Samples.configMaps)
        #expect(list.status == 500)
        #expect(list.json["details"]["causes"][0]["field"] == "default/b")
        let patch = await server.send(
            "PATCH", "\(Samples.configMaps)/b", ["data": ["x": "y"]], contentType: "application/merge-patch+json")
        #expect(patch.status == 500 && patch.json["reason"] == "StorageReadError")

        let (watch, refusal) = server.watch("\(Samples.configMaps)?watch=1&resourceVersion=0")
        #expect(refusal == nil)
        let events = await watch.events(1)
        #expect(events.last?["type"] == "ERROR" && events.last?["object"]["reason"] == "StorageReadError")
    }

    @Test func `a damaged object can be deleted, and then everything is well`() async throws {
        let server = try await damaged("b")
        let ready = await server.send("GET", "/readyz?verbose")
        #expect(ready.status == 500)
        #expect(
            ready.text.contains("[-]store failed: the value of /registry/core/configmaps/default/b"), "\(ready.text)")
        let anonymous = await server.send("GET", "/readyz?verbose", token: nil)
        #expect(anonymous.text.contains("[-]store failed: reason withheld"))
        #expect(await server.send("GET", "/livez").status == 200)

        #expect(await server.send("DELETE", "\(Samples.configMaps)/b?dryRun=All").status == 200)
        #expect(await server.send("DELETE", "\(Samples.configMaps)/b").status == 200)
        #expect(await server.send("GET", Samples.configMaps).names == ["a", "c"])
        #expect(await server.send("GET", "/readyz").status == 200)
        #expect(await server.send("POST", Samples.configMaps, Samples.configMap("b")).status == 201)
    }

    @Test func `a full store answers 507, without a time that clients would wait for, and takes deletes`() async throws
    {
        let server = try await TestServer(maximumStorePages: 400)
        var refused: TestResponse?
        for number in 0..<400 where refused == nil {
            var object = Samples.configMap("n\(number)")
            object["data"]["x"] = .string(String(repeating: "v", count: 10_000))
            let answer = await server.send("POST", Samples.configMaps, object)
            if answer.status != 201 { refused = answer }
        }
        let answer = try #require(refused)
        #expect(answer.status == 507)
        #expect(answer.json["reason"] == "InsufficientStorage")
        #expect(answer.json["details"]["retryAfterSeconds"].int == nil && answer.header("Retry-After") == nil)
        #expect(await server.send("GET", "/readyz").status == 500)
        for number in 0..<50 {
            #expect(await server.send("DELETE", "\(Samples.configMaps)/n\(number)").status == 200)
        }
        while await server.send("GET", "/readyz").status != 200 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(await server.send("POST", Samples.configMaps, Samples.configMap("again")).status == 201)
    }
}
