import ArgumentParser
import KubeClient
import KubeModel
import NetworkTypes
import System
import Transport

struct JoinCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join", abstract: "Make this machine a node of the server on another one, and run its data plane.",
        discussion: """
            `martlet token create --print-join-command` on the server's machine prints the whole command. The token is good \
            for asking for a certificate, and for nothing else; the certificate is kept in --data-dir and renewed before it \
            ends. A machine that has joined needs neither token nor hash the next time.
            """)

    @Argument(help: ArgumentHelp("The API server. Needed the first time.", valueName: "https://server:6443"))
    var server: String?

    @Option(help: ArgumentHelp("The bootstrap token.", valueName: "id.secret"))
    var token: String?

    @Option(
        help: ArgumentHelp(
            "The hash of the public key of the server's authority; may be repeated.", valueName: "sha256:hex"))
    var caCertHash: [String] = []

    @Option(
        help: ArgumentHelp("The server's authority (PEM), instead of its hash: a copy of ca.crt.", valueName: "file"))
    var caCertFile: String?

    @Option(help: ArgumentHelp("Where credentials and logs are kept.", valueName: "dir"))
    var dataDir = DataDirectory.standardPath

    @Flag(help: "Write the status as lines when it changes, even on a terminal.")
    var plainStatus = false

    @OptionGroup(title: "Node")
    var node: NodeOptions

    @OptionGroup(title: "Traffic")
    var traffic: TrafficOptions

    @OptionGroup(title: "Services")
    var services: ServiceProxyOptions

    @OptionGroup(title: "DNS")
    var names: NamesOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func validate() throws {
        if let server {
            guard case .https = try? ClientConfiguration.Server(url: server) else {
                throw ValidationError("\"\(server)\" is not a URL such as https://10.0.0.1:6443")
            }
        }
        if let token, BootstrapToken(token) == nil {
            throw ValidationError("--token: a bootstrap token is of the form abcdef.0123456789abcdef")
        }
        for hash in caCertHash where AuthorityPin(hash) == nil {
            throw ValidationError("--ca-cert-hash: \"\(hash)\" is not sha256: and 64 hexadecimal digits")
        }
    }

    @MainActor
    func run() async throws {
        _ = try node.description()
        let directory = try DataDirectory(dataDir)
        guard try FileBytes.readIfPresent(directory.caKey) == nil else {
            throw CleanExitError("\(directory.path) belongs to a server of its own: give another --data-dir")
        }
        let lock = try SupervisorLock(directory)
        defer { withExtendedLifetime(lock) {} }
        try await JoinPlan(command: self, directory: directory).obtainCredentials()
        let renewal = CertificateRenewal(directory: directory, node: node.nodeName) { Terminal.line($0) }
        let renewing = Task.detached { try await renewal.run() }
        defer { renewing.cancel() }
        try await SupervisedFamily(
            children: [
                Supervisor.ChildSpecification(
                    name: "dataplane", stage: 0,
                    arguments: ["dataplane"] + node.arguments + listening(directory).arguments + services.arguments
                        + names.arguments
                        + ["--kubeconfig", directory.nodeKubeconfig] + logging.arguments)
            ], directory: directory, isPlain: plainStatus,
            announcement: ["this machine is node \(node.nodeName)"]
        ).run()
    }

    /// Where clients are: a machine joins to serve.
    private func listening(_ directory: DataDirectory) -> TrafficOptions {
        var traffic = traffic
        traffic.certificateDir = traffic.certificateDir ?? directory.certificates
        guard traffic.httpAddress.isEmpty, traffic.httpsAddress.isEmpty else { return traffic }
        let reach = Reach(.current, isLocalOnly: false)
        let everywhere = ["0.0.0.0", "::"].compactMap { IPAddress($0) }
        traffic.httpAddress = everywhere.map { SocketAddress(ip: $0, port: Port(reach.httpPort)) }
        traffic.httpsAddress = everywhere.map { SocketAddress(ip: $0, port: Port(reach.httpsPort)) }
        return traffic
    }
}

extension JoinCommand: ConfinedCommand {
    var role: ProcessRole { .supervisor(leadsSockets: services.socketMode) }
}
