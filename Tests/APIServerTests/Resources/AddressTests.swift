import Foundation
import KubeModel
import Logging
import NetworkTypes
import Store
import Testing

@testable import APIResources
@testable import APIServer

/// ServiceCIDRs, IPAddresses and the Service `kubernetes`, through the whole server.
@Suite("IPAddresses and ServiceCIDRs") struct AddressTests {
    private static let cidrs = "/apis/networking.k8s.io/v1/servicecidrs"
    private static let addresses = "/apis/networking.k8s.io/v1/ipaddresses"

    private func cidr(_ name: String, _ ranges: String...) -> JSONValue {
        [
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": .string(name)],
            "spec": ["cidrs": .array(ranges.map { .string($0) })],
        ]
    }

    private func address(_ name: String, parent: JSONValue? = nil) -> JSONValue {
        [
            "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": ["name": .string(name)],
            "spec": [
                "parentRef": parent ?? [
                    "group": "example.com", "resource": "gateways", "name": "gate", "namespace": "a",
                ]
            ],
        ]
    }

    private func service(_ name: String, at address: String) -> JSONValue {
        var service = Samples.service(name)
        service["spec"]["clusterIP"] = .string(address)
        return service
    }

    // MARK: IPAddress

    @Test func `a Service's addresses are IPAddresses, which come and go with it`() async throws {
        let server = try await TestServer(
            ranges: AllocationRanges(serviceCIDRs: [
                try #require(CIDR("10.0.0.0/24")), try #require(CIDR("fd00::/120")),
            ]))
        var wanted = Samples.service("web")
        wanted["spec"]["ipFamilyPolicy"] = "PreferDualStack"
        let made = await server.send("POST", Samples.services, wanted)
        let ips = (made.json["spec"]["clusterIPs"].array ?? []).compactMap(\.string)
        #expect(ips.count == 2)
        #expect(Set(await server.send("GET", Self.addresses).names) == Set(ips))
        let v4 = try #require(ips.first)
        let object = await server.send("GET", "\(Self.addresses)/\(v4)").json
        #expect(object["spec"] == ["parentRef": ["resource": "services", "namespace": "default", "name": "web"]])
        #expect(
            object["metadata"]["labels"] == [
                "ipaddress.kubernetes.io/ip-family": "IPv4",
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
            ])
        #expect(object["metadata"]["uid"].string?.utf8.count == 36)
        let table = await server.send(
            "GET", "\(Self.addresses)/\(v4)", accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
        #expect(table.json["rows"][0]["cells"] == [.string(v4), "services/default/web"])

        var single = made.json
        single["spec"]["ipFamilyPolicy"] = "SingleStack"
        #expect(await server.send("PUT", "\(Samples.services)/web", single).status == 200)
        #expect(await server.send("GET", Self.addresses).names == [v4])
        #expect(await server.send("DELETE", "\(Samples.services)/web").status == 200)
        #expect(await server.send("GET", Self.addresses).names == [])
    }

    @Test func `watchers see an IPAddress come and go`() async throws {
        let server = try await TestServer()
        let (watch, refusal) = server.watch("\(Self.addresses)?watch=true&resourceVersion=0")
        #expect(refusal == nil)
        _ = await server.send("POST", Samples.services, service("web", at: "10.96.0.9"))
        _ = await server.send("DELETE", "\(Samples.services)/web")
        _ = await watch.events(2)
        #expect(watch.summary == ["ADDED 10.96.0.9", "DELETED 10.96.0.9"])
    }

    @Test func `an address with another parent is kept from Services until it is deleted`() async throws {
        let server = try await TestServer()
        #expect(await server.send("POST", Self.addresses, address("10.96.0.77")).status == 201)
        let refused = await server.send("POST", Samples.services, service("web", at: "10.96.0.77"))
        #expect(refused.status == 422)
        #expect(refused.message.contains("failed to allocate IP 10.96.0.77: provided IP is already allocated"))
        #expect(await server.send("POST", Self.addresses, address("10.96.0.77")).status == 409)
        #expect(await server.send("DELETE", "\(Self.addresses)/10.96.0.77").status == 200)
        #expect(await server.send("POST", Samples.services, service("web", at: "10.96.0.77")).status == 201)
        #expect(await server.send("POST", Self.addresses, address("10.96.0.77")).status == 409)
    }

    @Test func `a dry run of either claims nothing`() async throws {
        let server = try await TestServer()
        #expect(await server.send("POST", "\(Self.addresses)?dryRun=All", address("10.96.0.77")).status == 201)
        #expect(
            await server.send("POST", "\(Samples.services)?dryRun=All", service("web", at: "10.96.0.77")).status == 201)
        #expect(await server.send("GET", Self.addresses).names == [])
        #expect(await server.send("POST", Self.addresses, address("10.96.0.77")).status == 201)
    }

    @Test func `the IPAddress of a Service that has the address comes back`() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Samples.services, service("web", at: "10.96.0.9"))
        let before = await server.send("GET", "\(Self.addresses)/10.96.0.9").json
        #expect(await server.send("DELETE", "\(Self.addresses)/10.96.0.9").status == 200)
        let after = await server.send("GET", "\(Self.addresses)/10.96.0.9")
        #expect(after.status == 200)
        #expect(after.json["spec"] == before["spec"])
        #expect(after.json["metadata"]["uid"] != before["metadata"]["uid"])
        let refused = await server.send("POST", Samples.services, service("other", at: "10.96.0.9"))
        #expect(refused.status == 422)
    }

    @Test(arguments: [
        ("10.96.0.300", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("010.96.0.3", "must not have leading 0s"), ("FD00::1", #"must be in canonical form ("fd00::1")"#),
        ("::ffff:10.96.0.1", "must not be an IPv4-mapped IPv6 address"),
    ])
    func `an IPAddress is named by its canonical address`(name: String, message: String) async throws {
        let server = try await TestServer()
        let answer = await server.send("POST", Self.addresses, address(name))
        #expect(answer.status == 422)
        #expect(
            answer.message == "IPAddress.networking.k8s.io \"\(name)\" is invalid: metadata.name: Invalid value: "
                + "\"\(name)\": \(message)")
    }

    @Test(
        arguments: [
            (nil, "spec.parentRef: Required value"),
            (["name": "x"], "spec.parentRef.resource: Required value"),
            (["resource": "x"], "spec.parentRef.name: Required value"),
            (["resource": "a/b", "name": "x"], #"spec.parentRef.resource: Invalid value: "a/b": may not contain '/'"#),
            (["resource": "x", "name": "..."], nil),
            (
                ["resource": "x", "name": "x", "namespace": "%"],
                #"spec.parentRef.namespace: Invalid value: "%": may not contain '%'"#
            ),
        ] as [(JSONValue?, String?)])
    func `an IPAddress needs a parent`(parent: JSONValue?, message: String?) async throws {
        let server = try await TestServer()
        var object = address("10.96.0.3")
        object["spec"]["parentRef"] = parent
        let answer = await server.send("POST", Self.addresses, object)
        #expect(answer.status == (message == nil ? 201 : 422))
        if let message { #expect(answer.message.hasSuffix("is invalid: \(message)"), "\(answer.message)") }
    }

    @Test func `the parent of an IPAddress can't be changed, its labels can`() async throws {
        let server = try await TestServer()
        var object = await server.send("POST", Self.addresses, address("10.96.0.3")).json
        object["metadata"]["labels"] = ["a": "b"]
        #expect(await server.send("PUT", "\(Self.addresses)/10.96.0.3", object).status == 200)
        object["metadata"]["resourceVersion"] = nil
        object["spec"]["parentRef"]["name"] = "other"
        let answer = await server.send("PUT", "\(Self.addresses)/10.96.0.3", object)
        #expect(answer.status == 422)
        #expect(answer.message.contains("spec.parentRef: Invalid value"))
        #expect(answer.message.hasSuffix("field is immutable"))
    }

    // MARK: ServiceCIDR

    @Test func `the configured ranges are the ServiceCIDR kubernetes`() async throws {
        let server = try await TestServer()
        let object = await server.send("GET", "\(Self.cidrs)/kubernetes").json
        #expect(object["spec"] == ["cidrs": ["10.96.0.0/16"]])
        #expect(object["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"])
        let condition = object["status"]["conditions"][0]
        #expect(condition?["type"] == "Ready")
        #expect(condition?["status"] == "True")
        #expect(condition?["message"] == "Kubernetes default Service CIDR is ready")
        let table = await server.send("GET", Self.cidrs, accept: "application/json;as=Table;v=v1;g=meta.k8s.io").json
        #expect((table["columnDefinitions"].array ?? []).map { $0["name"] } == ["Name", "CIDRs", "Age"])
        #expect(table["rows"][0]?["cells"][1] == "10.96.0.0/16")
    }

    @Test func `addresses come from a second range once it is there and not before`() async throws {
        let server = try await TestServer(serviceCIDR: "10.0.0.0/29")
        let early = await server.send("POST", Samples.services, service("early", at: "192.0.2.9"))
        #expect(
            early.message.hasSuffix(
                "failed to allocate IP 192.0.2.9: the provided network does not match the current range"))
        for number in 0..<6 {
            #expect(await server.send("POST", Samples.services, Samples.service("s\(number)")).status == 201)
        }
        #expect(await server.send("POST", Samples.services, Samples.service("more")).status == 500)
        #expect(await server.send("POST", Self.cidrs, cidr("extra", "192.0.2.0/28")).status == 201)
        let more = await server.send("POST", Samples.services, Samples.service("more")).json["spec"]["clusterIP"].string
        #expect(more?.hasPrefix("192.0.2.") == true)
        #expect(
            await server.send("POST", Samples.services, service("early", at: "192.0.2.9")).status
                == (more == "192.0.2.9" ? 422 : 201))
    }

    @Test func `a range with addresses in use goes when they are released`() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Self.cidrs, cidr("extra", "192.0.2.0/28"))
        #expect(await server.send("POST", Samples.services, service("web", at: "192.0.2.5")).status == 201)
        #expect(await server.send("DELETE", "\(Self.cidrs)/extra").status == 200)
        let isExplained = await Polling.until {
            let object = await server.send("GET", "\(Self.cidrs)/extra").json
            let condition = object["status"]["conditions"][0]
            return condition?["reason"] == "Terminating" && condition?["status"] == "False"
                && condition?["message"].string?.hasPrefix("There are still IPAddresses referencing") == true
        }
        #expect(isExplained)
        let refused = await server.send("POST", Samples.services, service("other", at: "192.0.2.6"))
        #expect(refused.status == 422, "a range that goes away gives out nothing")
        _ = await server.send("DELETE", "\(Samples.services)/web")
        #expect(await Polling.until { await server.send("GET", "\(Self.cidrs)/extra").status == 404 })
    }

    @Test func `a range goes at once when another one has its addresses`() async throws {
        let server = try await TestServer()
        _ = await server.send("POST", Self.cidrs, cidr("small", "192.0.2.0/28"))
        #expect(await server.send("POST", Samples.services, service("web", at: "192.0.2.5")).status == 201)
        _ = await server.send("DELETE", "\(Self.cidrs)/small")
        _ = await server.send("POST", Self.cidrs, cidr("large", "192.0.2.0/24"))
        #expect(await Polling.until { await server.send("GET", "\(Self.cidrs)/small").status == 404 })
        let refused = await server.send("POST", Samples.services, service("other", at: "192.0.2.5"))
        #expect(refused.message.hasSuffix("provided IP is already allocated"))
        _ = await server.send("DELETE", "\(Samples.services)/web")
        #expect(await server.send("POST", Samples.services, service("other", at: "192.0.2.5")).status == 201)
    }

    @Test func `the default ServiceCIDR comes back when it is deleted`() async throws {
        let server = try await TestServer()
        let before = await server.send("GET", "\(Self.cidrs)/kubernetes").json["metadata"]["uid"]
        _ = await server.send("DELETE", "\(Self.cidrs)/kubernetes")
        let isBack = await Polling.until {
            let now = await server.send("GET", "\(Self.cidrs)/kubernetes")
            return now.status == 200 && now.json["metadata"]["uid"] != before
        }
        #expect(isBack)
        #expect(await server.send("POST", Samples.services, Samples.service("web")).status == 201)
    }

    @Test(
        arguments: [
            ([], "spec.cidrs: Required value: at least one CIDR required"),
            (
                ["10.0.0.0/8", "fd00::/64", "fd01::/64"],
                #"spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/8","fd00::/64","fd01::/64"]}: may only hold up to 2 values"#
            ),
            (
                ["10.0.0.0"],
                #"spec.cidrs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#
            ),
            (
                ["10.0.0.1/8"],
                #"spec.cidrs[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length"#
            ),
            (
                ["010.0.0.0/8"],
                #"spec.cidrs[0]: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length"#
            ),
            (["FD00::/64"], #"spec.cidrs[0]: Invalid value: "FD00::/64": must be in canonical form ("fd00::/64")"#),
            (
                ["10.0.0.0/8", "11.0.0.0/8"],
                #"spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: may specify no more than one IP for each IP "#
                    + "family, i.e 192.168.0.0/24 and 2001:db8::/64"
            ),
        ] as [([String], String)])
    func `ranges that Kubernetes refuses are refused`(ranges: [String], message: String) async throws {
        let server = try await TestServer()
        var object = cidr("extra")
        object["spec"]["cidrs"] = .array(ranges.map { .string($0) })
        let answer = await server.send("POST", Self.cidrs, object)
        #expect(answer.status == 422)
        #expect(answer.message == "ServiceCIDR.networking.k8s.io \"extra\" is invalid: \(message)")
    }

    @Test func `a range can't be changed, but the other family can be added`() async throws {
        let server = try await TestServer()
        var object = await server.send("POST", Self.cidrs, cidr("extra", "192.0.2.0/28")).json
        let path = "\(Self.cidrs)/extra"
        object["spec"]["cidrs"] = ["192.0.2.0/27"]
        let changed = await server.send("PUT", path, object)
        #expect(changed.message.hasSuffix(#"spec.cidrs[0]: Invalid value: "192.0.2.0/27": field is immutable"#))
        object["spec"]["cidrs"] = ["192.0.2.0/28", "fd00:9::/64"]
        object["metadata"]["finalizers"] = nil
        let grown = await server.send("PUT", path, object)
        #expect(grown.status == 200)
        #expect(grown.json["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"])
        object = grown.json
        object["spec"]["cidrs"] = ["192.0.2.0/28"]
        #expect(await server.send("PUT", path, object).message.contains("field is immutable"))
    }

    // MARK: Restart

    @Test func `ranges and addresses are the same after a restart, and what is missing is made`() async throws {
        let directory = NSTemporaryDirectory() + "martlet-addresses-\(UUID().uuidString)"
        let first = try await TestServer(directory: directory)
        // Its directory goes with it.
        defer { withExtendedLifetime(first) {} }
        _ = await first.send("POST", Self.cidrs, cidr("extra", "192.0.2.0/28"))
        _ = await first.send("POST", Samples.services, service("web", at: "192.0.2.5"))
        _ = await first.send("POST", Self.addresses, address("10.96.0.77"))
        let lost = Write.delete(key: IPAddressDocument.keyPrefix + "192.0.2.5", ifRevision: nil)
        _ = try await first.store.write(lost)
        let leaked = IPAddressDocument.creation(
            of: try #require(IPAddress("10.96.0.99")), service: "gone", namespace: "default",
            now: Timestamp(secondsSinceEpoch: 0))
        _ = try await first.store.write(leaked)
        first.stop()

        let second = try await TestServer(directory: directory)
        let isRepaired = await Polling.until {
            Set(await second.send("GET", Self.addresses).names) == ["192.0.2.5", "10.96.0.77"]
        }
        #expect(isRepaired)
        for taken in ["192.0.2.5", "10.96.0.77"] {
            let answer = await second.send("POST", Samples.services, service("other", at: taken))
            #expect(answer.message.hasSuffix("provided IP is already allocated"))
        }
        #expect(await second.send("POST", Samples.services, service("other", at: "10.96.0.99")).status == 201)
        #expect(await second.send("POST", Samples.services, service("third", at: "192.0.2.6")).status == 201)
    }

    // MARK: kubernetes

    @Test func `the Service kubernetes leads to the API server and is kept so`() async throws {
        let server = try await TestServer()
        let endpoint = SocketAddress(ip: .loopbackV4, port: 6443)
        await server.core.kubernetesService?.start(endpoint: endpoint, Logger(label: "test"))
        let path = "\(Samples.services)/kubernetes"
        let service = await server.send("GET", path).json
        #expect(service["spec"]["clusterIP"] == "10.96.0.1")
        #expect(service["spec"]["ports"] == [["name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443]])
        #expect(service["metadata"]["labels"] == ["component": "apiserver", "provider": "kubernetes"])
        #expect(service["spec"]["selector"] == nil)
        #expect(
            await server.send("GET", "\(Self.addresses)/10.96.0.1").json["spec"]["parentRef"]["name"] == "kubernetes")
        let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
        let slice = await server.send("GET", slices).json
        #expect(slice["endpoints"] == [["addresses": ["127.0.0.1"], "conditions": ["ready": true]]])
        #expect(slice["ports"][0]?["port"] == 6443)
        #expect(slice["metadata"]["labels"]["kubernetes.io/service-name"] == "kubernetes")
        let endpoints = "/api/v1/namespaces/default/endpoints/kubernetes"
        #expect(await server.send("GET", endpoints).json["subsets"][0]?["addresses"][0]?["ip"] == "127.0.0.1")

        for gone in [path, slices, endpoints] {
            #expect(await server.send("DELETE", gone).status == 200)
            #expect(await Polling.until { await server.send("GET", gone).status == 200 })
        }
        #expect(await server.send("GET", path).json["spec"]["clusterIP"] == "10.96.0.1")
        var bent = await server.send("GET", slices).json
        bent["endpoints"] = []
        bent["metadata"]["resourceVersion"] = nil
        #expect(await server.send("PUT", slices, bent).status == 200)
        #expect(
            await Polling.until { await server.send("GET", slices).json["endpoints"].array?.count == 1 })
    }
}
