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
            "The networks on whose addresses of this machine node ports are served, such as 10.0.0.0/8; \"all\" for every "
                + "address.", valueName: "cidr,…"))
    var nodeportAddresses = NodePortAddresses.all

    @Option(
        help: ArgumentHelp("Where the L7 proxy serves HTTP; may be given several times.", valueName: "address:port"))
    var httpAddress: [SocketAddress] = []

    @Option(
        help: ArgumentHelp("Where the L7 proxy serves HTTPS; may be given several times.", valueName: "address:port"))
    var httpsAddress: [SocketAddress] = []

    @Option(
        help: ArgumentHelp(
            "Write a line for each request that the L7 proxy answers; - is standard output. Default: none.",
            valueName: "path"))
    var accessLog: String?

    @Option(help: ArgumentHelp("Log one of so many requests.", valueName: "count"))
    var accessLogSampling = 1

    @Option(
        help: ArgumentHelp(
            "Where /metrics (for Prometheus), /healthz and /livez are served in plain HTTP. Default: nowhere.",
            valueName: "address:port"))
    var metricsBindAddress: SocketAddress?

    @Option(
        help: ArgumentHelp(
            "How long requests and connections under way may take to end at SIGTERM.", valueName: "seconds"))
    var shutdownGracePeriod = 5

    @OptionGroup(title: "DNS")
    var names: NamesOptions

    @OptionGroup
    var client: ClientOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func run() async throws {
        let logger = logging.bootstrap()
        guard accessLogSampling >= 1 else { throw ValidationError("--access-log-sampling: at least 1") }
        guard (0...3600).contains(shutdownGracePeriod) else {
            throw ValidationError("--shutdown-grace-period: 0 to 3600 seconds")
        }
        var configuration = DataPlaneConfiguration(
            client: try client.configuration(userAgent: "dataplane"), nodeName: nodeName,
            nodePortRanges: nodeportAddresses.networks,
            httpAddresses: httpAddress, httpsAddresses: httpsAddress)
        configuration.accessLogPath = accessLog
        configuration.accessLogSampling = accessLogSampling
        configuration.metricsAddress = metricsBindAddress
        configuration.shutdownGrace = .seconds(shutdownGracePeriod)
        configuration.names = try names.configuration
        let dataPlane = try DataPlane(configuration, logger: logger)
        let notification = ServiceNotification()
        try await runUntilSignal {
            try await dataPlane.run(
                onReady: { status in
                    notification.ready(status: status)
                    StartupMemory.releaseSoon()
                    HeapTrimmer.start()
                }, onStatus: { notification.status($0) }, onNotice: { notification.notice($0) })
        }
    }
}
