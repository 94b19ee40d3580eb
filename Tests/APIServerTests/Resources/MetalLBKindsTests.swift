import Foundation
import KubeModel
import TestSupport
import Testing

@testable import APIResources
@testable import APIServer

@Suite("MetalLB's kinds through the server") struct MetalLBKindsTests {
    private static let base = "/apis/metallb.io/v1beta1/namespaces/metallb-system"

    private func server() async -> TestServer? {
        guard let server = try? await TestServer() else { return nil }
        _ = await server.send("POST", "/api/v1/namespaces", ["metadata": ["name": "metallb-system"]])
        return server
    }

    private func create(
        _ server: TestServer, _ plural: String, _ name: String, _ fields: JSONObject, version: String = "v1beta1",
        token: String = TestServer.token
    ) async -> TestResponse {
        var object = JSONValue.object(fields)
        object["metadata"]["name"] = .string(name)
        return await server.send(
            "POST", "/apis/metallb.io/\(version)/namespaces/metallb-system/\(plural)", object, token: token)
    }

    @Test func `defaults are MetalLB's`() async throws {
        let server = try #require(await server())
        let pool = await create(server, "ipaddresspools", "a", ["spec": ["addresses": ["192.0.2.0/28"]]])
        #expect(pool.json["spec"]["autoAssign"] == true && pool.json["spec"]["avoidBuggyIPs"] == false)
        let advertisement = await create(server, "bgpadvertisements", "a", [:])
        #expect(advertisement.status == 201, "\(advertisement.message)")
        let peer = await create(
            server, "bgppeers", "a", ["spec": ["myASN": 64500, "peerASN": 4_200_000_000, "peerAddress": "10.0.0.1"]],
            version: "v1beta2")
        #expect(peer.status == 201, "\(peer.message)")
        #expect(peer.json["spec"]["peerPort"] == 179)
        let aggregating = await create(server, "bgpadvertisements", "b", ["spec": [:]])
        #expect(aggregating.json["spec"]["aggregationLength"] == 32)
        #expect(aggregating.json["spec"]["aggregationLengthV6"] == 128)
    }

    @Test func `a peer of the deprecated version is the same peer`() async throws {
        let server = try #require(await server())
        let old = await create(
            server, "bgppeers", "a", ["spec": ["myASN": 1, "peerASN": 2, "peerAddress": "10.0.0.1"]])
        #expect(old.status == 201, "\(old.message)")
        #expect(old.json["apiVersion"] == "metallb.io/v1beta1")
        #expect(old.header("Warning")?.contains("v1beta1 is deprecated, please use v1beta2") == true)
        let path = "/namespaces/metallb-system/bgppeers/a"
        let new = await server.send("GET", "/apis/metallb.io/v1beta2" + path)
        #expect(new.json["apiVersion"] == "metallb.io/v1beta2")
        #expect(new.json["spec"] == old.json["spec"] && new.json["metadata"]["uid"] == old.json["metadata"]["uid"])
        #expect(await server.send("DELETE", "/apis/metallb.io/v1beta2" + path).status == 200)
        #expect(await server.send("GET", "/apis/metallb.io/v1beta1" + path).status == 404)
    }

    @Test func `what no schema allows names its field`() async throws {
        let server = try #require(await server())
        let pool = await create(server, "ipaddresspools", "a", ["spec": ["addresses": "192.0.2.0/28"]])
        #expect(pool.status == 400 || pool.status == 422)
        let profile = await create(server, "bfdprofiles", "a", ["spec": ["detectMultiplier": 1, "minimumTtl": 255]])
        #expect(profile.status == 422)
        #expect(profile.message.contains("spec.detectMultiplier") && profile.message.contains("spec.minimumTtl"))
        let peer = await create(
            server, "bgppeers", "a", ["spec": ["myASN": 1, "peerASN": 4_294_967_296, "peerAddress": "10.0.0.1"]],
            version: "v1beta2")
        #expect(peer.status == 422 && peer.message.contains("spec.peerASN"), "\(peer.message)")
    }

    @Test func `no address is in two pools, however they are spelled and whenever they were stored`() async throws {
        let directory = NSTemporaryDirectory() + "martlet-pools-\(UUID().uuidString)"
        let before = try await TestServer(directory: directory)
        _ = await before.send("POST", "/api/v1/namespaces", ["metadata": ["name": "metallb-system"]])
        let first = await create(before, "ipaddresspools", "a", ["spec": ["addresses": ["192.0.2.0/28"]]])
        #expect(first.status == 201, "\(first.message)")
        before.stop()
        let again = try await TestServer(directory: directory)
        let second = await create(again, "ipaddresspools", "b", ["spec": ["addresses": ["192.0.2.8/29"]]])
        #expect(second.status == 422)
        #expect(
            second.message
                == "IPAddressPool.metallb.io \"b\" is invalid: spec.addresses[0]: Invalid value: "
                + "\"192.0.2.8-192.0.2.15\": overlaps with IPAddressPool metallb-system/a")
        let ours = await again.send(
            "POST", "/apis/traffic.martlet.dev/v1/addresspools",
            ["metadata": ["name": "c"], "spec": ["addresses": ["192.0.2.8"]]])
        #expect(ours.status == 422)
        #expect(await again.send("DELETE", Self.base + "/ipaddresspools/a").status == 200)
        let third = await create(again, "ipaddresspools", "b", ["spec": ["addresses": ["192.0.2.8/29"]]])
        #expect(third.status == 201, "\(third.message)")
        withExtendedLifetime(before) {}
    }

    private static let statuses = base + "/servicel2statuses"

    private static func status(of node: String) -> JSONValue {
        ["metadata": ["name": .string("l2-" + node), "labels": ["metallb.io/node": .string(node)]]]
    }

    @Test func `a node speaks of what it announces itself, and of nothing else`() async throws {
        let server = try #require(await server())
        let token = TestServer.nodeToken
        #expect(await server.send("POST", Self.statuses, Self.status(of: "b"), token: token).status == 403)
        #expect(await server.send("POST", Self.statuses, ["metadata": ["name": "x"]], token: token).status == 403)
        let made = await server.send("POST", Self.statuses, Self.status(of: "a"), token: token)
        #expect(made.status == 201, "\(made.message)")
        let told: JSONValue = [
            "status": [
                "node": "a", "serviceName": "web", "serviceNamespace": "shop",
                "interfaces": [["name": "eth0"], ["name": "eth1"]],
            ]
        ]
        func patch(_ name: String, _ body: JSONValue, subresource: String = "/status", token: String) async
            -> TestResponse
        {
            await server.send(
                "PATCH", "\(Self.statuses)/\(name)\(subresource)", body, contentType: "application/merge-patch+json",
                token: token)
        }
        #expect(await patch("l2-a", ["status": ["node": "b"]], token: token).status == 403)
        let written = await patch("l2-a", told, token: token)
        #expect(written.status == 200, "\(written.message)")
        let moved = await patch("l2-a", ["status": ["serviceName": "other"]], token: token)
        #expect(moved.message.contains("status.serviceName: Invalid value: \"other\": Value is immutable"))
        let table = await server.send(
            "GET", Self.statuses, accept: "application/json;as=Table;v=v1;g=meta.k8s.io", token: token)
        #expect(
            (table.json["columnDefinitions"].array ?? []).map { $0["name"].string } == [
                "Name", "Allocated Node", "Service Name", "Service Namespace", "Interfaces",
            ])
        #expect(table.json["rows"]?.array?.first?["cells"] == ["l2-a", "a", "web", "shop", "eth0,eth1"])

        #expect(await server.send("POST", Self.statuses, Self.status(of: "b")).status == 201)
        #expect(await patch("l2-b", ["status": ["node": "a"]], token: token).status == 403)
        let label: JSONValue = ["metadata": ["labels": ["metallb.io/node": "a"]]]
        #expect(await patch("l2-b", label, subresource: "", token: token).status == 403)
        #expect(await server.send("DELETE", "\(Self.statuses)/l2-b", token: token).status == 403)
        #expect(await server.send("DELETE", Self.statuses, token: token).status == 403)
        #expect(await server.send("DELETE", "\(Self.statuses)/l2-a", token: token).status == 200)
    }

    @Test func `a node reads the password of a peer and of nobody else, and no other Secret`() async throws {
        let server = try #require(await server())
        let secrets = "/api/v1/namespaces/metallb-system/secrets"
        let token = TestServer.nodeToken
        for (name, type) in [
            ("pw", "kubernetes.io/basic-auth"), ("other", "kubernetes.io/basic-auth"), ("o", "Opaque"),
        ] {
            let secret = await server.send(
                "POST", secrets,
                [
                    "metadata": ["name": .string(name)], "type": .string(type),
                    "stringData": ["username": "x", "password": "y"],
                ])
            #expect(secret.status == 201, "\(secret.message)")
        }
        #expect(await server.send("GET", secrets + "/pw", token: token).status == 403)
        for (name, secret) in [("a", "pw"), ("b", "o")] {
            let peer = await create(
                server, "bgppeers", name,
                [
                    "spec": [
                        "myASN": 1, "peerASN": 2, "peerAddress": "10.0.0.1",
                        "passwordSecret": ["name": .string(secret)],
                    ]
                ], version: "v1beta2")
            #expect(peer.status == 201, "\(peer.message)")
        }
        #expect(await server.send("GET", secrets + "/pw", token: token).status == 200)
        #expect(await server.send("GET", secrets + "/other", token: token).status == 403)
        #expect(await server.send("GET", secrets + "/o", token: token).status == 403)
        let typed = "type%3Dkubernetes.io%2Fbasic-auth"
        let narrowed = secrets + "?fieldSelector=metadata.name%3Dpw,\(typed)"
        #expect(await server.send("GET", narrowed, token: token).status == 200)
        #expect(await server.send("GET", secrets + "?fieldSelector=metadata.name%3Dpw", token: token).status == 403)
        #expect(await server.send("GET", secrets + "?fieldSelector=\(typed)", token: token).status == 403)
        let all = "/api/v1/secrets?fieldSelector=metadata.name%3Dpw,\(typed)"
        #expect(await server.send("GET", all, token: token).status == 403)
    }

    @Test func `a node writes its own Lease of announcing and shared ones, and makes no other the holder`() async throws
    {
        let server = try #require(await server())
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
        let token = TestServer.nodeToken
        func lease(_ name: String, _ holder: String) -> JSONValue {
            ["metadata": ["name": .string(name)], "spec": ["holderIdentity": .string(holder)]]
        }
        #expect(await server.send("POST", leases, lease(AnnouncementLease.own("a"), "a"), token: token).status == 201)
        #expect(await server.send("POST", leases, lease(AnnouncementLease.own("b"), "a"), token: token).status == 403)
        #expect(await server.send("POST", leases, lease("load-balancer", "a"), token: token).status == 403)
        #expect(await server.send("POST", leases, lease("announcement-1", "b"), token: token).status == 403)
        #expect(await server.send("POST", leases, lease("announcement-1", "b")).status == 201)
        func patch(_ name: String, _ spec: JSONValue) async -> Int {
            await server.send(
                "PATCH", "\(leases)/\(name)", ["spec": spec], contentType: "application/merge-patch+json",
                token: token
            ).status
        }
        #expect(await patch("announcement-1", ["leaseDurationSeconds": 3]) == 200)
        #expect(await patch("announcement-1", ["holderIdentity": "a"]) == 200)
        #expect(await patch("announcement-1", ["holderIdentity": "b"]) == 403)
        #expect(await server.send("DELETE", "\(leases)/announcement-1", token: token).status == 403)
        #expect(await server.send("GET", leases, token: token).status == 200)
    }

    // MARK: MetalLB's own definitions

    private func definition(_ plural: String, _ kind: String) -> JSONValue {
        [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": ["name": .string("\(plural).metallb.io")],
            "spec": [
                "group": "metallb.io", "scope": "Namespaced",
                "names": [
                    "kind": .string(kind), "listKind": .string(kind + "List"), "plural": .string(plural),
                    "singular": .string(kind.lowercased()),
                ],
                "versions": [
                    [
                        "name": "v1beta1", "served": true, "storage": true,
                        "schema": [
                            "openAPIV3Schema": ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
                        ],
                    ]
                ],
            ],
        ]
    }

    @Test func `MetalLB's definitions are established and change nothing of how its kinds are served`() async throws {
        let server = try #require(await server())
        let pool = await create(server, "ipaddresspools", "a", ["spec": ["addresses": ["192.0.2.0/28"]]])
        #expect(pool.status == 201)
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        for name in ProvidedDefinitions.names {
            let plural = String(name.prefix { $0 != "." })
            let found = try #require(server.core.resources.builtIn(group: "metallb.io").first { $0.plural == plural })
            let made = await server.send("POST", definitions, definition(plural, found.kind))
            #expect(made.status == 201, "\(made.message)")
            #expect(made.header("Warning")?.contains("\(name): \(ProvidedDefinitions.message)") == true)
            let isEstablished = await Polling.until {
                DefinitionStatus.isTrue(
                    "Established", await server.send("GET", "\(definitions)/\(name)").json["status"])
            }
            #expect(isEstablished, "\(name)")
            let status = await server.send("GET", "\(definitions)/\(name)").json["status"]
            #expect(
                (status["conditions"].array ?? []).first { $0["type"] == "Established" }?["message"].string
                    == ProvidedDefinitions.message)
        }
        #expect(await server.send("GET", Self.base + "/ipaddresspools/a").json == pool.json)
        let bad = await create(server, "ipaddresspools", "b", ["spec": ["addresses": ["x"]]])
        #expect(bad.status == 422)
        #expect(await server.send("DELETE", "\(definitions)/ipaddresspools.metallb.io").status == 200)
        let isGone = await Polling.until {
            await server.send("GET", "\(definitions)/ipaddresspools.metallb.io").status == 404
        }
        #expect(isGone)
        #expect(await server.send("GET", Self.base + "/ipaddresspools/a").json == pool.json)
    }

    @Test func `a definition that takes such a name for another kind is not accepted`() async throws {
        let server = try #require(await server())
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        #expect(await server.send("POST", definitions, definition("ipaddresspools", "Odd")).status == 201)
        let isJudged = await Polling.until {
            let status = await server.send("GET", definitions + "/ipaddresspools.metallb.io").json["status"]
            return (status["conditions"].array ?? []).contains { $0["type"] == "NamesAccepted" }
        }
        #expect(isJudged)
        let status = await server.send("GET", definitions + "/ipaddresspools.metallb.io").json["status"]
        #expect(!DefinitionStatus.isTrue("Established", status))
    }
}
