import KubeModel
import Transport

/// Decides what becomes of a request for a node's certificate (`kubernetes.io/kube-apiserver-client-kubelet`), as
/// Kubernetes' approving, signing and cleaning controllers do together. Pure.
struct NodeCertificatePolicy {
    static let signerName = "kubernetes.io/kube-apiserver-client-kubelet"

    enum Decision: Equatable {
        /// Somebody else's business, or nothing to do.
        case nothing
        /// Nothing to do before this time has passed.
        case wait(Duration)
        case approve(message: String)
        case deny(reason: String, message: String)
        /// Issue a certificate that is good for so many seconds.
        case sign(seconds: Int)
        /// It was approved, and yet no certificate may come of it.
        case fail(message: String)
        case delete
    }

    /// How long a certificate is good for at most.
    var longestSeconds: Int

    /// Undecided requests are kept for a day, decided ones for an hour.
    static let pendingSeconds: Int64 = 86400
    static let decidedSeconds: Int64 = 3600
    private static let usages: [Set<String>] = [
        ["digital signature", "client auth"], ["digital signature", "key encipherment", "client auth"],
    ]

    /// - Parameters:
    ///   - request: what `spec.request` holds, or why it cannot be read.
    ///   - isNameAlive: whether a data plane heartbeats as the node that the request names.
    func decide(
        _ object: CertificateSigningRequest, _ request: Result<CertificateRequest, TransportError>, isNameAlive: Bool,
        now: Timestamp
    ) -> Decision {
        guard let spec = object.spec, object.metadata.deletionTimestamp == nil else { return .nothing }
        if let rest = Self.keptFor(object, now: now) {
            if rest <= 0 { return .delete }
        }
        guard spec.signerName == Self.signerName else { return wait(object, now) }
        if object.has("Denied") || object.has("Failed") || object.status?.certificate != nil {
            return wait(object, now)
        }
        let violations = Self.violations(spec, request)
        guard object.has("Approved") else {
            guard let asker = Self.asker(spec) else { return wait(object, now) }
            if let violation = violations.first { return .deny(reason: "InvalidRequest", message: violation) }
            switch asker {
            case .bootstrapper where isNameAlive:
                return .deny(
                    reason: "NodeNameInUse",
                    message:
                        "a node of this name is alive: give this machine another --node-name, or wait until the other "
                        + "one's Lease in \(NodeLease.namespace) has run out")
            case .bootstrapper: return .approve(message: "Approved: asked for with a bootstrap token")
            case .node: return .approve(message: "Approved: the node renews its own certificate")
            }
        }
        if let violation = violations.first { return .fail(message: violation) }
        return .sign(seconds: min(spec.expirationSeconds ?? longestSeconds, longestSeconds))
    }

    /// The node that a request names; nil where it names none.
    static func nodeName(_ request: Result<CertificateRequest, TransportError>) -> String? {
        guard case .success(let request) = request, request.subject.commonName.hasPrefix("system:node:") else {
            return nil
        }
        return String(request.subject.commonName.dropFirst("system:node:".count))
    }

    private enum Asker { case bootstrapper, node }

    /// Who may have it without a person's word: a bootstrap token for any node, a node for itself. The latter is told by
    /// `violations`, since its request must name it.
    private static func asker(_ spec: CertificateSigningRequestSpec) -> Asker? {
        let groups = spec.groups ?? []
        let user = spec.username ?? ""
        if user.hasPrefix("system:bootstrap:"), groups.contains(BootstrapToken.group) { return .bootstrapper }
        if user.hasPrefix("system:node:"), groups.contains("system:nodes") { return .node }
        return nil
    }

    private static func violations(
        _ spec: CertificateSigningRequestSpec, _ request: Result<CertificateRequest, TransportError>
    ) -> [String] {
        let parsed: CertificateRequest
        switch request {
        case .failure(let error): return [error.message]
        case .success(let request): parsed = request
        }
        var violations: [String] = []
        if !usages.contains(Set(spec.usages ?? [])) {
            violations.append("usages must be \"digital signature\", \"client auth\" and perhaps \"key encipherment\"")
        }
        let subject = parsed.subject
        if subject.organizations != ["system:nodes"] {
            violations.append("the subject's organization must be system:nodes and nothing else")
        }
        if let name = nodeName(request), Validation.dns1123Subdomain(name).isEmpty {
            if let user = spec.username, user.hasPrefix("system:node:"), user != subject.commonName {
                violations.append("\(user) may not ask for a certificate of \(subject.commonName)")
            }
        } else {
            violations.append("the subject's common name must be system:node: and a node's name")
        }
        if let attribute = parsed.furtherSubjectAttributes.first {
            violations.append("the subject may not have \(attribute) beside one CN and one O")
        }
        if let name = parsed.requestedExtensions.first {
            violations.append("a node's client certificate has no extensions of the requester's choice: \(name)")
        }
        return violations
    }

    private func wait(_ object: CertificateSigningRequest, _ now: Timestamp) -> Decision {
        Self.keptFor(object, now: now).map { .wait(.seconds($0)) } ?? .nothing
    }

    /// For how many more seconds a request is kept; nil where nobody knows when it was made.
    private static func keptFor(_ object: CertificateSigningRequest, now: Timestamp) -> Int64? {
        guard let made = object.metadata.creationTimestamp else { return nil }
        var start = made
        var seconds = pendingSeconds
        let decisions = (object.status?.conditions ?? []).filter { ["Approved", "Denied", "Failed"].contains($0.type) }
        let isApprovedOnly = object.has("Approved") && object.status?.certificate == nil && !object.has("Failed")
        if !decisions.isEmpty, !isApprovedOnly {
            start = decisions.compactMap(\.lastUpdateTime).max() ?? made
            seconds = decidedSeconds
        }
        return start.secondsSinceEpoch + seconds - now.secondsSinceEpoch
    }
}
