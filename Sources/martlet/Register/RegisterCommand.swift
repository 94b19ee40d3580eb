import ArgumentParser
import KubeClient
import KubeModel
import NetworkTypes

struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Make a systemd unit of a node a backend of Services.",
        discussion: """
            Writes the Pod that stands for the unit (server-side apply, so that it can be repeated), or takes it back with \
            --remove. The data plane of the node follows the unit; the Pod is ready while the unit is active and its probe \
            passes. A Service selects the Pod by its labels.

            martlet register --unit shop.service --port 8080 --label app=shop
            """)

    enum Output: String, ExpressibleByArgument, CaseIterable { case name, yaml, json }

    @Option(help: ArgumentHelp("The unit: a service, socket, scope or target.", valueName: "unit"))
    var unit: String

    @Option(
        help: ArgumentHelp(
            "A port that it serves; may be repeated. The first that takes TCP connections is probed.",
            valueName: "[name=]port[/protocol]"))
    var port: [String] = []

    @Option(
        help: ArgumentHelp(
            "A label of the Pod; may be repeated. Default: app and the unit's name without its suffix.",
            valueName: "key=value"))
    var label: [String] = []

    @Option(help: ArgumentHelp("The name of the Pod. Default: the unit's and the node's.", valueName: "name"))
    var name: String?

    @Option(name: [.short, .long], help: ArgumentHelp("The namespace of the Pod.", valueName: "namespace"))
    var namespace = "default"

    @Option(help: "The node that the unit is on.")
    var node = NodeName.current

    @Option(
        help: ArgumentHelp(
            "The address that it listens on; twice for one of each family. Default: the node's.", valueName: "ip"))
    var address: [String] = []

    @Option(help: ArgumentHelp("Probe by HTTP, on this path, instead of by a TCP connection.", valueName: "path"))
    var probePath: String?

    @Option(help: ArgumentHelp("Seconds between probes.", valueName: "seconds"))
    var probePeriod = 2

    @Flag(help: "Take the Pod back.")
    var remove = false

    @Flag(help: "Only print what would be written (YAML, or JSON with --output json).")
    var dryRun = false

    @Option(name: [.short, .long], help: "What is printed.")
    var output = Output.name

    @OptionGroup(title: "API server")
    var client: ClientOptions

    func validate() throws {
        guard PodUnit.isName(unit) else {
            throw ValidationError(
                "--unit: \"\(unit)\" is not the name of a unit such as shop.service or shop@1.service (a service, socket, "
                    + "scope or target)")
        }
        if let problem = NodeName.problem(node) { throw ValidationError("--node: \"\(node)\": \(problem)") }
        if let problem = Validation.dns1123Subdomain(registration.podName).first {
            throw ValidationError("--name: \"\(registration.podName)\": \(problem)")
        }
        if let problem = Validation.dns1123Label(namespace).first {
            throw ValidationError("--namespace: \"\(namespace)\": \(problem)")
        }
        for text in address where IPAddress(text) == nil {
            throw ValidationError("--address: \"\(text)\" is not an IP address")
        }
        guard Set(addresses.map(\.family)).count == addresses.count else {
            throw ValidationError("--address: one of each family")
        }
        for text in label where text.split(separator: "=", omittingEmptySubsequences: false).count != 2 {
            throw ValidationError("--label: \"\(text)\" is not of the form key=value")
        }
        if let error = Validation.labels(registration.labels, at: FieldPath("--label")).first {
            throw ValidationError("\(error)")
        }
        if remove { return }
        for text in port where UnitRegistration.ServedPort(text) == nil {
            throw ValidationError("--port: \"\(text)\" is not of the form 8080, http=8080 or dns=53/UDP")
        }
        guard !port.isEmpty else { throw ValidationError("--port: at least one is needed") }
        if let probePath, !probePath.hasPrefix("/") {
            throw ValidationError("--probe-path: \"\(probePath)\" does not begin with /")
        }
        guard (1...3600).contains(probePeriod) else { throw ValidationError("--probe-period: 1 to 3600 seconds") }
    }

    func run() async throws {
        if remove { return try await takeBack() }
        var registration = registration
        if dryRun, !registration.addresses.isEmpty { return printDocument(registration.document) }
        let client = try APIClient(try client.configuration(userAgent: "register"))
        if registration.addresses.isEmpty { registration.addresses = try await nodeAddresses(client) }
        if dryRun { return printDocument(registration.document) }
        let written: JSONValue
        do {
            written = try await client.patch(
                Pod.definition, registration.podName, namespace: namespace,
                .apply(registration.document, manager: "martlet-register", force: false))
        } catch let status as Status where status.code == 422 {
            throw CleanExitError(
                "\(status)\nWhat a Pod says of its containers stays as it is: take it back with --remove, then register it again"
            )
        }
        if output == .name { Terminal.line("pod/\(registration.podName) registered") } else { printDocument(written) }
    }

    private var addresses: [IPAddress] { address.compactMap { IPAddress($0) } }

    private var registration: UnitRegistration {
        var labels: [String: String] = [:]
        for text in label {
            let pair = text.split(separator: "=", omittingEmptySubsequences: false)
            labels[String(pair[0])] = String(pair[pair.count - 1])
        }
        return UnitRegistration(
            unit: unit, node: node, name: name, namespace: namespace, labels: labels,
            ports: port.compactMap { UnitRegistration.ServedPort($0) }, addresses: addresses, probePath: probePath,
            probePeriodSeconds: probePeriod)
    }

    /// Where others reach the node: one address of each family.
    private func nodeAddresses(_ client: APIClient) async throws -> [IPAddress] {
        let found: Node
        do {
            found = try await client.get(Node.self, node)
        } catch let status as Status where status.isNotFound {
            throw CleanExitError("there is no node \(node): --node names another one, --address the unit's address")
        }
        var addresses: [IPAddress] = []
        for said in found.status?.addresses ?? [] where said.type == "InternalIP" {
            guard let ip = IPAddress(said.address), !addresses.contains(where: { $0.family == ip.family }) else {
                continue
            }
            addresses.append(ip)
        }
        guard !addresses.isEmpty else {
            throw CleanExitError("node \(node) says no address: --address names the unit's")
        }
        return addresses
    }

    private func takeBack() async throws {
        let name = registration.podName
        let client = try APIClient(try client.configuration(userAgent: "register"))
        do {
            let pod = try await client.get(Pod.self, name, namespace: namespace)
            guard let registered = pod.metadata.annotations?[PodUnit.annotation] else {
                throw CleanExitError("pod \(namespace)/\(name) stands for no unit: it is left alone")
            }
            guard registered == unit else {
                throw CleanExitError("pod \(namespace)/\(name) stands for \(registered): it is left alone")
            }
            if !dryRun {
                try await client.delete(
                    Pod.self, name, namespace: namespace, options: DeleteOptions(uid: pod.metadata.uid))
            }
            Terminal.line("pod/\(name) \(dryRun ? "would be removed" : "removed")")
        } catch let status as Status where status.isNotFound {
            Terminal.line("pod/\(name) is not registered")
        }
    }

    private func printDocument(_ document: JSONValue) {
        let bytes = output == .json ? document.encoded() : YAMLDocument.encode(document)
        var text = String(decoding: bytes, as: UTF8.self)
        if text.hasSuffix("\n") { text.removeLast() }
        Terminal.line(text)
    }
}
