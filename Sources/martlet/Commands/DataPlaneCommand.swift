import ArgumentParser
import DataPlane
import KubeClient
import NetworkTypes

struct DataPlaneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataplane", abstract: "Enforce Services and routes on this node.",
        discussion: """
            Serves cluster IPs, node ports, external and load-balancer IPs from user space, and Ingresses by an L7 \
            proxy. Needs no privilege for addresses in 127.0.0.0/8 and ports above 1023; an address that can't be \
            served is reported as an Event of its Service.
            """)

    @Option(help: "The name of this node.")
    var nodeName = NodeName.current

    @Option(
        help: ArgumentHelp(
            "The networks on whose addresses of this machine node ports are served. Default: every address.",
            valueName: "cidr,…"))
    var nodeportAddresses: String?

    @Option(
        help: ArgumentHelp("Where the L7 proxy serves HTTP; may be given several times.", valueName: "address:port"))
    var httpAddress: [SocketAddress] = []

    @Option(
        help: ArgumentHelp("Where the L7 proxy serves HTTPS; may be given several times.", valueName: "address:port"))
    var httpsAddress: [SocketAddress] = []

    @OptionGroup
    var client: ClientOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func run() async throws {
        let logger = logging.bootstrap()
        let ranges = try (nodeportAddresses ?? "").split(separator: ",").map { part in
            guard let cidr = CIDR(part) else {
                throw ValidationError("--nodeport-addresses: \"\(part)\" is not a network such as 10.0.0.0/8")
            }
            return cidr
        }
        let configuration = DataPlaneConfiguration(
            client: try client.configuration(userAgent: "dataplane"), nodeName: nodeName, nodePortRanges: ranges,
            httpAddresses: httpAddress, httpsAddresses: httpsAddress)
        let dataPlane = try DataPlane(configuration, logger: logger)
        let notification = ServiceNotification(name: "dataplane")
        try await runUntilSignal {
            try await dataPlane.run(
                onReady: { status in
                    notification.ready(status: status)
                    StartupMemory.releaseSoon()
                }, onStatus: { notification.status($0) })
        }
    }
}
