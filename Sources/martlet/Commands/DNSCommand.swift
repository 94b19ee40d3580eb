import ArgumentParser
import DNS
import DataPlane
import KubeClient
import KubeModel

struct DNSCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dns", abstract: "Look into the DNS of the cluster.", subcommands: [Dump.self])

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every name that data planes answer, as a zone file.",
            discussion: """
                Made of the Services, EndpointSlices and namespaces as they are now and of the Corefile, by the code that \
                answers are made of. Comments say what is forwarded, what hosts are listed, and what of the Corefile is \
                not done.
                """)

        @Argument(help: ArgumentHelp("Only names within this one, such as shop.svc.cluster.local.", valueName: "name"))
        var name = "."

        @Option(help: ArgumentHelp("The domain that the names of Services are in.", valueName: "name"))
        var clusterDomain = "cluster.local"

        @OptionGroup(title: "API server")
        var client: ClientOptions

        func validate() throws {
            for (label, text) in [("the name", name), ("--cluster-domain", clusterDomain)] {
                do { _ = try DomainName(text) } catch { throw ValidationError("\(label): \(error)") }
            }
        }

        func run() async throws {
            let client = try APIClient(try client.configuration(userAgent: "dns"))
            var objects = NamesDump.Objects()
            objects.services = try await client.list(Service.self).items
            objects.slices = try await client.list(EndpointSlice.self).items
            objects.namespaces = try await client.list(Namespace.self).items.compactMap(\.metadata.name)
            objects.nodes = try await client.list(Node.self).items
            objects.corefile = try await Self.map("coredns", client)
            objects.additions = try await Self.map("coredns-custom", client)
            let configuration = NamesConfiguration(addresses: [], domain: try DomainName(clusterDomain))
            for line in NamesDump.lines(objects, configuration, within: try DomainName(name)) { Terminal.line(line) }
        }

        private static func map(_ name: String, _ client: APIClient) async throws -> ConfigMap? {
            do {
                return try await client.get(ConfigMap.self, name, namespace: "kube-system")
            } catch let status as Status where status.isNotFound {
                return nil
            }
        }
    }
}
