import KubeModel
import Testing

@testable import APIServer

@Suite("What discovery tells") struct DiscoveryTests {
    @Test func classicDiscoveryNamesEverything() async throws {
        let server = try await TestServer()
        #expect(await server.send("GET", "/api").json["versions"][0] == "v1")
        let groups = await server.send("GET", "/apis")
        let names = (groups.json["groups"].array ?? []).compactMap { $0["name"].string }
        // Kubernetes' groups by their priority, then the others.
        #expect(
            names == [
                "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
                "autoscaling", "batch", "certificates.k8s.io",
                "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io",
                "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io",
                "node.k8s.io", "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
                "traffic.martlet.dev", "metallb.io",
            ])
        for group in groups.json["groups"].array ?? [] {
            let name = group["name"].string ?? ""
            #expect(await server.send("GET", "/apis/\(name)").json["preferredVersion"] == group["preferredVersion"])
            let version = group["preferredVersion"]["groupVersion"].string ?? ""
            let list = await server.send("GET", "/apis/\(version)")
            #expect(list.json["groupVersion"].string == version)
            #expect(list.json["resources"].array?.isEmpty == false)
        }
        let core = await server.send("GET", "/api/v1")
        let resources = (core.json["resources"].array ?? []).compactMap { $0["name"].string }
        #expect(resources.contains("services/status"))
        #expect(resources.contains("namespaces/finalize"))
        #expect(await server.send("GET", "/apis/none.example.com").status == 404)
    }

    @Test(arguments: ["v2", "v2beta1"])
    func aggregatedDiscoveryIsTagged(_ version: String) async throws {
        let server = try await TestServer()
        let accept = "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList,application/json"
        let response = await server.send("GET", "/apis", accept: accept)
        #expect(
            response.header("Content-Type")
                == "application/json;g=apidiscovery.k8s.io;v=\(version);as=APIGroupDiscoveryList")
        #expect(response.json["kind"] == "APIGroupDiscoveryList")
        #expect(response.json["apiVersion"].string == "apidiscovery.k8s.io/\(version)")
        let tag = try #require(response.header("ETag"))
        #expect(await server.send("GET", "/apis", accept: accept, ifNoneMatch: tag).status == 304)
        let core = await server.send("GET", "/api", accept: accept)
        #expect(core.json["items"].array?.count == 1)
    }

    @Test func openAPIDocumentsHaveHashedAddresses() async throws {
        let server = try await TestServer()
        let index = await server.send("GET", "/openapi/v3")
        let paths = index.json["paths"].object ?? [:]
        #expect(paths.count >= 6)
        for (name, entry) in paths {
            let url = entry["serverRelativeURL"].string ?? ""
            let document = await server.send("GET", url)
            #expect(document.status == 200)
            #expect(document.json["openapi"].string?.hasPrefix("3.") == true, "\(name)")
            #expect(document.header("Cache-Control")?.contains("immutable") == true)
        }
        let old = await server.send("GET", "/openapi/v3/api/v1?hash=0")
        #expect(old.status == 301)
        #expect(old.header("Location")?.hasPrefix("/openapi/v3/api/v1?hash=") == true)
        #expect(await server.send("GET", "/openapi/v3/apis/none/v1").status == 404)
        #expect(await server.send("GET", "/openapi/v2").json["swagger"] == "2.0")
    }

    @Test func probesAndVersionNeedNoCredentials() async throws {
        let server = try await TestServer()
        for path in ["/livez", "/readyz", "/healthz"] {
            let response = await server.send("GET", path, token: nil)
            #expect(response.status == 200)
            #expect(response.text == "ok")
        }
        let verbose = await server.send("GET", "/readyz?verbose", token: nil)
        #expect(verbose.text.contains("[+]store ok"))
        #expect(verbose.text.hasSuffix("readyz check passed\n"))
        #expect(await server.send("GET", "/livez/ping", token: nil).status == 200)
        #expect(await server.send("GET", "/livez/none", token: nil).status == 404)
        // What probes written for kube-apiserver ask for.
        for path in ["/livez/etcd", "/readyz/etcd", "/readyz/etcd-readiness", "/healthz/log", "/readyz/informer-sync"] {
            #expect(await server.send("GET", path, token: nil).status == 200, "\(path)")
        }
        #expect(await server.send("GET", "/readyz?exclude=etcd&verbose", token: nil).text.contains("store excluded"))
        #expect(await server.send("HEAD", "/readyz", token: nil).status == 200)
        let version = await server.send("GET", "/version", token: nil)
        #expect(version.json["gitVersion"].string?.hasPrefix("v1.36.0+martlet") == true)
    }

    /// Each value of a label is a series that stays.
    @Test func whatClientsMakeUpGivesNoFurtherMetrics() async throws {
        let server = try await TestServer()
        func lines(_ round: Int) async -> Int {
            for number in 0..<20 {
                let word = "x\(round)y\(number)"
                for target in [
                    "/\(word)", "/api/v1/\(word)", "/apis/\(word)/v1/\(word)", "\(Samples.services)/a/\(word)",
                ] {
                    for token in [nil, TestServer.token] {
                        _ = await server.send("M\(word)", target, token: token)
                        _ = await server.send("GET", target, token: token)
                    }
                }
            }
            let text = await server.send("GET", "/metrics").text
            #expect(!text.contains("x\(round)y"))
            return text.split(separator: "\n").count
        }
        // The second look counts the first one.
        _ = await lines(0)
        let first = await lines(1)
        #expect(await lines(2) == first)
    }

    @Test func metricsCountRequests() async throws {
        let server = try await TestServer()
        _ = await server.send("GET", Samples.services)
        let metrics = await server.send("GET", "/metrics")
        #expect(metrics.text.contains("apiserver_request_total{verb=\"list\",resource=\"services\",code=\"200\"} 1"))
        #expect(metrics.text.contains("martlet_store_revision"))
        for reason in ["peer_share", "made_room", "full"] {
            #expect(metrics.text.contains("\nmartlet_api_connections_refused_total{reason=\"\(reason)\"} 0\n"))
        }
    }
}
