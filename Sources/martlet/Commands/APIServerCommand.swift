import APIResources
import APIServer
import ArgumentParser
import CProcess
import Glibc
import KubeClient
import KubeModel
import Logging
import NetworkTypes
import System
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
        let address = try options.secureAddress()
        let credentials = try ServerCredentials(
            directory: directory, names: names(address), tokenAuthFile: options.tokenAuthFile,
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
        try writeTrust(directory, credentials, url, logger)
        try FileBytes.replace(
            directory.localKubeconfig, with: ClientKubeconfig.local(socket: directory.unixSocket))

        let trouble = await ignoredRange(directory)
        if let trouble { logger.warning("\(trouble)") }
        let place = Self.place(bound, url)
        logger.info("serving on \(place) and \(directory.unixSocket)")
        let notification = ServiceNotification()
        notification.ready(status: trouble.map { "\(place); \($0)" } ?? place)
        StartupMemory.releaseSoon()
        HeapTrimmer.start()
        // Outside of the task: an error in there would be heard by nobody.
        var certificate = try ServingCertificateRenewal(
            certificatePath: options.tlsCertFile ?? credentials.servingCertificatePath,
            keyPath: options.tlsPrivateKeyFile ?? credentials.servingKeyPath, logger: logger,
            refresh: { if options.tlsCertFile == nil { try credentials.ensureServing(names(address)) } },
            replace: {
                try server.replaceCertificate($0, key: $1)
                try writeTrust(directory, credentials, url, logger)
            })
        let renewal = Task { await certificate.run() }
        await ProcessSignals.waitForTermination()
        renewal.cancel()
        notification.stopping()
        // A loop that is busy for good must not hold the process: what was acknowledged is on disk.
        let patience = Task.detached {
            try await Task.sleep(for: APIServer.grace + .seconds(5))
            logger.error("a thread is still busy: ending without it")
            _exit(1)
        }
        await server.shutdown()
        patience.cancel()
    }

    /// Writes whom clients trust, and the administrator's kubeconfig. A serving certificate of somebody else's authority, or
    /// its own, is trusted for what the operator gave.
    private func writeTrust(
        _ directory: DataDirectory, _ credentials: ServerCredentials, _ url: String, _ logger: Logger
    ) throws {
        let given = try options.tlsCertFile.flatMap { try FileBytes.readIfPresent($0) } ?? []
        let trusted = credentials.authority.certificatePEM + given
        try FileBytes.replace(directory.servingAuthorities, with: trusted, mode: 0o644)
        do throws(SystemError) {
            try FileBytes.replace(
                directory.adminKubeconfig,
                with: ClientKubeconfig.admin(
                    server: url, authority: trusted, certificate: credentials.adminCertificatePEM,
                    key: credentials.adminKeyPEM))
        } catch {
            guard error.isFullDisk, access(directory.adminKubeconfig, F_OK) == 0 else { throw error }
            // Space can be had by deleting objects, for which the server has to run.
            logger.warning(
                """
                \(directory.adminKubeconfig) stays as it was and may name an older port, since the disk is full: use \
                \(directory.localKubeconfig), delete what is not needed, then start again
                """
            )
        }
    }

    /// What clients may call this server now.
    private func names(_ address: IPAddress) -> ServerNames {
        ServerNames(
            bindAddress: address, nodeName: NodeName.current, local: MachineAddresses.current, further: options.tlsSan)
    }

    /// The flag fills an empty store. Later the range is what the ServiceCIDR says, which others may have changed.
    private func ignoredRange(_ directory: DataDirectory) async -> String? {
        do {
            let client = try APIClient(ClientConfiguration(server: .unix(path: directory.unixSocket)))
            let range = try await client.raw("GET", "/apis/networking.k8s.io/v1/servicecidrs/kubernetes")
            let stored = range["spec"]["cidrs"]?.array?.compactMap(\.string) ?? []
            let wanted = try options.ranges().serviceCIDRs.map(\.description)
            guard !stored.isEmpty, stored != wanted else { return nil }
            return """
                --service-cluster-ip-range \(wanted.joined(separator: ",")) changes nothing: this store has \
                \(stored.joined(separator: ",")) in ServiceCIDR kubernetes. Add a ServiceCIDR for more addresses, or \
                begin with an empty --data-dir
                """
        } catch {
            return "the range of cluster IPs could not be looked up: \(error)"
        }
    }

    /// Where it is served, for people: `url` is how this machine gets there.
    static func place(_ bound: SocketAddress?, _ url: String) -> String {
        guard let bound, bound.ip.isUnspecified else { return url }
        return
            "\(url) and port \(bound.port) of every IP\(bound.ip.family == .v4 ? "v4" : "v6") address of this machine"
    }

    /// An address that stands for all of the machine's is reached on the loopback one.
    private static func reachable(_ address: SocketAddress) -> SocketAddress {
        guard address.ip.isUnspecified else { return address }
        let loopback = IPAddress(address.ip.family == .v4 ? "127.0.0.1" : "::1") ?? address.ip
        return SocketAddress(ip: loopback, port: address.port)
    }
}

extension APIServerCommand: ConfinedCommand {
    var role: ProcessRole { .apiServer(port: options.securePort) }
}
