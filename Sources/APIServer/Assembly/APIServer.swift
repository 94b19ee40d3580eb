import KubeModel
package import Logging
import Store
import Synchronization
import System
package import Transport
import WatchCache

/// The running API server: store, caches, pipeline and listeners.
///
/// `start` returns when every listener accepts and every object is loaded; `shutdown` when the store is closed.
package final class APIServer: Sendable {
    /// What it listens on, with the ports the kernel chose.
    package let addresses: [BindAddress]

    /// How long requests under way have after `shutdown`. A supervisor that kills waits a little longer.
    package static let grace: Duration = .seconds(8)

    private let server: HTTPServer
    private let tls: TLSContext?
    private let watcher: WatchService
    private let core: ServerCore
    private let store: SQLiteStore
    private let isStopping: StopFlag

    /// Opens the store and serves.
    /// - Throws: one line for the operator; nothing is left open.
    package static func start(_ configuration: APIServerConfiguration, logger: Logger) async throws(APIServerError)
        -> APIServer
    {
        let store: SQLiteStore
        do {
            var storage = SQLiteStore.Configuration(path: configuration.storePath)
            storage.waking = { wake in EventLoop.atEndOfRound(wake) }
            storage.answering = { answers in EventLoop.gathering(answers) }
            storage.onHealthChange = { health in
                if health.isGood { return logger.notice("store: all is well again") }
                for problem in health.problems { logger.error("store: \(problem)") }
            }
            store = try SQLiteStore(storage)
        } catch {
            throw APIServerError(.store, "\(configuration.storePath): \(error)")
        }
        do throws(APIServerError) {
            return try await APIServer(configuration, store, logger)
        } catch {
            store.close()
            throw error
        }
    }

    private init(_ configuration: APIServerConfiguration, _ store: SQLiteStore, _ logger: Logger)
        async throws(APIServerError)
    {
        self.store = store
        let tokens = try configuration.tokenAuthFile.map { path throws(APIServerError) in
            try TokenFile(parsing: String(decoding: try Self.read(path), as: UTF8.self))
        }
        let tls = try Self.tlsContext(configuration)
        let core = try ServerCore(configuration, store: store, tokens: tokens, logger: logger)
        watcher = core.watcher
        self.core = core
        isStopping = core.isStopping
        self.tls = tls
        var http = HTTPServerConfiguration(tls: tls)
        http.maxBodyBytes = configuration.maxBodyBytes
        http.bodyBudget = ByteBudget(capacity: configuration.bodyBudgetBytes)
        http.answers = core.limit.answers
        http.connections = configuration.connections
        http.crowding = core.crowding
        http.onRefusedAddress = { logger.warning("not serving on \($0): \($1.message)") }
        let limit = configuration.maxBodyBytes
        http.refusal = { status, reason in PipelineHandler.refusal(status, reason, maxBodyBytes: limit) }
        server = HTTPServer(loops: core.loops, configuration: http, handler: PipelineHandler(pipeline: core.pipeline))
        await core.makeSystemObjects(logger)
        await core.serviceCIDRs?.start(logger)
        core.terminator.start()

        var addresses: [BindAddress] = []
        do throws(TransportError) {
            if let path = configuration.unixSocketPath {
                addresses.append(try server.listen(.unix(path: path, mode: 0o600)))
            }
            if let address = configuration.secureAddress { addresses.append(try server.listen(.tcp(address))) }
        } catch {
            for loop in core.loops { loop.stop() }
            throw APIServerError(.cannotListen, "\(error)")
        }
        self.addresses = addresses
        let secure = addresses.compactMap { if case .tcp(let address) = $0 { address } else { nil } }.first
        await core.kubernetesService?.start(endpoint: secure.map(AdvertisedAddress.of), logger)
        core.upkeep.start()
        core.isReady.set()
    }

    /// Stops accepting, ends watches, lets running requests finish, closes the store. Call once.
    package func shutdown() async {
        isStopping.set()
        core.stop()
        watcher.finishAll()
        await server.shutdown(drain: Self.grace)
        core.close()
        store.close()
    }

    /// Serves with another certificate, in PEM, from the next handshake on.
    /// - Throws: `badConfiguration`; then the certificate so far stays.
    package func replaceCertificate(_ certificate: [UInt8], key: [UInt8]) throws(APIServerError) {
        do throws(TransportError) {
            let identity = try TLSIdentity(certificatePEM: certificate, keyPEM: key)
            tls?.replaceCertificates(TLSCertificates(fallback: identity))
        } catch {
            throw APIServerError(.badConfiguration, "\(error)")
        }
    }

    private static func tlsContext(_ configuration: APIServerConfiguration) throws(APIServerError) -> TLSContext? {
        guard configuration.secureAddress != nil else { return nil }
        guard let certificateFile = configuration.tlsCertificateFile, let keyFile = configuration.tlsPrivateKeyFile
        else { throw APIServerError(.badConfiguration, "serving HTTPS needs a certificate and its key") }
        let certificate = try Self.read(certificateFile)
        let key = try Self.read(keyFile)
        let authorities = try configuration.clientCAFile.map { path throws(APIServerError) in
            try Self.read(path)
        }
        do throws(TransportError) {
            return try TLSContext(
                server: TLSCertificates(fallback: try TLSIdentity(certificatePEM: certificate, keyPEM: key)),
                clientVerification: authorities.map { TLSContext.ClientVerification(authoritiesPEM: $0) })
        } catch {
            throw APIServerError(.badConfiguration, "\(certificateFile): \(error)")
        }
    }

    /// - Throws: `unreadableFile` with the path and the system's reason.
    private static func read(_ path: String) throws(APIServerError) -> [UInt8] {
        do throws(SystemError) {
            return try FileBytes.read(path)
        } catch {
            throw APIServerError(.unreadableFile, "\(path): \(error.reason)")
        }
    }
}
