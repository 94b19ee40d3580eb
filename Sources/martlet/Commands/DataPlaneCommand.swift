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

    @OptionGroup(title: "Node")
    var node: NodeOptions

    @OptionGroup(title: "Traffic")
    var traffic: TrafficOptions

    @OptionGroup(title: "DNS")
    var names: NamesOptions

    @OptionGroup
    var client: ClientOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func run() async throws {
        let logger = logging.bootstrap()
        var configuration = DataPlaneConfiguration(
            client: try client.configuration(userAgent: "dataplane"), nodeName: node.nodeName,
            nodePortRanges: traffic.nodeportAddresses.networks,
            httpAddresses: traffic.httpAddress, httpsAddresses: traffic.httpsAddress)
        configuration.node = try node.description()
        configuration.leaseSeconds = node.nodeLeaseDurationSeconds
        configuration.accessLogPath = traffic.accessLog
        configuration.accessLogSampling = traffic.accessLogSampling
        configuration.metricsAddress = traffic.metricsBindAddress
        configuration.shutdownGrace = .seconds(traffic.shutdownGracePeriod)
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
