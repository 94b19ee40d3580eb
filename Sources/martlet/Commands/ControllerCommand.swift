import ArgumentParser
package import Controllers
import KubeClient
import KubeModel
import System

struct ControllerCommand: AsyncParsableCommand {
    /// The controllers of which one set serves the whole cluster.
    static let clusterWide = ControllerName.allCases.filter { $0 != .ingress }.map(\.rawValue)

    static let configuration = CommandConfiguration(
        commandName: "controller", abstract: "Run one or more controllers.",
        discussion: """
            \(ControllerName.allCases.map { "\($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

            Any number of copies may run: for each controller the one that holds its Lease works, the others stand by. \
            Ingress controllers with different names work side by side.
            """)

    @Argument(help: ArgumentHelp("The controllers to run in this process.", valueName: "name"))
    var names: [ControllerName]

    @Flag(inversion: .prefixedNo, help: "Wait for a Lease before working, so that copies stand by.")
    var leaderElect = true

    @Option(help: ArgumentHelp("The namespace of the Leases.", valueName: "namespace"))
    var leaderElectResourceNamespace = "kube-system"

    @Option(help: "ingress: the spec.controller of the IngressClasses that are served.")
    var controllerName = IngressControllerConfiguration.defaultControllerName

    @Option(
        help: ArgumentHelp(
            "ingress: a class name that is served even without an IngressClass object, for the annotation "
                + "kubernetes.io/ingress.class.", valueName: "class"))
    var ingressClass: String?

    @Flag(help: "ingress: --ingress-class is also taken from spec.ingressClassName without an IngressClass object.")
    var ingressClassByName = false

    @Flag(help: "ingress: serve Ingresses that name no class although there is no default class.")
    var watchIngressWithoutClass = false

    @Option(
        help: ArgumentHelp("ingress: an address for the status of Ingresses; may be repeated.", valueName: "ip|name"))
    var publishAddress: [String] = []

    @Option(
        help: ArgumentHelp(
            "ingress: the Service whose addresses go to the status of Ingresses.", valueName: "namespace/name"))
    var publishService: String?

    @Option(
        help: ArgumentHelp(
            "namespace-content: the authorities of the API server's certificate (PEM), for kube-root-ca.crt. Default: those "
                + "of the kubeconfig.", valueName: "file"))
    var rootCaFile: String?

    @Option(
        help: ArgumentHelp(
            "certificate-signing: the authority that signs the certificates of nodes (PEM).", valueName: "file"))
    var clusterSigningCertFile: String?

    @Option(help: ArgumentHelp("certificate-signing: its key (PEM).", valueName: "file"))
    var clusterSigningKeyFile: String?

    @OptionGroup(title: "Nodes")
    var cluster: ClusterOptions

    @Option(help: .hidden)
    var processName: String?

    @OptionGroup(title: "API server")
    var client: ClientOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func validate() throws {
        guard (clusterSigningCertFile == nil) == (clusterSigningKeyFile == nil) else {
            throw ValidationError("--cluster-signing-cert-file and --cluster-signing-key-file go together")
        }
        if let problem = PublishedAddresses.problem(publishAddress) { throw ValidationError(problem) }
        if let publishService, service(publishService) == nil {
            throw ValidationError("--publish-service: \"\(publishService)\" is not of the form namespace/name")
        }
    }

    func run() async throws {
        let logger = logging.bootstrap()
        let name = processName ?? (names == [.ingress] ? "ingress" : "controllers")
        var configuration = ControllerConfiguration()
        configuration.leaderElection.isEnabled = leaderElect
        configuration.leaderElection.namespace = leaderElectResourceNamespace
        // The supervisor runs one process of each name at a time: the one that replaces a killed one is the same
        // candidate and leads at once, instead of waiting for the Lease of the dead to expire.
        configuration.leaderElection.identity = SupervisedChild.supervisor.map { "\(NodeName.current)_\($0)_\(name)" }
        configuration.ingress = IngressControllerConfiguration(
            controllerName: controllerName, className: ingressClass, claimsClassByName: ingressClassByName,
            claimsIngressesWithoutClass: watchIngressWithoutClass, publishAddresses: publishAddress,
            publishService: publishService.flatMap { service($0) })
        configuration.nodeLifecycle = cluster.nodeLifecycle
        if let clusterSigningCertFile, let clusterSigningKeyFile {
            configuration.certificateSigning = try cluster.signing(
                certificateFile: clusterSigningCertFile, keyFile: clusterSigningKeyFile)
        }
        let server = try client.configuration(userAgent: name)
        configuration.rootAuthority = try rootAuthority(server)
        let set = ControllerSet(names, client: try APIClient(server), configuration: configuration, logger: logger)
        let notification = ServiceNotification()
        let summary = names.map(\.rawValue).joined(separator: ", ")
        try await runUntilSignal {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await set.run() }
                try await set.waitForSync()
                notification.ready(status: summary)
                StartupMemory.releaseSoon()
                group.addTask {
                    try await ContactStatus(staleFor: { set.staleFor }).run { lost in
                        notification.status(lost.map { "\(summary); \($0)" } ?? summary)
                    }
                }
                HeapTrimmer.start()
                try await group.waitForAll()
            }
        }
    }

    private func rootAuthority(_ server: ClientConfiguration) throws -> String? {
        guard let rootCaFile else {
            return server.certificateAuthority.map { String(decoding: $0, as: UTF8.self) }
        }
        guard let bytes = try FileBytes.readIfPresent(rootCaFile) else {
            throw CleanExitError("--root-ca-file: there is no file \(rootCaFile)")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func service(_ text: String) -> NamespacedName? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return NamespacedName(namespace: String(parts[0]), name: String(parts[1]))
    }
}

extension ControllerName: ExpressibleByArgument {}

extension ControllerCommand: ConfinedCommand {
    var role: ProcessRole { .controllers }
}
