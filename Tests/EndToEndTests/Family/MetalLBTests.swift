import Foundation
import Testing

extension EndToEnd {
    /// What somebody who comes from MetalLB applies, with the real kubectl and the real processes.
    @Suite("Moving from MetalLB", .serialized) struct MetalLBTests {
        static let configuration = """
            apiVersion: v1
            kind: Namespace
            metadata: {name: metallb-system}
            ---
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: first-pool, namespace: metallb-system, labels: {site: here}}
            spec:
              addresses: [127.97.6.0/29, "fd00:6::/120"]
              avoidBuggyIPs: true
            ---
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: reserved, namespace: metallb-system}
            spec:
              addresses: [127.97.6.64-127.97.6.65]
              autoAssign: false
            ---
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: for-gold, namespace: metallb-system}
            spec:
              addresses: [127.97.6.128/32]
              serviceAllocation:
                priority: 10
                namespaces: [default]
                serviceSelectors: [{matchLabels: {tier: gold}}]
            ---
            apiVersion: metallb.io/v1beta1
            kind: L2Advertisement
            metadata: {name: example, namespace: metallb-system}
            spec: {ipAddressPools: [first-pool], interfaces: [eth0]}
            ---
            apiVersion: metallb.io/v1beta1
            kind: BFDProfile
            metadata: {name: fast, namespace: metallb-system}
            spec: {receiveInterval: 380, transmitInterval: 270}
            ---
            apiVersion: metallb.io/v1beta1
            kind: Community
            metadata: {name: communities, namespace: metallb-system}
            spec: {communities: [{name: vpn-only, value: "1234:1"}]}
            ---
            apiVersion: metallb.io/v1beta2
            kind: BGPPeer
            metadata: {name: sample, namespace: metallb-system}
            spec: {myASN: 64500, peerASN: 64501, peerAddress: 10.0.0.1, bfdProfile: fast, holdTime: 90s}
            ---
            apiVersion: metallb.io/v1beta1
            kind: BGPAdvertisement
            metadata: {name: local, namespace: metallb-system}
            spec:
              ipAddressPoolSelectors: [{matchLabels: {site: here}}]
              aggregationLength: 32
              localPref: 100
              communities: [vpn-only, "64512:7"]
              peers: [sample]

            """

        private static func service(_ name: String, _ more: String, port: Int = 80) -> String {
            """
            ---
            apiVersion: v1
            kind: Service
            metadata:
              name: \(name)
              \(more)
            spec:
              type: LoadBalancer
              ports: [{port: \(port)}]

            """
        }

        private static let services =
            service("plain", "labels: {tier: none}")
            + service("gold", "labels: {tier: gold}")
            + service("asking", "annotations: {metallb.io/address-pool: reserved}")
            + service("exact", "annotations: {metallb.io/loadBalancerIPs: 127.97.6.5}")
            + service("dns-tcp", #"annotations: {metallb.universe.tf/allow-shared-ip: "k"}"#, port: 53)
            + service("dns-other", #"annotations: {metallb.io/allow-shared-ip: "k"}"#, port: 54)
            + service("impossible", "annotations: {metallb.io/loadBalancerIPs: 203.0.113.1}")

        @Test func `the same YAML gives addresses, statuses and Events`() async throws {
            let family = try await Family.start()
            do { try await gives(family) } catch {
                await family.stop()
                throw error
            }
            await family.stop()
        }

        private func gives(_ family: Family) async throws {
            let server = family.server
            try await family.apply(Self.configuration)
            try await family.apply(Self.services)
            @Sendable func address(_ name: String) async throws -> String {
                try await server.kubectl("get", "svc", name, "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}")
            }
            let expected = [
                "plain": "127.97.6.1", "gold": "127.97.6.128", "asking": "127.97.6.64", "exact": "127.97.6.5",
            ]
            for (name, wanted) in expected {
                try await eventually(within: .seconds(20), "the address of \(name)") {
                    let found = try await address(name)
                    // The lowest is whoever's came first.
                    return name == "plain" ? found.hasPrefix("127.97.6.") : found == wanted
                }
            }
            try await eventually(within: .seconds(20), "a shared address") {
                let tcp = try await address("dns-tcp")
                let other = try await address("dns-other")
                return !tcp.isEmpty && tcp == other
            }
            let annotation = #"jsonpath={.metadata.annotations.metallb\.io/ip-allocated-from-pool}"#
            #expect(try await server.kubectl("get", "svc", "gold", "-o", annotation) == "for-gold")

            let events = ["get", "events", "-o", #"jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}"#]
            try await eventually(within: .seconds(20), "the Events") {
                let told = try await server.tryKubectl(events).out
                return told.contains(#"IPAllocated: Assigned IP ["127.97.6.128"]"#)
                    && told.contains(
                        #"AllocationFailed: Failed to allocate IP for "default/impossible": ["203.0.113.1"] is not allowed"#
                    )
            }
            // plain, exact and the one that two share.
            try await eventually(within: .seconds(20), "the pool's status") {
                try await server.kubectl(
                    "get", "ipaddresspool", "first-pool", "-n", "metallb-system", "-o",
                    "jsonpath={.status.assignedIPv4} {.status.availableIPv4} {.status.availableIPv6}"
                ) == "3 4 255"
            }
            let pools = try await server.kubectl("get", "ipaddresspools", "-n", "metallb-system")
            #expect(pools.contains("AUTO ASSIGN") && pools.contains("AVOID BUGGY IPS"))
            #expect(pools.contains(#"["127.97.6.0/29","fd00:6::/120"]"#))

            try await shrinks(family, keeping: try await address("plain"))
        }

        /// A pool in use may shrink and go: whoever does it is warned, and nothing is taken away.
        private func shrinks(_ family: Family, keeping plain: String) async throws {
            let server = family.server
            let patched = try await server.tryKubectl([
                "patch", "ipaddresspool", "first-pool", "-n", "metallb-system", "--type", "merge", "-p",
                #"{"spec":{"addresses":["127.97.7.0/29"]}}"#,
            ])
            #expect(
                patched.succeeded && patched.err.contains("Services keep the addresses that they have"), "\(patched)")
            try await eventually(within: .seconds(20), "the condition") {
                try await server.kubectl(
                    "get", "ipaddresspool", "first-pool", "-n", "metallb-system", "-o",
                    "jsonpath={.status.conditions[?(@.type=='FormerAddressesInUse')].status}") == "True"
            }
            try await server.kubectl("delete", "ipaddresspool", "first-pool", "-n", "metallb-system")
            try await family.apply(
                Self.service("newcomer", "labels: {tier: none}"))
            try await eventually(within: .seconds(20), "a refusal") {
                try await server.kubectl("get", "events", "--field-selector", "involvedObject.name=newcomer")
                    .contains("AllocationFailed")
            }
            #expect(
                try await server.kubectl("get", "svc", "plain", "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}")
                    == plain)
        }
    }
}
