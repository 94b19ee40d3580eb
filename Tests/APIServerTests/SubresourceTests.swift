import KubeModel
import Testing

@testable import APIServer

/// Subresources that Kubernetes has and this server answers with 501.
@Suite("Subresources of objects") struct SubresourceTests {
    static let pod = "/api/v1/namespaces/default/pods/web"

    private func server() async throws -> TestServer {
        let server = try await TestServer()
        let pod: JSONValue = ["metadata": ["name": "web"], "spec": ["containers": [["name": "a", "image": "a"]]]]
        #expect(await server.send("POST", "/api/v1/namespaces/default/pods", pod).status == 201)
        let account: JSONValue = ["metadata": ["name": "web"]]
        #expect(await server.send("POST", "/api/v1/namespaces/default/serviceaccounts", account).status == 201)
        #expect(await server.send("POST", "/api/v1/nodes", account).status == 201)
        #expect(await server.send("POST", Samples.services, Samples.service("web")).status == 201)
        return server
    }

    @Test func `what needs a kubelet is not implemented`() async throws {
        let server = try await server()
        for (method, path) in [
            ("GET", "\(Self.pod)/log?follow=true"), ("POST", "\(Self.pod)/exec?command=ls"),
            ("GET", "\(Self.pod)/exec?command=ls"), ("POST", "\(Self.pod)/attach"), ("GET", "\(Self.pod)/portforward"),
            ("PATCH", "\(Self.pod)/resize"),
            ("POST", "/api/v1/namespaces/default/serviceaccounts/web/token"),
            ("GET", "/api/v1/nodes/web/proxy/metrics"), ("GET", "/api/v1/nodes/https:web:10250/proxy/metrics"),
        ] {
            let response = await server.send(method, path)
            #expect(response.status == 501, "\(method) \(path)")
            #expect(response.json["kind"] == "Status" && response.json["reason"] == "NotImplemented")
            #expect(response.json["details"]["name"] == "web")
        }
        let logs = await server.send("GET", "\(Self.pod)/log")
        #expect(logs.message == "log of pods \"web\" is not implemented: this server runs no containers")
    }

    @Test func `missing objects, unknown subresources and other methods are told apart`() async throws {
        let server = try await server()
        let missing = await server.send("GET", "/api/v1/namespaces/default/pods/none/log")
        #expect(missing.status == 404 && missing.message == "pods \"none\" not found")
        #expect(await server.send("GET", "\(Samples.services)/none:80/proxy/").status == 404)
        #expect(await server.send("GET", "\(Samples.services)/ftp:web:80/proxy/").status == 400)
        #expect(await server.send("GET", "\(Self.pod)/logs").status == 404)
        #expect(await server.send("GET", "\(Self.pod)/scale").status == 404)
        #expect(await server.send("GET", "/api/v1/namespaces/default/configmaps/web/log").status == 404)
        #expect(await server.send("POST", "\(Self.pod)/log").status == 405)
        #expect(await server.send("PUT", "\(Self.pod)/exec").status == 405)
    }

    @Test func `discovery lists subresources with their kinds`() async throws {
        let server = try await server()
        let classic = await server.send("GET", "/api/v1").json["resources"].array ?? []
        let exec = classic.first { $0["name"] == "pods/exec" }
        #expect(
            exec == [
                "name": "pods/exec", "singularName": "", "namespaced": true, "kind": "PodExecOptions",
                "verbs": ["create", "get"],
            ])
        let token = classic.first { $0["name"] == "serviceaccounts/token" }
        #expect(token?["group"] == "authentication.k8s.io" && token?["kind"] == "TokenRequest")
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        let document = await server.send("GET", "/api", accept: accept)
        let resources = document.json["items"][0]["versions"][0]["resources"].array ?? []
        let pods = resources.first { $0["resource"] == "pods" }
        let log = pods?["subresources"].array?.first { $0["subresource"] == "log" }
        #expect(log?["responseKind"] == ["group": "", "version": "v1", "kind": "Pod"] && log?["verbs"] == ["get"])
    }
}
