import KubeModel
import Store
import Testing

@testable import APIServer

@Suite("Listing objects") struct ListTests {
    private func server(_ count: Int) async throws -> TestServer {
        let server = try await TestServer()
        for index in 0..<count {
            let name = "c\(index < 10 ? "0" : "")\(index)"
            _ = await server.send(
                "POST", Samples.configMaps,
                Samples.configMap(name, labels: ["parity": index % 2 == 0 ? "even" : "odd"]))
        }
        return server
    }

    @Test func listsJoinWhatGetsShow() async throws {
        let server = try await server(3)
        let list = await server.send("GET", Samples.configMaps)
        #expect(list.json["kind"] == "ConfigMapList")
        #expect(list.json["apiVersion"] == "v1")
        #expect(list.names == ["c00", "c01", "c02"])
        let single = await server.send("GET", "\(Samples.configMaps)/c01")
        #expect(list.json["items"][1] == single.json)
        #expect(await server.send("GET", "/api/v1/configmaps").names == list.names)
    }

    @Test(arguments: [
        ("labelSelector=parity%3Deven", ["c00", "c02", "c04"]), ("labelSelector=parity!%3Deven", ["c01", "c03"]),
        ("labelSelector=parity%20in%20(odd)", ["c01", "c03"]), ("labelSelector=!parity", []),
        ("fieldSelector=metadata.name%3Dc03", ["c03"]), ("fieldSelector=metadata.namespace%3Dother", []),
        ("fieldSelector=metadata.name!%3Dc03&labelSelector=parity%3Dodd", ["c01"]),
    ])
    func selectors(_ query: String, _ expected: [String]) async throws {
        let server = try await server(5)
        #expect(await server.send("GET", "\(Samples.configMaps)?\(query)").names == expected)
    }

    @Test(arguments: ["labelSelector=a%3D%3D%3Db", "fieldSelector=spec.colour%3Dred", "limit=x", "continue=abc"])
    func malformedOptionsAre400(_ query: String) async throws {
        let server = try await server(0)
        let response = await server.send("GET", "\(Samples.configMaps)?\(query)")
        #expect(response.status == 400, "\(response.text)")
    }

    @Test(arguments: [
        ("labelSelector=i%20in%201", "unable to parse requirement: found '1' expected: '('"),
        ("labelSelector=%3D", "found '=', expected: !, identifier, or 'end of string'"),
        (
            "fieldSelector=type%3Dx",
            "\"type\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ),
    ])
    func refusedSelectorsAreWordedAsInKubernetes(_ query: String, _ message: String) async throws {
        let server = try await server(0)
        let response = await server.send("GET", "\(Samples.configMaps)?\(query)")
        #expect(response.json["message"].string == message)
    }

    @Test func theFirstPageAtAVersionShowsExactlyThatVersion() async throws {
        let server = try await server(3)
        let version = await server.send("GET", Samples.configMaps).json["metadata"]["resourceVersion"].string ?? ""
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("later"))
        let page = await server.send("GET", "\(Samples.configMaps)?limit=10&resourceVersion=\(version)")
        #expect(page.names == ["c00", "c01", "c02"])
        #expect(page.json["metadata"]["resourceVersion"].string == version)
        let newer = await server.send("GET", "\(Samples.configMaps)?resourceVersion=\(version)")
        #expect(newer.names.contains("later"))
    }

    @Test func pagesShowOneMoment() async throws {
        let server = try await server(25)
        var names: [String] = []
        var token = ""
        var version: JSONValue?
        var pages = 0
        repeat {
            let query = "limit=10" + (token.isEmpty ? "" : "&continue=\(token)")
            let page = await server.send("GET", "\(Samples.configMaps)?\(query)")
            #expect(page.status == 200)
            names += page.names
            if pages == 0 {
                version = page.json["metadata"]["resourceVersion"]
                #expect(page.json["metadata"]["remainingItemCount"] == 15)
                _ = await server.send("DELETE", "\(Samples.configMaps)/c15")
                _ = await server.send("POST", Samples.configMaps, Samples.configMap("c155"))
            }
            #expect(page.json["metadata"]["resourceVersion"] == version)
            token = page.json["metadata"]["continue"].string ?? ""
            pages += 1
        } while !token.isEmpty && pages < 10
        #expect(pages == 3)
        #expect(names.count == 25)
        #expect(names.contains("c15"))
        #expect(!names.contains("c155"))
    }

    @Test func versionsChooseTheMoment() async throws {
        let server = try await server(2)
        let before = await server.send("GET", Samples.configMaps)
        let version = before.json["metadata"]["resourceVersion"].string ?? ""
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("later"))
        let exact = await server.send(
            "GET", "\(Samples.configMaps)?resourceVersion=\(version)&resourceVersionMatch=Exact")
        #expect(exact.names == before.names)
        let newer = await server.send(
            "GET", "\(Samples.configMaps)?resourceVersion=\(version)&resourceVersionMatch=NotOlderThan")
        #expect(newer.names.contains("later"))
        let future = await server.send("GET", "\(Samples.configMaps)?resourceVersion=999999")
        #expect(future.status == 504)
        #expect(future.message.contains("Too large resource version: 999999"))
    }

    @Test(arguments: [
        ("resourceVersionMatch=Exact", "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ("resourceVersion=1&resourceVersionMatch=Sometimes", "Unsupported value: \"Sometimes\""),
        ("resourceVersion=0&resourceVersionMatch=Exact", "forbidden for resourceVersion \"0\""),
        ("sendInitialEvents=true", "sendInitialEvents is forbidden for list"),
    ])
    func versionMatchRules(_ query: String, _ message: String) async throws {
        let server = try await server(0)
        let response = await server.send("GET", "\(Samples.configMaps)?\(query)")
        #expect(response.status == 422)
        #expect(response.message.contains(message), "\(response.message)")
    }

    @Test func compactedVersionsAreGone() async throws {
        let server = try await server(3)
        let page = await server.send("GET", "\(Samples.configMaps)?limit=1")
        let token = page.json["metadata"]["continue"].string ?? ""
        _ = await server.send("POST", Samples.configMaps, Samples.configMap("x"))
        try server.store.compact(to: server.store.currentRevision)
        let next = await server.send("GET", "\(Samples.configMaps)?limit=1&continue=\(token)")
        #expect(next.status == 410)
        #expect(next.json["reason"] == "Expired")
    }

    @Test func tablesCarryColumnsRowsAndMetadata() async throws {
        let server = try await server(2)
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
        let table = await server.send("GET", Samples.configMaps, accept: accept)
        #expect(table.json["kind"] == "Table")
        #expect(table.json["apiVersion"] == "meta.k8s.io/v1")
        #expect(table.json["columnDefinitions"][0]["name"] == "Name")
        #expect(table.json["rows"].array?.count == 2)
        #expect(table.json["rows"][0]["cells"][0] == "c00")
        #expect(table.json["rows"][0]["object"]["kind"] == "PartialObjectMetadata")
        #expect(table.json["rows"][0]["object"]["metadata"]["name"] == "c00")
        let whole = await server.send("GET", "\(Samples.configMaps)/c01?includeObject=Object", accept: accept)
        #expect(whole.json["rows"][0]["object"]["data"]["k"] == "v")
        let none = await server.send("GET", "\(Samples.configMaps)?includeObject=None", accept: accept)
        #expect(none.json["rows"][0]["object"].map(\.isNull) ?? true)
        let refused = await server.send("GET", "\(Samples.configMaps)?includeObject=X", accept: accept)
        #expect(refused.status == 400)
        #expect(
            refused.message
                == "Unable to convert to Table as requested: includeObject: Invalid value: \"X\": must be 'Metadata', "
                + "'Object', 'None', or empty")
        // Nobody looks at it where no Table is made.
        #expect(await server.send("GET", "\(Samples.configMaps)?includeObject=X").status == 200)
    }

    @Test func partialMetadataLeavesTheRestOut() async throws {
        let server = try await server(2)
        let list = await server.send(
            "GET", Samples.configMaps, accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
        #expect(list.json["kind"] == "PartialObjectMetadataList")
        #expect(list.names == ["c00", "c01"])
        #expect(list.json["items"][0]["data"] == nil)
        let single = await server.send(
            "GET", "\(Samples.configMaps)/c00", accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
        #expect(single.json["kind"] == "PartialObjectMetadata")
        #expect(single.json["metadata"]["labels"]["parity"] == "even")
    }
}
