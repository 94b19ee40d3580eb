import ArgumentParser
import DataPlane
import KubeClient
import KubeModel

struct AnnounceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "announce", abstract: "Look into how load-balancer addresses are announced to the network.",
        subcommands: [Dump.self])

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell which node announces which load-balancer address, and why one is not announced.",
            discussion: """
                Made of the Services, EndpointSlices, Nodes, pools and advertisements as they are now, by the code that data \
                planes follow, and of the Leases by which they agree.
                """)

        @Argument(help: ArgumentHelp("Only this Service; its namespace, or default.", valueName: "namespace/name"))
        var service: String?

        @OptionGroup(title: "API server")
        var client: ClientOptions

        func run() async throws {
            let name = try service.map { text in
                let parts = text.split(separator: "/", omittingEmptySubsequences: false)
                guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
                    throw ValidationError("SERVICE: \"\(text)\" is not of the form namespace/name")
                }
                return NamespacedName(
                    namespace: parts.count == 2 ? String(parts[0]) : "default", name: String(parts[parts.count - 1]))
            }
            let client = try APIClient(try client.configuration(userAgent: "announce"))
            var objects = AnnouncementDump.Objects()
            objects.services = try await client.list(Service.self).items
            objects.slices = try await client.list(EndpointSlice.self).items
            objects.nodes = try await client.list(Node.self).items
            objects.addressPools = try await client.list(AddressPool.self).items
            objects.pools = try await client.list(IPAddressPool.self).items
            objects.l2Advertisements = try await client.list(L2Advertisement.self).items
            objects.bgpAdvertisements = try await client.list(BGPAdvertisement.self).items
            objects.bgpPeers = try await client.list(BGPPeer.self).items
            objects.communities = try await client.list(Community.self).items
            objects.bfdProfiles = try await client.list(BFDProfile.self).items
            objects.leases = try await client.list(Lease.self, namespace: AnnouncementDump.leaseNamespace).items
            for line in AnnouncementDump.lines(objects, of: name) { Terminal.line(line) }
        }
    }
}
