import KubeClient
import KubeModel
import System
import Transport

/// The way of a machine to its credentials: those that it has, or new ones by a token.
struct JoinPlan {
    let command: JoinCommand
    let directory: DataDirectory

    private var credentials: NodeCredentials { NodeCredentials(directory: directory) }

    /// Returns when the data directory holds what the data plane needs.
    ///
    /// - Throws: `CleanExitError` with what is wrong and what to do.
    func obtainCredentials() async throws {
        let server = try command.server.map { try ClientConfiguration.Server(url: $0) }
        if let obstacle = try await obstacleToRejoin(server) {
            guard let server, let token = command.token else { throw CleanExitError(obstacle) }
            try await joinAnew(server, token)
        }
    }

    /// Why the credentials that are there are not used; nil when they are.
    private func obstacleToRejoin(_ server: ClientConfiguration.Server?) async throws -> String? {
        let howTo =
            "run `martlet token create --print-join-command` on the server's machine, and what it prints here"
        guard let certificate = try credentials.certificate(),
            try FileBytes.readIfPresent(directory.nodeAuthority) != nil
        else { return "this machine has not joined yet (there are no credentials in \(directory.path)): \(howTo)" }
        guard NodeCredentials.nodeName(certificate) == command.node.nodeName else {
            return "the credentials in \(directory.path) are those of \(certificate.subject.commonName), not of node "
                + "\(command.node.nodeName): give its --node-name, or \(howTo)"
        }
        let now = SystemClock.secondsSinceEpoch
        if now >= certificate.notAfter {
            return "the certificate in \(directory.path) has ended at "
                + "\(Timestamp(secondsSinceEpoch: certificate.notAfter)): \(howTo)"
        }
        if now < certificate.notBefore { try CertificateClock.check(certificate, "this node", now: now) }
        if let server { try credentials.store(server: server) }
        do {
            let client = try credentials.client()
            _ = try await client.raw("GET", "/api/v1/nodes?limit=1")
        } catch let status as Status where status.code == 401 {
            return "the server does not know this machine's credentials any more: \(howTo)"
        } catch let error as ClientError where error.code == .unreachable {
            // A data plane starts without its server, and waits for it.
            Terminal.line("the server does not answer (\(error)); going on with the credentials that are here")
        }
        return nil
    }

    private func joinAnew(_ server: ClientConfiguration.Server, _ token: String) async throws {
        let authority = try await authority(server)
        let client = try APIClient(
            ClientConfiguration(
                server: server, certificateAuthority: authority, token: token,
                userAgent: "martlet-join/\(ProgramVersion.current)"))
        let exchange = CertificateExchange(client: client, node: command.node.nodeName)
        let issued = try await reaching(server) { try await exchange.obtain() }
        try CertificateClock.check(
            try CertificateDetails.read(pem: issued.certificatePEM)[0], "this node, made by the server just now",
            now: SystemClock.secondsSinceEpoch)
        try credentials.store(authority: authority)
        try credentials.store(issued)
        try credentials.store(server: server)
        Terminal.line("node \(command.node.nodeName) has its certificate")
    }

    private func authority(_ server: ClientConfiguration.Server) async throws -> [UInt8] {
        if let file = command.caCertFile {
            guard let bytes = try FileBytes.readIfPresent(file) else {
                throw CleanExitError("--ca-cert-file: there is no file \(file)")
            }
            try CertificateClock.check(
                try CertificateDetails.read(pem: bytes)[0], "the server's authority", now: SystemClock.secondsSinceEpoch
            )
            return bytes
        }
        let pins = command.caCertHash.compactMap { AuthorityPin($0) }
        guard !pins.isEmpty else {
            throw CleanExitError(
                "--ca-cert-hash or --ca-cert-file is needed: without it anybody could answer for the server")
        }
        return try await reaching(server) { try await ClusterDiscovery(server: server, pins: pins).authority() }
    }

    /// Says what went wrong on the way to the server, and what to do.
    private func reaching<Result>(
        _ server: ClientConfiguration.Server, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch let error as ClientError where error.code == .unreachable {
            if let cause = error.cause as? TransportError, cause.code == .tls || cause.code == .certificate {
                throw CleanExitError(
                    "\(server): the server's certificate is not accepted: \(cause.message). It must be valid for this "
                        + "address (--tls-san there), and both clocks must be right")
            }
            throw CleanExitError(
                "\(error). Is it the server's address, does it listen there (--bind-address), and does no firewall "
                    + "close the port?")
        } catch let status as Status where status.code == 401 {
            throw CleanExitError(
                status.message == "Unauthorized"
                    ? "the server does not know this token: `martlet token list` there shows those that it knows"
                    : "the server refuses this token: \(status.message ?? "Unauthorized")")
        } catch let status as Status where status.code == 404 {
            throw CleanExitError(
                "\(server) has no ConfigMap cluster-info in kube-public: does its bootstrap-token controller run?")
        } catch let status as Status {
            throw CleanExitError("\(server): \(status.message ?? "refused")")
        }
    }
}
