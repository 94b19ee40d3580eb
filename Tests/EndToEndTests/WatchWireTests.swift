import Foundation
import KubeModel
import Testing

extension EndToEnd {
    /// Watch streams line by line.
    @Suite("Watches on the wire", .serialized, .martlet("apiserver")) struct WatchWireTests {
        private struct Event: Sendable, Hashable {
            let type: String
            let name: String
            let object: JSONValue
            var summary: String { name.isEmpty ? type : "\(type) \(name)" }
        }

        private static let path = "/api/v1/namespaces/watched/configmaps"

        private func prepared() async throws -> MartletServer {
            let server = try suiteServer()
            _ = try await server.request(
                "POST", "/api/v1/namespaces",
                body: #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"watched"}}"#)
            _ = try await server.request("DELETE", Self.path)
            return server
        }

        private func create(_ name: String, labels: String = "{}", on server: MartletServer) async throws {
            let body =
                #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\#(name)","labels":\#(labels)}}"#
            let response = try await server.request("POST", Self.path, body: body)
            #expect(response.status == 201, "\(response)")
        }

        private func version(_ server: MartletServer) async throws -> String {
            try #require(try await server.request("GET", Self.path).json()["metadata"]["resourceVersion"].string)
        }

        /// Starts a watch as a process; its output grows with the stream.
        private func watch(_ query: String, on server: MartletServer, http: String = "--http1.1") throws -> Program {
            try Program(
                "curl",
                [
                    "--silent", "--no-buffer", http, "--cacert", server.file("ca.crt"), "--header",
                    "Authorization: Bearer " + (try server.token()), server.url + Self.path + "?watch=1&" + query,
                ])
        }

        private func events(_ program: Program) throws -> [Event] {
            let text = program.output.out
            // What follows the last line break has not arrived in full.
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            return try lines.map { line in
                let event = try JSONParser.parse(Array(line.utf8))
                let object = event["object"] ?? [:]
                return Event(
                    type: event["type"].string ?? "", name: object["metadata"]["name"].string ?? "", object: object)
            }
        }

        private func wait(for count: Int, in program: Program) async throws -> [Event] {
            try await eventually(within: .seconds(20), "\(count) events in \(program.output)") {
                try self.events(program).count >= count
            }
            return try events(program)
        }

        @Test(arguments: ["--http1.1", "--http2"])
        func `every change arrives once and in order`(_ http: String) async throws {
            let server = try await prepared()
            let start = try await version(server)
            let stream = try watch("resourceVersion=\(start)", on: server, http: http)
            try await create("a", on: server)
            for number in 1...5 {
                let answer = try await server.request(
                    "PATCH", Self.path + "/a", body: #"{"data":{"n":"\#(number)"}}"#,
                    type: "application/merge-patch+json")
                #expect(answer.status == 200)
            }
            _ = try await server.request("DELETE", Self.path + "/a")
            let events = try await wait(for: 7, in: stream)
            await stream.stop()
            #expect(
                events.map(\.summary) == ["ADDED a"] + Array(repeating: "MODIFIED a", count: 5) + ["DELETED a"])
            #expect(events[1...5].map { $0.object["data"]["n"].string } == ["1", "2", "3", "4", "5"])
            let versions = events.compactMap { $0.object["metadata"]["resourceVersion"].string.flatMap { Int($0) } }
            #expect(versions == versions.sorted() && Set(versions).count == 7)
            // Starting again from any version shows exactly what came after it.
            let again = try watch("resourceVersion=\(versions[2])&timeoutSeconds=1", on: server, http: http)
            try await again.ended()
            #expect(try self.events(again) == Array(events[3...]))
        }

        @Test func `initial events end with an annotated bookmark`() async throws {
            let server = try await prepared()
            try await create("a", on: server)
            try await create("b", on: server)
            let stream = try watch(
                "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan", on: server)
            let events = try await wait(for: 3, in: stream)
            #expect(events.map(\.summary) == ["ADDED a", "ADDED b", "BOOKMARK"])
            let bookmark = events[2].object
            #expect(bookmark["metadata"]["annotations"] == ["k8s.io/initial-events-end": "true"])
            #expect(bookmark["kind"] == "ConfigMap")
            try await create("c", on: server)
            #expect(try await wait(for: 4, in: stream)[3].summary == "ADDED c")
            await stream.stop()
        }

        @Test func `a watch ends in time`() async throws {
            let server = try await prepared()
            let start = try await version(server)
            for http in ["--http1.1", "--http2"] {
                let stream = try watch("resourceVersion=\(start)&timeoutSeconds=1", on: server, http: http)
                let output = try await stream.ended(within: .seconds(15))
                #expect(output.succeeded && output.out.isEmpty, "\(output)")
            }
        }

        @Test func `a selector turns changes into additions and deletions`() async throws {
            let server = try await prepared()
            let start = try await version(server)
            let stream = try watch("resourceVersion=\(start)&labelSelector=on%3Dyes", on: server)
            try await create("a", labels: #"{"on":"no"}"#, on: server)
            for value in ["yes", "yes", "no", "yes"] {
                let body = #"{"metadata":{"labels":{"on":"\#(value)"},"annotations":{"x":"\#(UUID())"}}}"#
                _ = try await server.request(
                    "PATCH", Self.path + "/a", body: body, type: "application/merge-patch+json")
            }
            let events = try await wait(for: 4, in: stream)
            await stream.stop()
            #expect(events.map(\.summary) == ["ADDED a", "MODIFIED a", "DELETED a", "ADDED a"])
        }

        @Test func `a version from the future or from nowhere is refused`() async throws {
            let server = try await prepared()
            let nonsense = try await server.request("GET", Self.path + "?watch=1&resourceVersion=x")
            #expect(nonsense.status == 422)
            let both = try await server.request("GET", Self.path + "?limit=1&continue=&resourceVersionMatch=Exact")
            #expect(both.status == 400 || both.status == 422)
            let future = try await server.request("GET", Self.path + "?resourceVersion=999999999")
            #expect(future.status == 504)
            #expect(try future.json()["reason"] == "Timeout")
        }

        @Test func `tables can be watched`() async throws {
            let server = try await prepared()
            try await create("a", on: server)
            let stream = try Program(
                "curl",
                [
                    "--silent", "--no-buffer", "--cacert", server.file("ca.crt"), "--header",
                    "Authorization: Bearer " + (try server.token()), "--header",
                    "Accept: application/json;as=Table;v=v1;g=meta.k8s.io",
                    server.url + Self.path + "?watch=1&timeoutSeconds=1",
                ])
            try await stream.ended()
            let event = try #require(try events(stream).first)
            #expect(event.type == "ADDED")
            #expect(event.object["kind"] == "Table")
            #expect(event.object["rows"][0]["cells"][0] == "a")
            #expect(event.object["columnDefinitions"].array?.isEmpty == false)
        }
    }
}
