import ArgumentParser
import Controllers
import KubeClient
import NetworkTypes

struct ControllerCommand: AsyncParsableCommand {
    /// The controllers of which one set serves the whole cluster.
    static let clusterWide = ControllerName.allCases.filter { $0 != .ingress }.map(\.rawValue)

    static let configuration = CommandConfiguration(
        commandName: "controller", abstract: "Run controllers: \(ControllerName.allCases.map(\.rawValue).joined(separator: ", ")).",
        discussion: """
            Any number of copies may run: for each controller the one that holds its Lease works, the others stand by. \
            Ingress controllers with different names work side by side.
            """)

    @Argument(help: ArgumentHelp("The controllers to run in this process.", valueName: "name"))
    var names: [ControllerName]

    @Option(help: "The spec.controller of the IngressClasses that this ingress controller serves.")
    var controllerName = "martlet.dev/ingress"

    @Option(help: ArgumentHelp("The address that is published in the status of Ingresses.", valueName: "ip"))
    var publishAddress: [IPAddress] = []

    @Flag(inversion: .prefixedNo, help: "Wait for a Lease before working, so that copies stand by.")
    var leaderElect = true

    @Option(help: .hidden)
    var processName: String?

    @OptionGroup
    var client: ClientOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func run() async throws {
        let logger = logging.bootstrap()
        let name = processName ?? (names == [.ingress] ? "ingress" : "controllers")
        var configuration = ControllerConfiguration(client: try client.configuration(userAgent: name))
        configuration.isLeaderElecting = leaderElect
        configuration.ingressControllerName = controllerName
        configuration.publishAddresses = publishAddress
        let set = ControllerSet(names: names, configuration: configuration, logger: logger)
        let notification = ServiceNotification(name: name)
        notification.ready(status: names.map(\.rawValue).joined(separator: ", "))
        try await runUntilSignal { try await set.run() }
    }
}

extension ControllerName: ExpressibleByArgument {}

extension IPAddress: @retroactive ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
