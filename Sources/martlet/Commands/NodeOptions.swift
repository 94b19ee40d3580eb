import ArgumentParser
import DataPlane
import Glibc
import NetworkTypes
import System
import Systemd

/// What a machine says of itself as a node. Flags win over the node file, which wins over what cloud-init knows.
struct NodeOptions: ParsableArguments {
    @OptionGroup
    var name: NodeNameOption

    @Option(
        name: .customLong("node-ip"),
        help: ArgumentHelp(
            "The address that others reach this node by; twice for one of each family. Default: the first of each.",
            valueName: "ip"))
    var nodeAddresses: [String] = []

    @Option(help: ArgumentHelp("The zone that this node is in (topology.kubernetes.io/zone).", valueName: "name"))
    var zone: String?

    @Option(help: ArgumentHelp("The region that this node is in (topology.kubernetes.io/region).", valueName: "name"))
    var region: String?

    @Option(help: ArgumentHelp("Further labels of this node.", valueName: "key=value,…"))
    var nodeLabels: String?

    @Option(
        help: ArgumentHelp(
            "A file with addresses, zone, region and labels of this node (YAML). Default: \(Self.standardFile), if it is "
                + "there. Zone and region are else those that cloud-init found.", valueName: "file"))
    var nodeFile: String?

    @Option(help: "Seconds after which this node counts as silent; its Lease is renewed four times as often.")
    var nodeLeaseDurationSeconds = 40

    @Option(
        help: ArgumentHelp(
            "Whose systemd units Pods of this node may stand for: the machine's (system), or those of the user who runs this "
                + "(user).", valueName: "system|user"))
    var unitBus = UnitBusKind.system

    var nodeName: String { name.nodeName }

    private static let standardFile = "/etc/martlet/node.yaml"
    private static let instanceData = "/run/cloud-init/instance-data.json"

    func validate() throws {
        if let problem = NodeName.problem(nodeName) {
            throw ValidationError("--node-name: \"\(nodeName)\" is no name for a node: \(problem)")
        }
        guard (4...3600).contains(nodeLeaseDurationSeconds) else {
            throw ValidationError("--node-lease-duration-seconds: 4 to 3600 seconds")
        }
        do {
            try flags().check()
        } catch {
            throw ValidationError("--node-ip, --zone, --region or --node-labels: \(error)")
        }
    }

    /// What flags and files say together.
    func description() throws -> NodeDescription {
        var description = try flags()
        if let bytes = try FileBytes.readIfPresent(nodeFile ?? Self.standardFile) {
            do {
                description = description.filled(from: try NodeDescription(nodeFile: bytes))
            } catch {
                throw CleanExitError("\(nodeFile ?? Self.standardFile): \(error)")
            }
        } else if let nodeFile {
            throw CleanExitError("--node-file: there is no file \(nodeFile)")
        }
        // Unreadable is as good as missing: it is not ours, and says nothing that flags cannot.
        if let bytes = try? FileBytes.readIfPresent(Self.instanceData) {
            description = description.filled(from: NodeDescription(instanceData: bytes))
        }
        try description.check()
        return description
    }

    private func flags() throws -> NodeDescription {
        let addresses = try nodeAddresses.flatMap { $0.split(separator: ",") }.map { text in
            guard let address = IPAddress(text) else {
                throw ValidationError("--node-ip: \"\(text)\" is not an IP address")
            }
            return address
        }
        var labels: [String: String] = [:]
        for part in (nodeLabels ?? "").split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else {
                throw ValidationError("--node-labels: \"\(part)\" is not of the form key=value")
            }
            labels[String(pair[0])] = String(pair[1])
        }
        return NodeDescription(addresses: addresses, zone: zone, region: region, labels: labels)
    }

    /// For the command line of a data plane.
    var arguments: [String] {
        var arguments = ["--node-name", nodeName, "--node-lease-duration-seconds", "\(nodeLeaseDurationSeconds)"]
        arguments += ["--unit-bus", unitBus.rawValue]
        for address in nodeAddresses { arguments += ["--node-ip", address] }
        for (flag, value) in [
            ("--zone", zone), ("--region", region), ("--node-labels", nodeLabels), ("--node-file", nodeFile),
        ] {
            if let value { arguments += [flag, value] }
        }
        return arguments
    }
}

extension UnitBusKind: ExpressibleByArgument {}
