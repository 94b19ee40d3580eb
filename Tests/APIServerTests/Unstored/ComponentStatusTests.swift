import APIResources
import KubeModel
import Testing

@testable import APIServer

@Suite("Component statuses") struct ComponentStatusTests {
    private static let path = "/api/v1/componentstatuses"

    @Test func `the store is the component, and what is asked is found out at that moment`() async throws {
        let server = try await TestServer()
        let list = await server.send("GET", Self.path)
        #expect(list.status == 200)
        #expect(list.json["kind"] == "ComponentStatusList")
        #expect(list.json["items"][0]["metadata"]["name"] == "store")
        #expect(
            list.json["items"][0]["conditions"] == [["type": "Healthy", "status": "True", "message": "ok"]])
        #expect(list.header("Warning") == "299 - \"v1 ComponentStatus is deprecated in v1.19+\"")
        let single = await server.send("GET", "\(Self.path)/store")
        #expect(single.json["kind"] == "ComponentStatus" && single.json["apiVersion"] == "v1")
        #expect(await server.send("GET", "\(Self.path)/scheduler").status == 404)
        #expect(await server.send("POST", Self.path, ["metadata": ["name": "x"]]).status == 405)
        #expect(await server.send("DELETE", "\(Self.path)/store").status == 405)
    }

    @Test func `trouble is told in the words of readiness`() {
        let statuses = ComponentStatuses(components: [.init(name: "store") { "the disk is full" }])
        let request = UnstoredRequest(
            verb: .get, namespace: "", name: "store", document: [:], selection: ListOptions(), isDryRun: false,
            user: .anonymous, now: Timestamp(secondsSinceEpoch: 0))
        statuses.answer(request) { answer in
            #expect(
                (try? answer.get())?.document["conditions"] == [
                    ["type": "Healthy", "status": "False", "error": "the disk is full"]
                ])
        }
    }

    @Test func `selectors choose`() async throws {
        let server = try await TestServer()
        #expect(await server.send("GET", "\(Self.path)?fieldSelector=metadata.name%3Dstore").names == ["store"])
        #expect(await server.send("GET", "\(Self.path)?fieldSelector=metadata.name%3Dother").names == [])
        #expect(await server.send("GET", "\(Self.path)?labelSelector=a%3Db").names == [])
        #expect(await server.send("GET", "\(Self.path)?fieldSelector=spec.x%3D1").status == 400)
    }

    @Test func `every form that stored kinds have is served`() async throws {
        let server = try await TestServer()
        let table = await server.send("GET", Self.path, accept: "application/json;as=Table;g=meta.k8s.io;v=v1").json
        #expect((table["columnDefinitions"].array ?? []).map { $0["name"] } == ["Name", "Status", "Message", "Error"])
        #expect(table["rows"][0]["cells"] == ["store", "Healthy", "ok", ""])
        let metadata = await server.send(
            "GET", Self.path, accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        ).json
        #expect(metadata["kind"] == "PartialObjectMetadataList")
        #expect(metadata["items"][0]["metadata"]["name"] == "store")
        let protobuf = await server.send("GET", Self.path, accept: "application/vnd.kubernetes.protobuf")
        #expect(protobuf.status == 200 && Array(protobuf.body.prefix(4)) == Array("k8s\0".utf8))
    }
}
