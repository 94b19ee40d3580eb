import ArgumentParser
import DataPlane
import Glibc
import NetworkTypes
import System
import Transport

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run everything on this machine: API server, controllers and data plane.",
        discussion: """
            Starts each part as a process of its own, restarts what dies and stops all of them on Ctrl-C. Everything \
            that is written lies below --data-dir: admin.kubeconfig, admin.token, ca.crt, api.sock (no token needed), \
            the store martlet.db and logs/. Several can run side by side, each with its own --data-dir, ports \
            (--secure-port, --http-port, --https-port, --service-node-port-range) and --service-cluster-ip-range, since \
            cluster IPs are addresses of this machine.
            """)

    @OptionGroup(title: "API server")
    var server: APIServerOptions

    @Flag(
        help:
            "Serve this machine only. Default: so for an ordinary user; with the privilege for ports below 1024, everybody."
    )
    var localOnly = false

    @Option(
        help: ArgumentHelp(
            "The port of the L7 proxy for HTTP; 0 takes any free one. Default: 80, or 8080 when only this machine is served.",
            valueName: "port"))
    var httpPort: UInt16?

    @Option(
        help: ArgumentHelp(
            "The port of the L7 proxy for HTTPS; 0 takes any free one. Default: 443, or 8443 when only this machine is "
                + "served.", valueName: "port"))
    var httpsPort: UInt16?

    @Option(
        help: ArgumentHelp(
            "An address that the L7 proxy listens on; may be repeated. 0.0.0.0 and :: stand for every address of this "
                + "machine. Default: both, or 127.0.0.1 when only this machine is served.", valueName: "ip"))
    var proxyBindAddress: [String] = []

    @Option(
        help: ArgumentHelp(
            "An address for the status of Ingresses; may be repeated. Default: --proxy-bind-address, or this machine's "
                + "first address of the family when that is every address.", valueName: "ip|name"))
    var publishAddress: [String] = []

    @Option(help: "The port on 127.0.0.1 of the data plane's /metrics and /healthz; 0 takes any free one.")
    var metricsPort: UInt16 = 0

    @Option(
        help: ArgumentHelp(
            "The networks on whose addresses of this machine node ports are served, such as 10.0.0.0/8; \"all\" for every "
                + "address. Default: all, or 127.0.0.0/8 when only this machine is served.", valueName: "cidr,…"),
        transform: NodePortAddresses.read)
    var nodeportAddresses: NodePortAddresses?

    @OptionGroup(title: "Services")
    var services: ServiceProxyOptions

    @Option(
        name: .customLong("ingress-controller"),
        help: ArgumentHelp(
            "The controller name that IngressClasses have in spec.controller; may be given several times, each after "
                + "the first runs as a process of its own. Default: martlet.dev/ingress.", valueName: "name"))
    var ingressControllers: [String] = []

    @OptionGroup(title: "Node")
    var node: NodeOptions

    @OptionGroup(title: "Other nodes")
    var cluster: ClusterOptions

    @Flag(
        help: "Write the status as lines when it changes, even on a terminal: for one that other programs write to.")
    var plainStatus = false

    @OptionGroup(title: "DNS")
    var names: NamesOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func validate() throws {
        for text in proxyBindAddress where IPAddress(text) == nil {
            throw ValidationError("--proxy-bind-address: \"\(text)\" is not an IP address")
        }
        if let problem = PublishedAddresses.problem(publishAddress) { throw ValidationError(problem) }
        guard Set(ingressControllers).count == ingressControllers.count else {
            throw ValidationError("--ingress-controller: each name may be given once")
        }
    }

    @MainActor
    func run() async throws {
        let directory = try DataDirectory(server.dataDir)
        let lock = try SupervisorLock(directory)
        defer { withExtendedLifetime(lock) {} }
        try await SupervisedFamily(
            children: children(directory), directory: directory, isPlain: plainStatus,
            announcement: [
                "export KUBECONFIG=\(directory.adminKubeconfig)", "kubectl get services,ingresses,routetables -A",
                "curl --unix-socket \(directory.unixSocket) http://localhost/api/v1/services",
            ]
        ).run()
    }

    /// The first ingress controller shares the process of the cluster's other controllers; each further one competes with
    /// it from a process of its own.
    private func children(_ directory: DataDirectory) -> [Supervisor.ChildSpecification] {
        let client = ["--kubeconfig", directory.localKubeconfig]
        var dataPlane = ["dataplane", "--metrics-bind-address", "127.0.0.1:\(metricsPort)"]
        for address in proxyAddresses {
            dataPlane += ["--http-address", "\(SocketAddress(ip: address, port: Port(httpPort ?? reach.httpPort)))"]
            dataPlane += ["--https-address", "\(SocketAddress(ip: address, port: Port(httpsPort ?? reach.httpsPort)))"]
        }
        dataPlane += ["--nodeport-addresses", (nodeportAddresses ?? reach.nodePortAddresses).description]
        dataPlane += ["--certificate-dir", directory.certificates]
        dataPlane += node.arguments
        if localOnly, names.dnsAddress.isEmpty { dataPlane += ["--dns-address", "127.0.0.1"] }
        var server = server
        server.bindAddress = server.bindAddress ?? reach.bindAddress
        server.reservedNodePort += [
            httpPort ?? reach.httpPort, httpsPort ?? reach.httpsPort, metricsPort, names.dnsPort ?? 0,
        ].filter { $0 > 0 }
        var children = [
            Supervisor.ChildSpecification(
                name: "apiserver", stage: 0,
                arguments: ["apiserver"] + server.arguments(dataDirectory: directory) + logging.arguments),
            Supervisor.ChildSpecification(
                name: "dataplane", stage: 1,
                arguments: dataPlane + services.arguments + self.names.arguments + client + logging.arguments),
        ]
        let names = ingressControllers.isEmpty ? ["martlet.dev/ingress"] : ingressControllers
        for (index, name) in names.enumerated() {
            let process = index == 0 ? "controllers" : "ingress-\(index + 1)"
            var arguments = ["controller"] + (index == 0 ? ControllerCommand.clusterWide : []) + ["ingress"]
            arguments += ["--controller-name", name, "--process-name", process]
            if index == 0 {
                arguments += ["--root-ca-file", directory.servingAuthorities] + cluster.arguments(directory)
            }
            arguments += published.flatMap { ["--publish-address", $0] } + client + logging.arguments
            children.append(Supervisor.ChildSpecification(name: process, stage: 1, arguments: arguments))
        }
        return children
    }

    private var reach: Reach { Reach(.current, isLocalOnly: localOnly) }

    private var proxyAddresses: [IPAddress] {
        (proxyBindAddress.isEmpty ? reach.proxyAddresses : proxyBindAddress).compactMap { IPAddress($0) }
    }

    /// What goes to the status of Ingresses: an address that means every address tells clients nothing.
    private var published: [String] {
        if !publishAddress.isEmpty { return publishAddress }
        let addresses = Self.published(
            listening: proxyAddresses, local: MachineAddresses.current, leaving: MachineAddresses.outgoing)
        return (addresses.isEmpty ? [.loopbackV4] : addresses).map(\.description)
    }

    /// - Parameters:
    ///   - listening: where the L7 proxy listens.
    ///   - local: this machine's addresses.
    ///   - leaving: those that packets for elsewhere leave from.
    static func published(listening: [IPAddress], local: [IPAddress], leaving: [IPAddress]) -> [IPAddress] {
        let primary = NodeAddresses.primary(of: local, leaving: leaving)
        var addresses: [IPAddress] = []
        for address in listening.flatMap({ bound in
            bound.isUnspecified ? primary.filter { $0.family == bound.family } : [bound]
        }) where !addresses.contains(address) { addresses.append(address) }
        return addresses
    }
}

extension UpCommand: ConfinedCommand {
    var role: ProcessRole { .supervisor(leadsSockets: services.socketMode) }
}
