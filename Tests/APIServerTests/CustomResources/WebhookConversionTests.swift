import KubeModel
import Testing

@testable import APIServer

/// Custom resources whose versions a webhook converts: the version that objects are kept in works, any other fails where
/// a conversion is needed.
@Suite("Conversion by webhook") struct WebhookConversionTests {
    private typealias Samples = CustomResourceSamples

    private static let other = "/apis/stable.example.com/v1beta1/namespaces/default/crontabs"
    private static let name = "\(Samples.path)/crontabs.stable.example.com"

    private static func definition(storing stored: String = "v1") -> JSONValue {
        var definition = Samples.definition(
            "stable.example.com", "CronTab", "crontabs",
            versions: [
                Samples.version("v1beta1", storage: stored == "v1beta1"),
                Samples.version("v1", storage: stored == "v1"),
            ])
        definition["spec"]["conversion"] = [
            "strategy": "Webhook",
            "webhook": [
                "clientConfig": ["service": ["name": "converter", "namespace": "default"]],
                "conversionReviewVersions": ["v1"],
            ],
        ]
        return definition
    }

    private static func beta(_ name: String) -> JSONValue {
        var object = Samples.crontab(name)
        object["apiVersion"] = "stable.example.com/v1beta1"
        return object
    }

    private func expectFailure(_ response: TestResponse, from version: String) {
        #expect(response.status == 500)
        #expect(response.json["reason"] == "InternalError")
        let words = "conversion webhook for stable.example.com/\(version), Kind=CronTab failed: "
        #expect(response.message.hasPrefix(words), "\(response.message)")
    }

    @Test func theDefinitionIsAcceptedAndTheServicePortFilledIn() async throws {
        let server = try await TestServer()
        let created = await server.define(Self.definition())
        #expect(created.status == 201, "\(created.message)")
        #expect(created.json["spec"]["conversion"]["webhook"]["clientConfig"]["service"]["port"] == 443)
    }

    @Test func theVersionThatObjectsAreKeptInNeedsNoConversion() async throws {
        let server = try await TestServer()
        await server.define(Self.definition())
        #expect(await server.send("POST", Samples.crontabs, Samples.crontab("one")).status == 201)
        #expect(await server.send("GET", Samples.crontabs).names == ["one"])
        let patch = await server.send(
            "PATCH", "\(Samples.crontabs)/one", ["spec": ["replicas": 3]], contentType: "application/merge-patch+json")
        #expect(patch.json["spec"]["replicas"] == 3)
        #expect(await server.send("DELETE", "\(Samples.crontabs)/one").status == 200)
    }

    @Test func anyOtherVersionFailsWhereAConversionIsNeeded() async throws {
        let server = try await TestServer()
        await server.define(Self.definition())
        // Nothing is there to convert.
        #expect(await server.send("GET", Self.other).names == [])
        #expect(await server.send("GET", "\(Self.other)/one").status == 404)
        #expect(await server.send("DELETE", "\(Self.other)/one").status == 404)
        expectFailure(await server.send("POST", Self.other, Self.beta("one")), from: "v1beta1")
        expectFailure(await server.send("POST", "\(Self.other)?dryRun=All", Self.beta("one")), from: "v1beta1")
        let apply = "\(Self.other)/one?fieldManager=me"
        expectFailure(
            await server.send("PATCH", apply, Self.beta("one"), contentType: "application/apply-patch+yaml"),
            from: "v1beta1")
        #expect(await server.send("GET", Samples.crontabs).names == [])

        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one"))
        let metadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        let table = "application/json;as=Table;g=meta.k8s.io;v=v1"
        for accept in [nil, metadata, table] {
            expectFailure(await server.send("GET", Self.other, accept: accept), from: "v1")
        }
        expectFailure(await server.send("GET", "\(Self.other)/one"), from: "v1")
        var put = Self.beta("one")
        put["metadata"]["resourceVersion"] = "1"
        expectFailure(await server.send("PUT", "\(Self.other)/one", put), from: "v1")
        expectFailure(
            await server.send(
                "PATCH", "\(Self.other)/one", ["spec": ["replicas": 3]], contentType: "application/merge-patch+json"),
            from: "v1")
        expectFailure(
            await server.send("PATCH", apply, Self.beta("one"), contentType: "application/apply-patch+yaml"),
            from: "v1")
        expectFailure(await server.send("DELETE", "\(Self.other)/one"), from: "v1")
        #expect(await server.send("GET", Samples.crontabs).names == ["one"])
    }

    @Test func aWatchEndsWithTheFailureOfItsFirstEvent() async throws {
        let server = try await TestServer()
        await server.define(Self.definition())
        let (watch, refusal) = server.watch("\(Self.other)?watch=1")
        #expect(refusal == nil)
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("one"))
        _ = await server.send("POST", Samples.crontabs, Samples.crontab("two"))
        await Polling.until { watch.isFinished }
        #expect(watch.events.count == 1)
        #expect(watch.events.first?["type"] == "ERROR")
        #expect(watch.events.first?["object"]["code"] == 500)
        #expect(watch.events.first?["object"]["message"].string?.hasPrefix("conversion webhook for ") == true)
    }

    @Test func objectsOfAnEarlierStorageVersionAreServedInThatVersionOnly() async throws {
        let server = try await TestServer()
        await server.define(Self.definition(storing: "v1beta1"))
        #expect(await server.send("POST", Self.other, Self.beta("old")).status == 201)
        let versions = Self.definition()["spec"]["versions"] ?? []
        // The server may still write the status.
        #expect(
            await Polling.until {
                var moved = await server.send("GET", Self.name).json
                moved["spec"]["versions"] = versions
                return await server.send("PUT", Self.name, moved).status == 200
            })
        #expect(await server.send("POST", Samples.crontabs, Samples.crontab("new")).status == 201)
        #expect(await server.send("GET", "\(Self.other)/old").json["apiVersion"] == "stable.example.com/v1beta1")
        expectFailure(await server.send("GET", "\(Samples.crontabs)/old"), from: "v1beta1")
        #expect(await server.send("GET", "\(Samples.crontabs)/new").status == 200)
        expectFailure(await server.send("GET", "\(Self.other)/new"), from: "v1")
        // The definition can go all the same.
        #expect(await server.send("DELETE", Self.name).status == 200)
        #expect(await Polling.until { await server.send("GET", Self.name).status == 404 })
    }
}
