import KubeModel
import TrafficModel

/// The annotations that say how requests are shared among endpoints: of an Ingress (ingress-nginx' and ours), and of the
/// Service behind it where the Ingress does not say. Pure.
struct BalancingAnnotations: Hashable, Sendable {
    /// Ours, on Ingress and Service.
    static let balancing = ServiceBalancing.annotation
    /// Ours, on Ingresses: the key of `consistent-hash`.
    static let hashBy = "traffic.martlet.dev/hash-by"
    static let nginxBalancing = "nginx.ingress.kubernetes.io/load-balance"
    static let nginxHashBy = "nginx.ingress.kubernetes.io/upstream-hash-by"

    /// All that are read here, of an Ingress.
    static let keys: Set<String> = [balancing, hashBy, nginxBalancing, nginxHashBy]

    /// What the Ingress says.
    private(set) var policy = RouteBackendPolicy()
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    private(set) var problems: [String] = []

    /// Ours come before ingress-nginx', and `upstream-hash-by` before `load-balance`, as there.
    init(_ annotations: [String: String]) {
        if let value = annotations[Self.nginxBalancing] { readNginxBalancing(value) }
        if let value = annotations[Self.nginxHashBy] { readHashBy(value, Self.nginxHashBy) }
        if let value = annotations[Self.balancing] {
            switch value {
            case "round-robin", "random": policy = RouteBackendPolicy(balancing: "round-robin")
            case "least-connections", "peak-ewma", "consistent-hash": policy = RouteBackendPolicy(balancing: value)
            default:
                problems.append(
                    "\(Self.balancing): \(AnnotationReader.quoted(value)) is not known (round-robin, least-connections, peak-ewma and "
                        + "consistent-hash are), so that it has no effect")
            }
        }
        if let value = annotations[Self.hashBy] {
            if let other = annotations[Self.balancing], other != "consistent-hash" {
                problems.append(
                    "\(Self.hashBy): has no effect beside \(Self.balancing): \(AnnotationReader.quoted(other))")
            } else {
                readHashBy(value, Self.hashBy)
            }
        }
    }

    /// What holds for a backend whose Service has these annotations; nil where nothing is said.
    func policy(service annotations: [String: String]?) -> RouteBackendPolicy? {
        if !policy.isEmpty { return policy.balancing == "round-robin" ? nil : policy }
        // What is not known there is told to the Service's author already.
        return switch ServiceBalancing(annotation: annotations?[ServiceBalancing.annotation]) {
        case .consistentHash: RouteBackendPolicy(balancing: "consistent-hash")
        case .leastConnections: RouteBackendPolicy(balancing: "least-connections")
        case .random, .unknown: nil
        }
    }

    private mutating func readNginxBalancing(_ value: String) {
        switch value {
        case "round_robin": policy = RouteBackendPolicy(balancing: "round-robin")
        case "ewma": policy = RouteBackendPolicy(balancing: "peak-ewma")
        // ingress-nginx has dropped them, and charts still have them.
        case "least_conn": policy = RouteBackendPolicy(balancing: "least-connections")
        case "ip_hash": policy = RouteBackendPolicy(balancing: "consistent-hash")
        default:
            problems.append(
                "\(Self.nginxBalancing): \(AnnotationReader.quoted(value)) is not known (round_robin, ewma, least_conn and ip_hash "
                    + "are), so that it has no effect")
        }
    }

    private mutating func readHashBy(_ value: String, _ key: String) {
        // Empty is ingress-nginx' default.
        if value.isEmpty { return }
        do {
            _ = try HashKeyTemplate(value)
            policy = RouteBackendPolicy(balancing: "consistent-hash", hashBy: value)
        } catch {
            problems.append("\(key): \(AnnotationReader.quoted(value)) \(error), so that it has no effect")
        }
    }
}
