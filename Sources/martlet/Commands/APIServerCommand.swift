import APIServer
import ArgumentParser
import CProcess
import Logging
import NetworkTypes
import Transport

struct APIServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apiserver", abstract: "Serve the Kubernetes API from a store below --data-dir.",
        discussion: """
            Makes its certificates, an administrator's token and a kubeconfig at the first start. Serves HTTPS with \
            HTTP/1.1 and HTTP/2, and plain HTTP on the unix socket api.sock (mode 0600) for callers on this machine.
            """)

    @OptionGroup
    var options: APIServerOptions

    @OptionGroup(title: "Logging")
    var logging: LoggingOptions

    func run() async throws {
        StartupMemory.keepHeap()
        let logger = logging.bootstrap()
        let directory = try DataDirectory(options.dataDir)
        guard let address = IPAddress(options.bindAddress) else {
            throw ValidationError("--bind-address: \"\(options.bindAddress)\" is not an IP address")
        }
        let credentials = try ServerCredentials(
            directory: directory, bindAddress: address, tokenAuthFile: options.tokenAuthFile,
            clientCAFile: options.clientCaFile)

        var configuration = APIServerConfiguration(storePath: directory.store, ranges: try options.ranges())
        configuration.secureAddress = SocketAddress(ip: address, port: Port(options.securePort))
        configuration.tlsCertificateFile = options.tlsCertFile ?? credentials.servingCertificatePath
        configuration.tlsPrivateKeyFile = options.tlsPrivateKeyFile ?? credentials.servingKeyPath
        configuration.clientCAFile = credentials.clientAuthoritiesPath
        configuration.tokenAuthFile = credentials.tokensPath
        configuration.unixSocketPath = directory.unixSocket
        configuration.maxReadsInFlight = options.maxRequestsInflight
        configuration.commit = String(cString: martlet_commit())
        configuration.maxWritesInFlight = options.maxMutatingRequestsInflight

        let server = try await APIServer.start(configuration, logger: logger)
        let bound = server.addresses.lazy.compactMap { address -> SocketAddress? in
            if case .tcp(let address) = address { address } else { nil }
        }.first
        let url = "https://\(Self.reachable(bound ?? SocketAddress(ip: address, port: Port(options.securePort))))"
        // A serving certificate of somebody else's authority, or its own, is trusted for what the operator gave.
        let given = try options.tlsCertFile.flatMap { try PrivateFile.read($0) } ?? []
        try PrivateFile.write(
            ClientKubeconfig.admin(
                server: url, authority: credentials.authority.certificatePEM + given,
                certificate: credentials.adminCertificatePEM, key: credentials.adminKeyPEM),
            to: directory.adminKubeconfig)
        try PrivateFile.write(ClientKubeconfig.local(socket: directory.unixSocket), to: directory.localKubeconfig)

        logger.info("serving on \(url) and \(directory.unixSocket)")
        let notification = ServiceNotification(name: "apiserver")
        notification.ready(status: url)
        StartupMemory.releaseSoon()
        HeapTrimmer.start()
        await ProcessSignals.waitForTermination()
        notification.stopping()
        await server.shutdown()
    }

    /// An address that stands for all of the machine's is reached on the loopback one.
    private static func reachable(_ address: SocketAddress) -> SocketAddress {
        guard address.ip.isUnspecified else { return address }
        let loopback = IPAddress(address.ip.family == .v4 ? "127.0.0.1" : "::1") ?? address.ip
        return SocketAddress(ip: loopback, port: address.port)
    }
}
