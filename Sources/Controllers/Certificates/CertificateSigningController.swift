import KubeClient
import KubeModel
import Logging
import Transport

/// Gives nodes their certificates: carries out what ``NodeCertificatePolicy`` decides.
final class CertificateSigningController: Controller {
    let name = "certificate-signing-controller"
    private let client: APIClient
    private let requests: Informer<CertificateSigningRequest>
    private let policy: NodeCertificatePolicy
    private let authority: CertificateAuthority
    private let logger: Logger
    private let wallClock: @Sendable () -> MicroTime

    init(_ context: ControllerContext, _ configuration: CertificateSigningConfiguration) {
        client = context.client
        requests = context.informers.informer()
        logger = context.logger
        wallClock = context.wallClock
        authority = configuration.authority
        policy = NodeCertificatePolicy(longestSeconds: configuration.seconds)
    }

    func run() async throws {
        let queue = WorkQueue<String>()
        var scope = HandlerScope()
        scope.add(requests.addHandler { queue.add($0.key.name) })
        try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] name in
            try await reconcile(name)
        }.run(after: [requests])
        _ = consume scope
    }

    func reconcile(_ name: String) async throws -> ReconcileOutcome {
        guard let object = requests.store.get(name) else { return .settled }
        let request = Self.read(object.spec?.request ?? "")
        let now = wallClock()
        let isAlive = try await isAlive(NodeCertificatePolicy.nodeName(request), now)
        switch policy.decide(object, request, isNameAlive: isAlive, now: now.timestamp) {
        case .nothing: return .settled
        case .wait(let duration): return .again(after: duration)
        case .approve(let message):
            try await decide(object, "Approved", reason: "AutoApproved", message, subresource: "approval")
        case .deny(let reason, let message):
            logger.notice("certificate request \(name) of \(object.spec?.username ?? ""): denied: \(message)")
            try await decide(object, "Denied", reason: reason, message, subresource: "approval")
        case .fail(let message):
            try await decide(object, "Failed", reason: "SignerValidationFailure", message, subresource: "status")
        case .sign(let seconds):
            try await sign(object, try request.get(), seconds)
        case .delete:
            do {
                try await client.delete(
                    CertificateSigningRequest.self, name, options: DeleteOptions(uid: object.metadata.uid))
            } catch let status as Status where status.isNotFound {
                // It is gone; the watch will tell.
            }
        }
        return .settled
    }

    private static func read(_ text: String) -> Result<CertificateRequest, TransportError> {
        guard let bytes = Base64.decode(text) else {
            return .failure(TransportError(.certificate, "the request is not base64"))
        }
        return Result { () throws(TransportError) in try CertificateRequest(pem: bytes) }
    }

    /// Whether a data plane, or a kubelet, heartbeats under this name.
    private func isAlive(_ node: String?, _ now: MicroTime) async throws -> Bool {
        guard let node, Validation.dns1123Subdomain(node).isEmpty else { return false }
        do {
            return NodeLease.isHeld(try await client.get(Lease.self, node, namespace: NodeLease.namespace), now: now)
        } catch let status as Status where status.isNotFound {
            return false
        }
    }

    private func decide(
        _ object: CertificateSigningRequest, _ type: String, reason: String, _ message: String, subresource: String
    ) async throws {
        var conditions = object.status?.conditions ?? []
        conditions.append(
            CertificateSigningRequestCondition(
                type: type, reason: reason, message: message, lastUpdateTime: wallClock().timestamp))
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(object.metadata.resourceVersion ?? "")],
            "status": ["conditions": .array(try conditions.map { try ObjectEncoder.encode($0) })],
        ]
        try await write(object, patch, subresource)
    }

    private func sign(
        _ object: CertificateSigningRequest, _ request: CertificateRequest, _ seconds: Int
    ) async throws {
        let certificate = try authority.issueClient(request, seconds: seconds)
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(object.metadata.resourceVersion ?? "")],
            "status": ["certificate": .string(Base64.encode(certificate))],
        ]
        try await write(object, patch, "status")
        logger.notice(
            "issued a certificate to \(request.subject.commonName), asked for by \(object.spec?.username ?? "")")
    }

    private func write(_ object: CertificateSigningRequest, _ patch: JSONValue, _ subresource: String) async throws {
        do {
            let written = try await client.patch(
                CertificateSigningRequest.self, object.metadata.name ?? "", .merge(patch), subresource: subresource)
            requests.absorb(written)
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }
}
