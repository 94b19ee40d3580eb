import KubeModel

/// ingress-nginx' annotation that leaves TLS to the backends, and ours of the same name. Pure.
struct PassthroughAnnotations: Hashable, Sendable {
    private static let names = ["ssl-passthrough"]

    /// All that are read here.
    static let keys = AnnotationReader.twins(names)

    let passesTLSThrough: Bool
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    let problems: [String]

    init(_ annotations: [String: String]) {
        var reader = AnnotationReader(twins: annotations)
        passesTLSThrough = reader.boolean("ssl-passthrough") ?? false
        problems = reader.problems
    }

    /// What the annotation cannot do for an Ingress, each a sentence.
    static func problems(of spec: RouteTableSpec) -> [String] {
        var problems: [String] = []
        for rule in spec.rules ?? [] {
            let host = rule.host ?? ""
            if host.isEmpty {
                problems.append("ssl-passthrough has no effect on a rule without a host")
            } else if !(rule.paths ?? []).contains(where: { $0.path == "/" }) {
                problems.append("ssl-passthrough has no effect on \(host), which has no path /")
            }
        }
        if spec.filters?.clientLimits != nil {
            problems.append("limits for each client have no effect on TLS connections that are passed through")
        }
        let asksForMore = spec.filters?.basicAuthentication != nil || spec.filters?.externalAuthentication != nil
        if spec.clientCertificates != nil || asksForMore {
            problems.append(
                "connections that are passed through are not asked for certificates here, nor for passwords, so that they"
                    + " are closed")
        }
        return problems
    }
}
