import KubeModel
import TrafficModel

/// Something about an Ingress that its author should know.
struct IngressProblem: Hashable, Sendable {
    /// Which condition of the RouteTable it makes `False`.
    enum Concern: Hashable, Sendable {
        /// The Ingress itself cannot be served as it is written: `Accepted`.
        case acceptance
        /// Something that it refers to is not there or unfit: `ResolvedRefs`.
        case references
        /// It is served all the same.
        case none
    }

    /// Of a canary that stands beside nothing.
    static let canaryNotServed = "CanaryNotServed"

    /// One CamelCase word: the reason of the Event.
    var reason: String
    var message: String
    var concern = Concern.references
}

/// An Ingress as a RouteTable, with what is wrong about it.
struct CompiledIngress: Sendable {
    /// Name, namespace, owner and spec; no revision.
    var table: RouteTable
    var problems: [IngressProblem]
}

/// Compiles Ingresses into RouteTables.
///
/// Routes to a Service or port that does not exist stay in the table: the data plane answers them with 503 until the
/// Service is there. Backends that are no Service lead to a route without backend.
struct IngressCompiler {
    let controllerName: String
    /// The Service of a name in the Ingress's namespace.
    let service: (String) -> Service?
    /// What is wrong with the Secret of a name in the Ingress's namespace; nil for a good one.
    let secretProblem: (String) -> String?
    /// What is wrong with such a Secret for another use.
    var namedSecretProblem: (String, SecretVerdict.Use) -> String? = { _, _ in nil }
    /// What is passed over in a Secret that is good for a use all the same.
    var namedSecretRemark: (String, SecretVerdict.Use) -> String? = { _, _ in nil }
    /// The table that wins a claim against this Ingress, if any.
    let winner: (RouteClaim) -> NamespacedName?
    /// Who serves a claim that a canary has, if anybody: the table, and the route in it.
    var main: (RouteClaim) -> (table: RouteTable, path: RoutePath)? = { _ in nil }
    /// The table of another Ingress of this controller that makes the paths of a host, in lower case, regular expressions.
    var patterns: (String) -> NamespacedName? = { _ in nil }
    var rivals = HostRivals()
    /// A Service of any namespace.
    var anyService: (NamespacedName) -> Service? = { _ in nil }

    func compile(_ ingress: Ingress, className: String?) -> CompiledIngress {
        var problems: [IngressProblem] = []
        var spec = RouteTableSpec(
            controllerName: controllerName, ingressClassName: className,
            sourceCreationTimestamp: ingress.metadata.creationTimestamp)
        if let backend = ingress.spec?.defaultBackend {
            spec.defaultBackend = compile(backend, "the default backend", &problems)
        }
        var claims: [RouteClaim: Int] = [:]
        let rules = (ingress.spec?.rules ?? []).map { rule in
            RouteTableRule(
                host: rule.host?.lowercased(),
                paths: (rule.http?.paths ?? []).map { path in
                    let route = compile(path, host: rule.host, &problems)
                    claims[RouteClaim(host: rule.host, path: route), default: 0] += 1
                    return route
                })
        }
        spec.rules = rules.isEmpty ? nil : rules
        let tls = (ingress.spec?.tls ?? []).map {
            RouteTableTLS(hosts: $0.hosts?.map { $0.lowercased() }, secretName: $0.secretName)
        }
        spec.tls = tls.isEmpty ? nil : tls
        let annotations = IngressAnnotations(
            ingress.metadata.annotations ?? [:], namespace: ingress.metadata.namespace ?? "")
        if let spoken = annotations.backendProtocol {
            spec.editBackends { backend, _ in backend?.appProtocol = spoken }
        }
        spec.canary = annotations.canary.canary
        spec.clientCertificates = annotations.clientCertificates.policy
        let isCanary = spec.canary != nil
        // What guards the main Ingress guards its canaries.
        if !isCanary {
            spec.filters = annotations.filters.filters
            if annotations.passthrough.passesTLSThrough { spec.passesTLSThrough = true }
            spec.hostSettings = annotations.hosts.settings
        }
        spec.editBackends { backend, path in
            guard let name = backend?.serviceName else { return }
            var policy =
                annotations.balancing.policy(service: service(name)?.metadata.annotations) ?? RouteBackendPolicy()
            if !isCanary {
                // A cookie's path is text: that of a regular expression is no beginning of what it matches.
                let path = annotations.rewrite.usesPatterns || annotations.rewrite.rewrite != nil ? "/" : path
                policy.affinity = annotations.affinity.affinity(path: path, seed: service(name)?.metadata.uid)
                policy.retry = annotations.retry.retry
                policy.timeouts = annotations.retry.timeouts
                policy.limits = annotations.limits.limits
                policy.slowStartSeconds = annotations.limits.slowStartSeconds
                policy.tls = annotations.backendTLS.tls
            }
            backend?.policy = policy.isEmpty ? nil : policy
        }
        let affinityProblems =
            isCanary ? annotations.affinity.problemsOfCanary : annotations.affinity.problems
        let told = annotations.balancing.problems + affinityProblems + annotations.retry.problems
        let filterProblems = isCanary ? [] : annotations.filters.problems
        let more =
            annotations.passthrough.problems + filterProblems + annotations.hosts.problems
            + annotations.backendTLS.problems + annotations.clientCertificates.problems
        for problem in told + annotations.limits.problems + annotations.canary.problems + annotations.rewrite.problems
            + more
        {
            problems.append(IngressProblem(reason: "InvalidAnnotation", message: problem, concern: .none))
        }
        if spec.passesTLSThrough == true {
            for problem in PassthroughAnnotations.problems(of: spec) {
                problems.append(IngressProblem(reason: "Passthrough", message: problem, concern: .none))
            }
        }
        makePatterns(&spec, ingress, annotations.rewrite, &problems)
        close(&spec, by: annotations, &problems)
        for (claim, count) in claims.sorted(by: { $0.key.indexValue < $1.key.indexValue }) {
            if count > 1 {
                problems.append(
                    IngressProblem(
                        reason: "DuplicatePath", message: "\(claim) is listed \(count) times; the first one counts",
                        concern: .none))
            }
            if !isCanary, let winner = winner(claim) {
                problems.append(
                    IngressProblem(
                        reason: "Conflict", message: "\(claim) is already served by the older Ingress \(winner)",
                        concern: .acceptance))
            }
        }
        for name in Set((ingress.spec?.tls ?? []).compactMap(\.secretName)).sorted() where !name.isEmpty {
            if let problem = secretProblem(name) {
                problems.append(IngressProblem(reason: "InvalidSecret", message: "Secret \(name): \(problem)"))
            }
        }
        if isCanary {
            problems += trustOfCanaryProblems(annotations)
        } else {
            problems += backendTLSProblems(annotations.backendTLS, spec)
            problems += clientCertificateProblems(annotations.clientCertificates)
            problems += passwordProblems(annotations.filters)
            problems += authenticationProblems(annotations.filters, spec)
        }
        problems += hostProblems(annotations.hosts, spec)
        if isCanary { reduce(&spec, &problems) }
        let metadata = ObjectMeta(
            name: ingress.metadata.name, namespace: ingress.metadata.namespace,
            ownerReferences: [
                OwnerReference(
                    apiVersion: Ingress.definition.apiVersion, kind: "Ingress", name: ingress.metadata.name ?? "",
                    uid: ingress.metadata.uid ?? "", controller: true, blockOwnerDeletion: true)
            ])
        let table = RouteTable(metadata: metadata, spec: spec)
        if isCanary { check(canary: table, &problems) }
        var unique: [IngressProblem] = []
        for problem in problems where !unique.contains(problem) { unique.append(problem) }
        return CompiledIngress(table: table, problems: unique)
    }

    /// Takes away what a canary has from its main Ingress.
    private func reduce(_ spec: inout RouteTableSpec, _ problems: inout [IngressProblem]) {
        if spec.defaultBackend != nil {
            problems.append(
                IngressProblem(
                    reason: "UnsupportedBackend", message: "the default backend of a canary gets no requests",
                    concern: .none))
        }
        spec.defaultBackend = nil
        spec.tls = nil
        spec.clientCertificates = nil
        // The main Ingress says what endpoints speak.
        spec.editBackends { backend, _ in backend?.appProtocol = nil }
    }

    /// What keeps the routes of a canary from getting requests: there is no main route that they may stand beside, or another
    /// canary stands there already.
    private func check(canary table: RouteTable, _ problems: inout [IngressProblem]) {
        for rule in table.spec?.rules ?? [] {
            for path in rule.paths ?? [] {
                let claim = RouteClaim(host: rule.host, path: path)
                if let problem = CanaryFit(table, path, main: main(claim)).problem {
                    problems.append(
                        IngressProblem(
                            reason: IngressProblem.canaryNotServed, message: "\(claim) \(problem)", concern: .acceptance
                        ))
                } else if let winner = winner(claim) {
                    problems.append(
                        IngressProblem(
                            reason: "Conflict", message: "\(claim) has the older canary \(winner) already",
                            concern: .acceptance))
                }
            }
        }
    }

    /// Takes every backend away from an Ingress whose access is guarded in a way that is not understood: its requests
    /// get 503 rather than to be let in.
    private func close(
        _ spec: inout RouteTableSpec, by annotations: IngressAnnotations, _ problems: inout [IngressProblem]
    ) {
        if !annotations.guards.isEmpty {
            spec.editBackends { backend, _ in backend = nil }
            problems.insert(
                IngressProblem(
                    reason: "UnsupportedGuard",
                    message: "access is guarded by annotations that are not supported, so that every route answers 503"
                        + " until they are removed: \(annotations.guards.joined(separator: ", "))",
                    concern: .acceptance), at: 0)
        }
        if let refusal = annotations.clientCertificates.refusal {
            spec.editBackends { backend, _ in backend = nil }
            problems.append(
                IngressProblem(
                    reason: "UnsupportedGuard", message: "\(refusal), so that every route answers 503",
                    concern: .acceptance))
        }
        if spec.canary == nil, !annotations.filters.closing.isEmpty {
            spec.editBackends { backend, _ in backend = nil }
            for sentence in annotations.filters.closing {
                problems.append(IngressProblem(reason: "InvalidGuard", message: sentence, concern: .acceptance))
            }
        }
        if let unsupported = annotations.unsupportedProtocol {
            // What is meant to be encrypted or framed otherwise is not sent in the clear to somebody who expects that.
            spec.editBackends { backend, _ in backend = nil }
            problems.append(
                IngressProblem(
                    reason: "UnsupportedBackend",
                    message: "\(unsupported), so that every route answers 503"))
        }
        if let approximated = annotations.approximatedProtocol {
            problems.append(
                IngressProblem(reason: "UnsupportedAnnotation", message: approximated, concern: .none))
        }
        if !annotations.ignored.isEmpty {
            problems.append(
                IngressProblem(
                    reason: "UnsupportedAnnotation",
                    message: "annotations without effect here: \(annotations.ignored.joined(separator: ", "))",
                    concern: .none))
        }
    }

    private func compile(
        _ path: HTTPIngressPath, host: String?, _ problems: inout [IngressProblem]
    ) -> RoutePath {
        var text = path.path ?? ""
        if !text.hasPrefix("/") { text = "/" + text }
        let place = "\(host ?? "*")\(text)"
        return RoutePath(
            path: text, pathType: path.pathType == "Exact" ? "Exact" : "Prefix",
            backend: compile(path.backend, place, &problems))
    }

    private func compile(
        _ backend: IngressBackend, _ place: String, _ problems: inout [IngressProblem]
    ) -> RouteBackend? {
        guard let wanted = backend.service else {
            let kind = backend.resource.map { "\($0.kind) \($0.name)" } ?? "nothing"
            problems.append(
                IngressProblem(
                    reason: "UnsupportedBackend", message: "\(place): only Services can be backends, not \(kind)"))
            return nil
        }
        if let problem = problem(of: wanted) {
            problems.append(IngressProblem(reason: problem.reason, message: "\(place): \(problem.message)"))
        }
        return RouteBackend(serviceName: wanted.name, port: wanted.port)
    }

    private func problem(of backend: IngressServiceBackend) -> IngressProblem? {
        guard let service = service(backend.name) else {
            return IngressProblem(reason: "ServiceNotFound", message: "there is no Service \(backend.name)")
        }
        let ports = service.spec?.ports ?? []
        let port: ServicePort?
        switch ServicePortSelector(backend.port) {
        case .number(let number):
            // An ExternalName Service needs no ports.
            if service.spec?.type == "ExternalName", ports.isEmpty { return nil }
            port = ports.first { $0.port == number }
        case .name(let name): port = ports.first { $0.name == name }
        case nil: port = ports.count == 1 ? ports[0] : nil
        }
        let text = ServicePortSelector(backend.port).map { "\($0)" } ?? ""
        guard let port else {
            return IngressProblem(
                reason: "ServicePortNotFound", message: "Service \(backend.name) has no port \(text)")
        }
        guard port.protocol ?? "TCP" == "TCP" else {
            return IngressProblem(
                reason: "ServicePortNotFound", message: "port \(text) of Service \(backend.name) is not TCP")
        }
        return nil
    }
}

extension RouteTableSpec {
    /// Changes the backend of every route, and the default one, by its path.
    mutating func editBackends(_ edit: (_ backend: inout RouteBackend?, _ path: String) -> Void) {
        edit(&defaultBackend, "/")
        rules = rules?.map { rule in
            var rule = rule
            rule.paths = rule.paths?.map { path in
                var path = path
                edit(&path.backend, path.path)
                return path
            }
            return rule
        }
    }
}
