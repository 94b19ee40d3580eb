import ArgumentParser
import DataPlane
import Glibc
import NetworkTypes

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

    @Option(help: "The port of the L7 proxy for HTTP; 0 takes any free one.")
    var httpPort: UInt16 = 8080

    @Option(help: "The port of the L7 proxy for HTTPS; 0 takes any free one.")
    var httpsPort: UInt16 = 8443

    @Option(help: ArgumentHelp("The address that the L7 proxy listens on.", valueName: "ip"))
    var proxyBindAddress = "127.0.0.1"

    @Option(
        help: ArgumentHelp(
            "An address for the status of Ingresses; may be repeated. Default: --proxy-bind-address, or this machine's "
                + "first address when that is every address.", valueName: "ip|name"))
    var publishAddress: [String] = []

    @Option(help: "The port on 127.0.0.1 of the data plane's /metrics and /healthz; 0 takes any free one.")
    var metricsPort: UInt16 = 0

    @Option(
        help: ArgumentHelp(
            "The networks on whose addresses of this machine node ports are served, such as 10.0.0.0/8; \"all\" for every "
                + "address.", valueName: "cidr,…"))
    var nodeportAddresses = NodePortAddresses.loopback

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
        guard IPAddress(proxyBindAddress) != nil else {
            throw ValidationError("--proxy-bind-address: \"\(proxyBindAddress)\" is not an IP address")
        }
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
        let dataPlane: [String] =
            ["dataplane", "--http-address", address(httpPort), "--https-address", address(httpsPort)]
            + ["--metrics-bind-address", "127.0.0.1:\(metricsPort)"]
            + ["--nodeport-addresses", nodeportAddresses.description] + node.arguments
        var children = [
            Supervisor.ChildSpecification(
                name: "apiserver", stage: 0,
                arguments: ["apiserver"] + server.arguments(dataDirectory: directory) + logging.arguments),
            Supervisor.ChildSpecification(
                name: "dataplane", stage: 1,
                arguments: dataPlane + self.names.arguments + client + logging.arguments),
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

    /// What goes to the status of Ingresses: an address that means every address tells clients nothing.
    private var published: [String] {
        if !publishAddress.isEmpty { return publishAddress }
        guard let bound = IPAddress(proxyBindAddress), bound.isUnspecified else { return [proxyBindAddress] }
        let addresses = LocalAddresses.current.filter { $0.family == bound.family && !$0.isLoopback }
        return addresses.first.map { ["\($0)"] } ?? [bound.family == .v4 ? "127.0.0.1" : "::1"]
    }

    private func address(_ port: UInt16) -> String {
        IPAddress(proxyBindAddress)?.family == .v6 ? "[\(proxyBindAddress)]:\(port)" : "\(proxyBindAddress):\(port)"
    }
}
