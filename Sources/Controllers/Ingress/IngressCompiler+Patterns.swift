import KubeModel
import TrafficModel

// Paths that are regular expressions.
extension IngressCompiler {
    /// Marks the table whose Ingress wants regular expressions, takes the backends of paths that are none, and tells where
    /// ingress-nginx' ways differ from what the Ingress says.
    func makePatterns(
        _ spec: inout RouteTableSpec, _ ingress: Ingress, _ annotations: RewriteAnnotations,
        _ problems: inout [IngressProblem]
    ) {
        if spec.canary == nil {
            // A target makes them so whether or not it can be had.
            if annotations.usesPatterns || annotations.unsupportedTarget != nil { spec.pathPatterns = true }
            spec.rewrite = annotations.rewrite
        }
        if let unsupported = annotations.unsupportedTarget {
            spec.editBackends { backend, _ in backend = nil }
            problems.append(
                IngressProblem(
                    reason: "InvalidAnnotation", message: "\(unsupported), so that every route answers 503",
                    concern: .acceptance))
        }
        spec.rules = spec.rules?.enumerated().map { index, rule in
            let host = rule.host ?? ""
            let isOwn = spec.hasPatterns(rule)
            let source = isOwn ? nil : patterns(host)
            guard isOwn || source != nil else { return rule }
            if let source, spec.canary == nil {
                tell(
                    "the paths of host \"\(host)\" are regular expressions in whatever case that match where a path begins, "
                        + "whatever their pathType, as in ingress-nginx: Ingress \(source) has use-regex or rewrite-target",
                    &problems)
            } else if spec.canary == nil {
                tellOfTypes(ingress.spec?.rules?[index].http?.paths ?? [], host, &problems)
            }
            var rule = rule
            rule.paths = rule.paths?.map { path in
                var path = path
                let place = "\(host.isEmpty ? "*" : host)\(path.path)"
                if let problem = PathPattern.problem(of: path.path) {
                    path.backend = nil
                    problems.append(
                        IngressProblem(
                            reason: "InvalidPath",
                            message: "\(place) \(problem), so that \(Self.consequence(of: path.path, spec))",
                            concern: .acceptance))
                } else if PathPattern(path.path).hasLooseAlternative {
                    tell(
                        "\(place): only the first alternative of this regular expression matches where a path begins, the "
                            + "others anywhere, as in ingress-nginx", &problems)
                }
                return path
            }
            return rule
        }
    }

    /// What becomes of requests whose path may be one that nobody can read.
    private static func consequence(of path: String, _ spec: RouteTableSpec) -> String {
        if PathPattern(path).start.count > 1 { return "it answers 503" }
        let isGuarded = spec.filters?.guardsAccess ?? false || spec.clientCertificates != nil
        return isGuarded
            ? "every path that a longer one does not take answers 503, where all are of this namespace"
            : "what no other path takes answers 503"
    }

    private func tellOfTypes(
        _ paths: [HTTPIngressPath], _ host: String, _ problems: inout [IngressProblem]
    ) {
        let types = Set(paths.compactMap(\.pathType)).intersection(["Exact", "Prefix"]).sorted()
        // What a prefix of everything covers is the same.
        guard paths.contains(where: { $0.pathType == "Exact" || $0.pathType == "Prefix" && $0.path != "/" }) else {
            return
        }
        tell(
            "pathType \(types.joined(separator: " and ")) of host \"\(host)\" has no effect: beside use-regex or "
                + "rewrite-target every path is a regular expression in whatever case that matches where a path begins, "
                + "as in ingress-nginx", &problems)
    }

    private func tell(_ message: String, _ problems: inout [IngressProblem]) {
        problems.append(IngressProblem(reason: "PathsArePatterns", message: message, concern: .none))
    }
}
