import ArgumentParser
import DataPlane
import KubeClient
import KubeModel
import NetworkTypes
import TrafficModel

/// `martlet dataplane dump [SERVICE]`
struct DumpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Tell what the kernel does with traffic to Services, and what the API wants instead.",
        discussion: """
            Reads the table of the mode nftables, or that and the virtual servers of the mode ipvs, which needs root or \
            CAP_NET_ADMIN, and compares it with the Services and EndpointSlices of the API. Ends with 1 where they \
            differ: what was just changed may still be on its way.
            """)

    @Argument(help: ArgumentHelp("Only this Service; its namespace, or default.", valueName: "namespace/name"))
    var service: String?

    @OptionGroup
    var node: NodeNameOption

    @OptionGroup
    var nodePorts: NodePortAddressesOption

    @OptionGroup
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
        let api = try APIClient(try client.configuration(userAgent: "dump"))
        var table = ServiceTable()
        for slice in try await api.list(EndpointSlice.self).items { table.setSlice(slice) }
        for service in try await api.list(Service.self).items { table.setService(service) }
        // A node that is not registered is in no zone.
        let zone = try? await api.get(Node.self, node.nodeName).zone
        let identity = NodeIdentity(
            name: node.nodeName, zone: zone, nodePortAddresses: [], ownAddresses: Set(NodeAddresses.current(in: [])))
        let dump: EnforcementDump
        do {
            dump = try EnforcementDump.read(
                Array(table.entries), on: identity,
                nodePorts: nodePorts.nodeportAddresses.map { NodeAddresses.current(in: $0.networks) })
        } catch {
            throw CleanExitError("\(error)")
        }
        for line in dump.text(of: name) { Terminal.line(line) }
        guard dump.isSound(of: name) else { throw ExitCode(1) }
    }
}
