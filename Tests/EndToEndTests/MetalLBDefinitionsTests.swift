import Foundation
import Testing

extension EndToEnd {
    /// The installation manifest of MetalLB beside kinds that the server has itself.
    @Suite("MetalLB's own definitions", .serialized, .martlet("apiserver")) struct MetalLBDefinitionsTests {
        private static let definition = """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: ipaddresspools.metallb.io}
            spec:
              group: metallb.io
              names: {kind: IPAddressPool, listKind: IPAddressPoolList, plural: ipaddresspools, singular: ipaddresspool}
              scope: Namespaced
              versions:
              - name: v1beta1
                served: true
                storage: true
                subresources: {status: {}}
                schema:
                  openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {addresses: {type: string}}}}}

            """

        /// What else an installation brings: definitions with several versions and a webhook for conversion, a kind that MetalLB
        /// itself gave up, and settings of its speakers.
        private static let others = """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: bgppeers.metallb.io, creationTimestamp: null}
            spec:
              group: metallb.io
              names: {kind: BGPPeer, listKind: BGPPeerList, plural: bgppeers, singular: bgppeer}
              scope: Namespaced
              conversion:
                strategy: Webhook
                webhook:
                  conversionReviewVersions: [v1beta1, v1beta2]
                  clientConfig:
                    caBundle: Cg==
                    service: {name: webhooks, namespace: metallb-system, path: /convert}
              versions:
              - {name: v1beta1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}
              - {name: v1beta2, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
            status: {acceptedNames: {kind: "", plural: ""}, conditions: [], storedVersions: []}
            ---
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: addresspools.metallb.io}
            spec:
              group: metallb.io
              names: {kind: AddressPool, listKind: AddressPoolList, plural: addresspools, singular: addresspool}
              scope: Namespaced
              versions:
              - name: v1beta1
                served: true
                storage: true
                schema:
                  openAPIV3Schema:
                    type: object
                    properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: metallb-excludel2, namespace: metallb-system}
            data: {excludel2.yaml: 'announcedInterfacesToExclude: ["^storage"]'}

            """

        @Test func `what an installation brings besides is kept, and it is said what is not heeded`() async throws {
            let server = try suiteServer()
            try await server.kubectl("apply", "-f", "-", input: MetalLBTests.configuration)
            let output = try await server.tryKubectl(["apply", "-f", "-"], input: Self.others)
            try #require(output.succeeded, "\(output)")
            #expect(output.err.contains("bgppeers.metallb.io: the server has this resource itself"), "\(output)")
            #expect(output.err.contains("addresspools.metallb.io: nothing acts on these objects"), "\(output)")
            #expect(output.err.contains("metallb-excludel2: not read here"), "\(output)")
            try await server.kubectl("apply", "-f", "-", input: Self.others)
            try await server.kubectl(
                "wait", "--for=condition=Established", "crd/bgppeers.metallb.io", "crd/addresspools.metallb.io",
                "--timeout=30s")
            // Either version is asked for by name, and nobody's webhook.
            for version in ["v1beta1", "v1beta2"] {
                #expect(
                    try await server.kubectl(
                        "get", "bgppeers.\(version).metallb.io", "-n", "metallb-system", "-o", "name")
                        == "bgppeer.metallb.io/sample")
            }
            // The bare name stays that of the kind which gives addresses.
            let bare = try await server.kubectl("get", "addresspools", "-o", "name")
            #expect(bare.isEmpty, "\(bare)")
            try await server.kubectl("delete", "crd", "bgppeers.metallb.io", "addresspools.metallb.io")
            #expect(try await !server.kubectl("get", "bgppeers", "-n", "metallb-system", "-o", "name").isEmpty)
        }

        @Test func `MetalLB's own definitions apply and replace nothing`() async throws {
            let server = try suiteServer()
            try await server.kubectl("apply", "-f", "-", input: MetalLBTests.configuration)
            try await server.kubectl("apply", "-f", "-", input: Self.definition)
            try await server.kubectl(
                "wait", "--for=condition=Established", "crd/ipaddresspools.metallb.io", "--timeout=30s")
            let again = try await server.kubectl("apply", "-f", "-", input: MetalLBTests.configuration)
            #expect(again.split(separator: "\n").allSatisfy { $0.hasSuffix("unchanged") }, "\(again)")
            let overlapping = try await server.kubectlError(
                "create", "-f", "-",
                input: """
                    apiVersion: metallb.io/v1beta1
                    kind: IPAddressPool
                    metadata: {name: thief, namespace: metallb-system}
                    spec: {addresses: [127.97.6.4-127.97.6.9]}
                    """)
            #expect(overlapping.contains("overlaps with IPAddressPool metallb-system/first-pool"), "\(overlapping)")
            try await server.kubectl("delete", "crd", "ipaddresspools.metallb.io")
            #expect(
                try await server.kubectl("get", "ipaddresspools", "-n", "metallb-system", "-o", "name")
                    .split(separator: "\n").count == 3)

            try await server.kubectl(
                "apply", "-f", "-",
                input: """
                    apiVersion: metallb.io/v1beta1
                    kind: ServiceL2Status
                    metadata: {name: l2-x, namespace: metallb-system, labels: {metallb.io/node: node-1}}
                    ---
                    apiVersion: metallb.io/v1beta1
                    kind: ServiceBGPStatus
                    metadata: {name: bgp-x, namespace: metallb-system, labels: {metallb.io/node: node-1}}
                    """)
            let common = #""node":"node-1","serviceName":"web","serviceNamespace":"shop""#
            for (kind, name, rest) in [
                ("ServiceL2Status", "servicel2statuses/l2-x", #""interfaces":[{"name":"eth0"}]"#),
                ("ServiceBGPStatus", "servicebgpstatuses/bgp-x", #""peers":["sample"]"#),
            ] {
                let named = "\"metadata\":{\"name\":\"\(name.split(separator: "/")[1])\"}"
                try await server.kubectl(
                    "replace", "--raw", "/apis/metallb.io/v1beta1/namespaces/metallb-system/\(name)/status", "-f", "-",
                    input:
                        "{\"apiVersion\":\"metallb.io/v1beta1\",\"kind\":\"\(kind)\",\(named),\"status\":{\(common),\(rest)}}"
                )
            }
            let shown = try await server.kubectl("get", "servicel2status,servicebgpstatus", "-n", "metallb-system")
            let rows = shown.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
            #expect(rows.contains { $0.hasSuffix("ALLOCATED NODE SERVICE NAME SERVICE NAMESPACE INTERFACES") })
            #expect(rows.contains { $0.hasSuffix("l2-x node-1 web shop eth0") })
            #expect(rows.contains { $0.hasSuffix("NODE SERVICE NAME SERVICE NAMESPACE PEERS") })
            #expect(rows.contains { $0.hasSuffix("bgp-x node-1 web shop sample") })
        }
    }
}
