import ArgumentParser
import NetworkTypes

/// What traffic a data plane takes in, and where it tells about it.
struct TrafficOptions: ParsableArguments {
    @OptionGroup
    var nodePorts: NodePortAddressesOption

    @Option(
        help: ArgumentHelp("Where the L7 proxy serves HTTP; may be given several times.", valueName: "address:port"),
        transform: SocketAddress.read)
    var httpAddress: [SocketAddress] = []

    @Option(
        help: ArgumentHelp("Where the L7 proxy serves HTTPS; may be given several times.", valueName: "address:port"),
        transform: SocketAddress.read)
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
            "Where /metrics (for Prometheus), /healthz and /livez, and with DNS /ready and /health, are served in plain "
                + "HTTP. Default: nowhere.",
            valueName: "address:port"), transform: SocketAddress.read)
    var metricsBindAddress: SocketAddress?

    @Option(
        help: ArgumentHelp(
            "Where the last good certificate and key of a TLS Secret that turned bad are kept for a restart, until the Secret "
                + "is mended or gone; a directory of this user's alone (mode 0700), made where it is missing. Default: nowhere.",
            valueName: "dir"))
    var certificateDir: String?

    @Option(
        help: ArgumentHelp(
            "How long requests and connections under way may take to end at SIGTERM.", valueName: "seconds"))
    var shutdownGracePeriod = 5

    var nodeportAddresses: NodePortAddresses { nodePorts.nodeportAddresses ?? .all }

    func validate() throws {
        guard accessLogSampling >= 1 else { throw ValidationError("--access-log-sampling: at least 1") }
        guard (0...3600).contains(shutdownGracePeriod) else {
            throw ValidationError("--shutdown-grace-period: 0 to 3600 seconds")
        }
    }

    /// For the command line of a data plane.
    var arguments: [String] {
        var arguments = ["--nodeport-addresses", nodeportAddresses.description]
        for address in httpAddress { arguments += ["--http-address", "\(address)"] }
        for address in httpsAddress { arguments += ["--https-address", "\(address)"] }
        if let accessLog { arguments += ["--access-log", accessLog] }
        arguments += ["--access-log-sampling", "\(accessLogSampling)"]
        if let metricsBindAddress { arguments += ["--metrics-bind-address", "\(metricsBindAddress)"] }
        if let certificateDir { arguments += ["--certificate-dir", certificateDir] }
        return arguments + ["--shutdown-grace-period", "\(shutdownGracePeriod)"]
    }
}
