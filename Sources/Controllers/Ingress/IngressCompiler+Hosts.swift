import KubeModel
import TrafficModel

// What holds for hosts as a whole.
extension IngressCompiler {
    /// Who else speaks of a name: tables of other Ingresses.
    struct HostRivals {
        /// One that has the name, in lower case, for a host.
        var host: (String) -> NamespacedName? = { _ in nil }
        /// An older one that has it for an alias.
        var alias: (String) -> NamespacedName? = { _ in nil }
        /// An older one with another ``RouteHostSettings/appRoot`` for the host.
        var appRoot: (_ host: String, _ path: String) -> NamespacedName? = { _, _ in nil }
    }

    /// What of the annotations has no effect, and why. The data plane decides by the same rules.
    func hostProblems(_ annotations: HostAnnotations, _ spec: RouteTableSpec) -> [IngressProblem] {
        guard let settings = annotations.settings else { return [] }
        if spec.canary != nil {
            return [
                (settings.appRoot != nil, annotations.appRootKey), (settings.aliases != nil, annotations.aliasKey),
                (settings.redirectsWWW == true, annotations.redirectKey),
            ].filter { $0.0 }.map { problem("\($1): has no effect on a canary", "InvalidAnnotation") }
        }
        var problems: [IngressProblem] = []
        let hosts = (spec.rules ?? []).map { $0.host ?? "" }
        if let path = settings.appRoot {
            for host in Set(hosts).sorted() {
                guard let other = rivals.appRoot(host, path) else { continue }
                problems.append(
                    conflict("\(annotations.appRootKey): the older Ingress \(other) has another one for \(name(host))"))
            }
        }
        if settings.redirectsWWW == true {
            problems += redirectProblems(annotations.redirectKey, Set(hosts))
        }
        guard let aliases = settings.aliases else { return problems }
        guard let first = hosts.first(where: { !$0.isEmpty }) else {
            problems.append(
                problem("\(annotations.aliasKey): has no effect without a rule that names a host", "InvalidAnnotation"))
            return problems
        }
        if Set(hosts).subtracting([""]).count > 1 {
            problems.append(
                problem(
                    "\(annotations.aliasKey): a name stands for one host, here for the first, \(first)",
                    "InvalidAnnotation"))
        }
        for alias in aliases where alias != first {
            if hosts.contains(alias) {
                problems.append(conflict("\(annotations.aliasKey): \(alias) is a host of this Ingress itself"))
            } else if let other = rivals.host(alias) {
                problems.append(conflict("\(annotations.aliasKey): \(alias) is a host of Ingress \(other)"))
            } else if let other = rivals.alias(alias) {
                problems.append(
                    conflict(
                        "\(annotations.aliasKey): \(alias) is another name of a host of the older Ingress \(other)"))
            }
        }
        return problems
    }

    private func redirectProblems(_ key: String, _ hosts: Set<String>) -> [IngressProblem] {
        hosts.sorted().compactMap { host in
            guard let counterpart = RouteHostSettings.counterpart(of: host) else {
                return problem("\(key): has no effect on \(name(host)), which is no whole name", "InvalidAnnotation")
            }
            if hosts.contains(counterpart) {
                return conflict("\(key): \(counterpart) is a host of this Ingress itself, and is not sent to \(host)")
            }
            return rivals.host(counterpart).map {
                conflict("\(key): \(counterpart) is a host of Ingress \($0), and is not sent to \(host)")
            }
        }
    }

    private func name(_ host: String) -> String { host.isEmpty ? "every host" : host }

    private func conflict(_ message: String) -> IngressProblem { problem(message, "Conflict") }

    private func problem(_ message: String, _ reason: String) -> IngressProblem {
        IngressProblem(reason: reason, message: message, concern: .none)
    }
}
