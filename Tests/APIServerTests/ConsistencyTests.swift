import KubeModel
import Store
import Synchronization
import Testing

@testable import APIServer

/// What a client may rely on about the order of reads and writes.
@Suite("Reads after writes") struct ConsistencyTests {
    private static func version(_ document: JSONValue) -> Int64 {
        Int64(document["metadata"]["resourceVersion"].string ?? "") ?? -1
    }

    private final class Known: Sendable {
        private let newest = Mutex<Int64>(0)

        func raise(to version: Int64) -> Int64 {
            newest.withLock { newest in
                newest = max(newest, version)
                return newest
            }
        }
    }

    private static func server(_ count: Int) async throws -> TestServer {
        let server = try await TestServer()
        for index in 0..<count {
            _ = await server.send("POST", Samples.configMaps, Samples.configMap("c\(index < 10 ? "0" : "")\(index)"))
        }
        return server
    }

    @Test func aReadSeesEveryWriteThatWasAnsweredBeforeItBegan() async throws {
        let server = try await TestServer()
        // The newest version that any writer knows of, as clients that talk to each other would.
        let known = Known()
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    let path = "\(Samples.configMaps)/w\(writer)"
                    for round in 0..<25 {
                        let document = Samples.configMap("w\(writer)", ["round": .string("\(round)")])
                        let answer =
                            round == 0
                            ? await server.send("POST", Samples.configMaps, document)
                            : await server.send("PUT", path, document)
                        let written = Self.version(answer.json)
                        #expect(written > 0)
                        let floor = known.raise(to: written)
                        #expect(await server.send("GET", path).json == answer.json)
                        for query in ["", "?resourceVersion=0", "?resourceVersion=\(floor)", "?limit=500"] {
                            let list = await server.send("GET", Samples.configMaps + query).json
                            #expect(Self.version(list) >= floor, "\(query)")
                            let own = list["items"].array?.first { $0["metadata"]["name"] == .string("w\(writer)") }
                            #expect(own?["data"]["round"] == .string("\(round)"))
                        }
                        #expect(Self.version(await server.send("GET", Samples.services).json) >= floor, "any kind")
                    }
                }
            }
        }
    }

    @Test func everythingIsReadFromMemory() async throws {
        let server = try await Self.server(5)
        let version = server.store.currentRevision
        // No disk from here on.
        server.store.close()
        for query in [
            "", "?resourceVersion=0", "?resourceVersion=\(version)", "?resourceVersion=0&limit=2", "?limit=2",
        ] {
            #expect(await server.send("GET", Samples.configMaps + query).status == 200, "\(query)")
        }
        #expect(await server.send("GET", "\(Samples.configMaps)/c01?resourceVersion=0").status == 200)
        let (watch, refusal) = server.watch("\(Samples.configMaps)?watch=true&resourceVersion=0")
        #expect(refusal == nil)
        #expect(await watch.events(5).count == 5)
    }

    @Test func versionsAreNumbersCommonToAllKinds() async throws {
        let server = try await TestServer()
        var versions: [Int64] = []
        for round in 0..<5 {
            for (path, document) in [
                (Samples.configMaps, Samples.configMap("c\(round)")), (Samples.services, Samples.service("s\(round)")),
                ("/api/v1/namespaces", ["metadata": ["name": .string("n\(round)")]]),
                (
                    "/apis/coordination.k8s.io/v1/namespaces/default/leases",
                    ["metadata": ["name": .string("l\(round)")]]
                ),
            ] as [(String, JSONValue)] {
                versions.append(Self.version(await server.send("POST", path, document).json))
            }
        }
        #expect(versions == versions.sorted() && Set(versions).count == versions.count && versions[0] > 0)
        // A list of any kind stands where the whole store stands.
        #expect(Self.version(await server.send("GET", Samples.services).json) >= versions[versions.count - 1])
    }

    @Test func matchesSayWhichMomentIsShown() async throws {
        let server = try await Self.server(3)
        let old = Self.version(await server.send("GET", Samples.configMaps).json)
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("later"))
        let new = Self.version(await server.send("GET", Samples.configMaps).json)
        func list(_ query: String) async -> TestResponse { await server.send("GET", "\(Samples.configMaps)?\(query)") }

        let exact = await list("resourceVersion=\(old)&resourceVersionMatch=Exact")
        #expect(exact.names == ["c00", "c01", "c02"] && Self.version(exact.json) == old)
        let cut = await list("resourceVersion=\(old)&resourceVersionMatch=Exact&limit=2")
        #expect(cut.names == ["c00", "c01"] && Self.version(cut.json) == old)
        for query in ["", "&resourceVersionMatch=NotOlderThan", "&resourceVersionMatch=NotOlderThan&limit=10"] {
            let recent = await list("resourceVersion=\(old)\(query)")
            #expect(recent.names.last == "later" && Self.version(recent.json) >= new, "\(query)")
        }
        #expect(await list("resourceVersion=0&resourceVersionMatch=NotOlderThan").names.count == 4)
        #expect(await list("resourceVersion=0&resourceVersionMatch=Exact").status == 422)
        #expect(await list("resourceVersionMatch=Exact").status == 422)
        #expect(await list("resourceVersion=\(old)&resourceVersionMatch=Newer").status == 422)
    }

    @Test(arguments: [
        "configmaps?resourceVersion=FUTURE", "configmaps?resourceVersion=FUTURE&resourceVersionMatch=NotOlderThan",
        "configmaps?resourceVersion=FUTURE&resourceVersionMatch=Exact", "configmaps?resourceVersion=FUTURE&limit=1",
        "configmaps/c00?resourceVersion=FUTURE",
        "configmaps?watch=1&resourceVersion=FUTURE&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
    ])
    func versionsThatHaveNotComeAreATimeout(_ target: String) async throws {
        let server = try await Self.server(1)
        let future = server.store.currentRevision.rawValue + 1000
        let path = target.replacing("FUTURE", with: "\(future)")
        let answer = await server.send("GET", "/api/v1/namespaces/default/\(path)")
        #expect(answer.status == 504 && answer.header("Retry-After") == "1")
        #expect(answer.json["reason"] == "Timeout")
        #expect(answer.message == "Timeout: Too large resource version: \(future), current: \(future - 1000)")
        #expect(answer.json["details"]["retryAfterSeconds"] == 1)
        #expect(
            answer.json["details"]["causes"] == [
                ["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]
            ])
    }

    @Test func pagesShowOneMomentWhileOthersWrite() async throws {
        let server = try await Self.server(20)
        let whole = await server.send("GET", Samples.configMaps).json
        var items: [JSONValue] = []
        var token = ""
        var versions: Set<Int64> = []
        repeat {
            let query = "limit=3" + (token.isEmpty ? "" : "&continue=\(token)")
            let page = await server.send("GET", "\(Samples.configMaps)?\(query)").json
            items += page["items"].array ?? []
            versions.insert(Self.version(page))
            token = page["metadata"]["continue"].string ?? ""
            #expect(page["metadata"]["remainingItemCount"].int ?? 0 == 20 - items.count)
            _ = await server.send(
                "DELETE", "\(Samples.configMaps)/c\(20 - items.count < 10 ? "0" : "")\(20 - items.count)")
            _ = await server.send("POST", Samples.configMaps, Samples.configMap("z\(items.count)"))
            _ = await server.send(
                "PUT", "\(Samples.configMaps)/c07", Samples.configMap("c07", ["at": "\(items.count)"]))
        } while !token.isEmpty
        #expect(items == whole["items"].array)
        #expect(versions == [Self.version(whole)])
    }

    @Test func aContinuationWhoseMomentIsGoneIsOfferedAnother() async throws {
        let server = try await Self.server(6)
        let first = await server.send("GET", "\(Samples.configMaps)?limit=2").json
        let token = first["metadata"]["continue"].string ?? ""
        _ = await server.send("DELETE", "\(Samples.configMaps)/c03")
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("c025"))
        try server.store.compact(to: server.store.currentRevision)

        let gone = await server.send("GET", "\(Samples.configMaps)?limit=2&continue=\(token)")
        #expect(gone.status == 410 && gone.json["reason"] == "Expired")
        #expect(
            gone.message.hasPrefix("The provided continue parameter is too old to display a consistent list result."))
        let fresh = gone.json["metadata"]["continue"].string ?? ""
        #expect(!fresh.isEmpty && fresh != token)

        // The rest as it is now, and from its first page on of one moment again.
        let rest = await server.send("GET", "\(Samples.configMaps)?limit=2&continue=\(fresh)")
        #expect(rest.names == ["c02", "c025"])
        #expect(Self.version(rest.json) > Self.version(first))
        _ = await server.send("DELETE", "\(Samples.configMaps)/c04")
        let next = rest.json["metadata"]["continue"].string ?? ""
        let last = await server.send("GET", "\(Samples.configMaps)?limit=5&continue=\(next)")
        #expect(last.names == ["c04", "c05"] && Self.version(last.json) == Self.version(rest.json))
    }

    @Test func aListOfAMomentWhoseHistoryIsGoneIsExpired() async throws {
        let server = try await Self.server(3)
        try server.store.compact(to: server.store.currentRevision)
        let answer = await server.send(
            "GET", "\(Samples.configMaps)?resourceVersion=2&resourceVersionMatch=Exact")
        #expect(answer.status == 410 && answer.json["reason"] == "Expired")
        #expect(answer.message == "The resourceVersion for the provided list is too old.")
        #expect(answer.json["metadata"]["continue"] == nil)
    }

    @Test(arguments: [
        ("abc", ""), ("eyJ2IjoieCJ9", ": server does not recognize this encoded version"),
        (
            ContinueToken(revision: Revision(5), start: "").text,
            ": encoded start key empty (version meta.k8s.io/v1)"
        ),
        (
            Base64URL.encode(Array(#"{"v":"meta.k8s.io/v1","rv":0,"start":"a/b"}"#.utf8)),
            ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)"
        ),
    ])
    func continuationsOfOthersAreRefused(_ token: String, _ reason: String) async throws {
        let server = try await TestServer()
        let answer = await server.send("GET", "\(Samples.configMaps)?limit=1&continue=\(token)")
        #expect(answer.status == 400)
        #expect(answer.message == "invalid continue token: continue key is not valid\(reason)")
    }

    @Test func everyServedKindHasASchema() async throws {
        let server = try await TestServer()
        for resource in server.core.resources.all { #expect(resource.schema != nil, "\(resource.groupResource)") }
    }
}
