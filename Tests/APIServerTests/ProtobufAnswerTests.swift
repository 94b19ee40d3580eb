import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

/// Clients that prefer protobuf get it for every built-in kind.
@Suite("Answers in protobuf") struct ProtobufAnswerTests {
    static let protobuf = "application/vnd.kubernetes.protobuf"
    static let preferred = "application/vnd.kubernetes.protobuf,application/json"
    static let configMap: JSONValue = ["metadata": ["name": "a", "labels": ["x": "y"]], "data": ["k": "v"]]

    private func document(_ response: TestResponse, _ message: String? = nil) throws -> JSONValue {
        #expect(response.header("Content-Type") == Self.protobuf)
        return try #require(try ProtobufDocument.parse(response.body, message: message))
    }

    @Test func `an object is answered as it is in JSON`() async throws {
        let server = try await TestServer()
        let created = await server.send("POST", Samples.configMaps, Self.configMap, accept: Self.preferred)
        #expect(created.status == 201)
        let path = "\(Samples.configMaps)/a"
        let json = await server.send("GET", path).json
        for response in [created, await server.send("GET", path, accept: Self.protobuf)] {
            let object = try document(response)
            #expect(object["data"] == ["k": "v"])
            for field in ["uid", "resourceVersion", "creationTimestamp", "labels", "managedFields"] {
                #expect(object["metadata"][field] == json["metadata"][field], "\(field)")
            }
        }
        let patch: JSONValue = ["data": ["k": "w"]]
        let patched = await server.send(
            "PATCH", path, patch, contentType: "application/merge-patch+json", accept: Self.preferred)
        #expect(try document(patched)["data"] == ["k": "w"])
        // What is kept beside an object goes with it.
        #expect(try document(await server.send("GET", path, accept: Self.protobuf))["data"] == ["k": "w"])
    }

    @Test func `a list holds every object`() async throws {
        let server = try await TestServer()
        for name in ["a", "b", "c"] {
            let map: JSONValue = ["metadata": ["name": .string(name)], "data": ["n": .string(name)]]
            #expect(await server.send("POST", Samples.configMaps, map).status == 201)
        }
        let response = await server.send("GET", Samples.configMaps + "?limit=2", accept: Self.preferred)
        let list = try document(response, "ConfigMapListForTests")
        #expect(list["kind"] == "ConfigMapList" && list["apiVersion"] == "v1")
        let json = await server.send("GET", Samples.configMaps + "?limit=2").json
        // Decoded with the messages that a client has.
        let decoded = try ProtobufListReader.items(response.body, "ConfigMap")
        #expect(decoded.items.map { $0["metadata"]["name"].string } == ["a", "b"])
        #expect(decoded.items[1]["data"] == ["n": "b"])
        #expect(decoded.metadata["resourceVersion"] == json["metadata"]["resourceVersion"])
        #expect(decoded.metadata["remainingItemCount"] == 1)
    }

    @Test func `a watch sends messages behind their lengths`() async throws {
        let server = try await TestServer()
        #expect(await server.send("POST", Samples.configMaps, Self.configMap).status == 201)
        let (watch, refusal) = server.watch(
            Samples.configMaps + "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                + "&allowWatchBookmarks=true", accept: "\(Self.protobuf);stream=watch")
        #expect(refusal == nil)
        #expect(await server.send("DELETE", "\(Samples.configMaps)/a").status == 200)
        await Polling.until(within: 60) { ProtobufListReader.events(watch.bytes).count >= 3 }
        let events = ProtobufListReader.events(watch.bytes)
        #expect(events.map(\.type) == ["ADDED", "BOOKMARK", "DELETED"])
        let added = try #require(try ProtobufDocument.parse(events[0].object))
        #expect(added["metadata"]["name"] == "a" && added["data"] == ["k": "v"])
        let bookmark = try #require(try ProtobufDocument.parse(events[1].object))
        #expect(bookmark["kind"] == "ConfigMap")
        #expect(bookmark["metadata"]["annotations"] == ["k8s.io/initial-events-end": "true"])
    }

    /// As an update of a Go client that reads and writes protobuf: nothing is lost on the way, so that nothing changes.
    @Test(arguments: ChartKindsTests.taken)
    func `what was read may be written back, and a watcher of protobuf sees a change`(example: ChartKindsTests.Example)
        async throws
    {
        let server = try await TestServer()
        let created = await server.send("POST", example.collection, example.object)
        try #require(created.status == 201, "\(created.text)")
        let path = "\(example.collection)/\(created.json["metadata"]["name"].string ?? "")"
        let read = await server.send("GET", path, accept: Self.preferred)
        try #require(read.header("Content-Type") == Self.protobuf)
        let version = await server.send("GET", path).json["metadata"]["resourceVersion"].string ?? ""
        let (watch, refusal) = server.watch(
            "\(example.collection)?watch=true&resourceVersion=\(version)", accept: "\(Self.protobuf);stream=watch")
        #expect(refusal == nil)
        let same = await server.sendBytes("PUT", path, read.body, contentType: Self.protobuf)
        #expect(same.status == 200, "\(same.text)")
        #expect(same.json["metadata"]["resourceVersion"].string == version, "\(same.text)")

        var changed = try document(read)
        changed["metadata"]["labels"]["changed"] = "yes"
        changed["apiVersion"] = example.object["apiVersion"]
        changed["kind"] = example.object["kind"]
        let written = await server.sendBytes(
            "PUT", path, ProtobufEncoder.answer(changed), contentType: Self.protobuf, accept: Self.preferred)
        #expect(written.status == 200, "\(written.text)")
        #expect(try document(written)["metadata"]["labels"]["changed"] == "yes")
        await Polling.until(within: 60) { !ProtobufListReader.events(watch.bytes).isEmpty }
        let events = ProtobufListReader.events(watch.bytes)
        #expect(events.map(\.type) == ["MODIFIED"])
        let seen = try #require(try ProtobufDocument.parse(events[0].object))
        #expect(seen["metadata"]["labels"]["changed"] == "yes")
    }

    @Test func `errors and discovery are in protobuf too`() async throws {
        let server = try await TestServer()
        let missing = await server.send("GET", "\(Samples.configMaps)/none", accept: Self.preferred)
        #expect(missing.status == 404)
        let status = try document(missing, "Status")
        #expect(status["message"] == "configmaps \"none\" not found" && status["code"] == 404)
        #expect(status["details"] == ["name": "none", "kind": "configmaps"])
        let unknown = await server.send("GET", "/apis/none/v1/x", accept: Self.preferred)
        #expect(unknown.status == 404 && unknown.header("Content-Type") == Self.protobuf)
        let groups = try document(await server.send("GET", "/apis", accept: Self.preferred), "APIGroupList")
        #expect(groups["groups"].array?.contains { $0["name"] == "apps" } == true)
        let core = try document(await server.send("GET", "/api/v1", accept: Self.preferred), "APIResourceList")
        let pods = core["resources"].array?.first { $0["name"] == "pods" }
        #expect(pods?["verbs"].array?.contains("list") == true && pods?["shortNames"] == ["po"])
        let review = await server.send(
            "POST", ReviewTests.selfAccess, ["spec": ["resourceAttributes": ReviewTests.pods]],
            accept: Self.preferred)
        #expect(try document(review)["status"]["allowed"] == true)
    }

    @Test func `kinds without messages are answered in JSON, or not at all`() async throws {
        let server = try await TestServer()
        let definitions = CustomResourceSamples.path
        let created = await server.send("POST", definitions, CustomResourceSamples.crontabs(), accept: Self.preferred)
        #expect(created.status == 201)
        #expect(try document(created)["spec"]["names"]["plural"] == "crontabs")
        let path = CustomResourceSamples.crontabs
        await Polling.until(within: 60) { await server.send("GET", path).status == 200 }
        #expect(await server.send("POST", path, CustomResourceSamples.crontab("a")).status == 201)
        let either = await server.send("GET", "\(path)/a", accept: Self.preferred)
        #expect(either.status == 200 && either.json["kind"] == "CronTab")
        let alone = await server.send("GET", "\(path)/a", accept: Self.protobuf)
        #expect(alone.status == 406)
        let metadata = "\(Self.protobuf);as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
        let partial = await server.send("GET", "\(path)/a", accept: metadata)
        let object = try document(partial, "PartialObjectMetadata")
        #expect(object["metadata"]["name"] == "a" && object["kind"] == "PartialObjectMetadata")
        let list = await server.send("GET", path, accept: metadata)
        let decoded = try ProtobufListReader.items(list.body, "PartialObjectMetadata")
        #expect(decoded.items.map { $0["metadata"]["name"].string } == ["a"])
    }

    @Test func `bodies of every built-in kind are read`() async throws {
        let server = try await TestServer()
        let cidr: JSONValue = [
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": "more"],
            "spec": ["cidrs": ["10.20.0.0/24"]],
        ]
        let definition = CustomResourceSamples.crontabs()
        var whole = definition
        whole["apiVersion"] = "apiextensions.k8s.io/v1"
        whole["kind"] = "CustomResourceDefinition"
        for (path, body) in [
            ("/apis/networking.k8s.io/v1/servicecidrs", cidr), (CustomResourceSamples.path, whole),
        ] {
            let bytes = ProtobufEncoder.answer(body)
            let created = await server.sendBytes("POST", path, bytes, contentType: Self.protobuf)
            #expect(created.status == 201, "\(created.text)")
        }
        let address: JSONValue = [
            "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": ["name": "192.0.2.9"],
            "spec": ["parentRef": ["resource": "services", "namespace": "default", "name": "x"]],
        ]
        let created = await server.sendBytes(
            "POST", "/apis/networking.k8s.io/v1/ipaddresses", ProtobufEncoder.answer(address),
            contentType: Self.protobuf)
        #expect(created.status == 201, "\(created.text)")
    }
}

/// What a client reads out of a list and out of a stream: the wire format alone (protobuf encoding guide).
enum ProtobufListReader {
    static func items(_ body: [UInt8], _ message: String) throws -> (metadata: JSONValue, items: [JSONValue]) {
        let envelope = fields(body.dropFirst(4))
        let list = fields(envelope.first { $0.number == 2 }?.bytes ?? [])
        func document(_ bytes: ArraySlice<UInt8>, _ message: String) throws -> JSONValue {
            let whole = ProtobufEncoder.envelope(apiVersion: "v1", kind: "X", Array(bytes))
            return try #require(try ProtobufDocument.parse(whole, message: message))
        }
        let metadata = try document(list.first { $0.number == 1 }?.bytes ?? [], "ListMeta")
        return (metadata, try list.filter { $0.number == 2 }.map { try document($0.bytes, message) })
    }

    static func events(_ stream: [UInt8]) -> [(type: String, object: [UInt8])] {
        var rest = stream[...]
        var events: [(type: String, object: [UInt8])] = []
        while rest.count >= 4 {
            let size = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 4 + size else { break }
            let event = fields(rest.dropFirst(4).prefix(size))
            let raw = fields(event.first { $0.number == 2 }?.bytes ?? [])
            events.append(
                (
                    String(decoding: event.first { $0.number == 1 }?.bytes ?? [], as: UTF8.self),
                    Array(raw.first { $0.number == 1 }?.bytes ?? [])
                ))
            rest = rest.dropFirst(4 + size)
        }
        return events
    }

    /// The fields of a message that have a length.
    private static func fields(_ bytes: ArraySlice<UInt8>) -> [(number: Int, bytes: ArraySlice<UInt8>)] {
        var rest = bytes
        var fields: [(number: Int, bytes: ArraySlice<UInt8>)] = []
        func varint() -> Int {
            var (value, shift) = (0, 0)
            while let byte = rest.popFirst() {
                value |= Int(byte & 0x7f) << shift
                if byte & 0x80 == 0 { break }
                shift += 7
            }
            return value
        }
        while !rest.isEmpty {
            let tag = varint()
            guard tag & 7 == 2 else {
                _ = varint()
                continue
            }
            let size = varint()
            fields.append((tag >> 3, rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return fields
    }
}
