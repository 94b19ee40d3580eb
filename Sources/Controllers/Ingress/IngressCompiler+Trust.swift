import KubeModel
import NetworkTypes
import TrafficModel

extension IngressCompiler {
    /// What keeps backends from being spoken to over TLS as annotations say; the data plane sends them nothing then.
    func backendTLSProblems(_ annotations: BackendTLSAnnotations, _ spec: RouteTableSpec) -> [IngressProblem] {
        guard let tls = annotations.tls else { return [] }
        var problems: [IngressProblem] = []
        if let name = tls.secretName {
            let use: SecretVerdict.Use = tls.verify == true ? .verifyingServers : .identifying
            if let problem = namedSecretProblem(name, use) {
                problems.append(
                    IngressProblem(
                        reason: "InvalidSecret",
                        message:
                            "\(annotations.secretKey): Secret \(name): \(problem), so that nothing is sent to backends")
                )
            }
        }
        guard tls.verify == true else { return problems }
        let backends = (spec.rules ?? []).flatMap { ($0.paths ?? []).compactMap(\.backend) }
        for backend in backends + [spec.defaultBackend].compactMap(\.self) where !speaksTLS(backend) {
            problems.append(
                IngressProblem(
                    reason: "UnsupportedBackend",
                    message:
                        "\(annotations.verifyKey): Service \(backend.serviceName) is not spoken to over TLS (backend-protocol "
                        + "HTTPS and GRPCS are), so that nothing is sent to it"))
        }
        return problems
    }

    /// What keeps clients from being verified; the data plane lets nobody in then.
    func clientCertificateProblems(_ annotations: ClientCertificateAnnotations) -> [IngressProblem] {
        guard let name = annotations.policy?.secretName, let problem = namedSecretProblem(name, .verifyingClients)
        else {
            return []
        }
        return [
            IngressProblem(
                reason: "InvalidSecret",
                message: "\(annotations.secretKey): Secret \(name): \(problem), so that every route answers 503")
        ]
    }

    /// What keeps passwords from being checked; the data plane lets nobody in then. And whose are passed over.
    func passwordProblems(_ annotations: FilterAnnotations) -> [IngressProblem] {
        guard let policy = annotations.filters?.basicAuthentication else { return [] }
        let use: SecretVerdict.Use = policy.secretType == "auth-map" ? .passwordMap : .passwordFile
        let place = "\(annotations.passwordsKey): Secret \(policy.secretName)"
        if let problem = namedSecretProblem(policy.secretName, use) {
            return [
                IngressProblem(
                    reason: "InvalidSecret", message: "\(place): \(problem), so that every route answers 503")
            ]
        }
        return namedSecretRemark(policy.secretName, use).map { remark in
            [
                IngressProblem(
                    reason: "InvalidSecret", message: "\(place): \(remark), so that it lets nobody in", concern: .none)
            ]
        } ?? []
    }

    /// What keeps the service from being asked about requests; the data plane lets nobody in then.
    func authenticationProblems(_ annotations: FilterAnnotations, _ spec: RouteTableSpec) -> [IngressProblem] {
        // What cannot be read was told of.
        guard let text = annotations.filters?.externalAuthentication?.url, let url = try? AuthenticationURL(text) else {
            return []
        }
        func problem(_ reason: String, _ message: String) -> [IngressProblem] {
            [
                IngressProblem(
                    reason: reason, message: "\(annotations.externalKey): \(message), so that nobody is let in")
            ]
        }
        if let name = url.service {
            guard let service = anyService(name) else {
                return problem("ServiceNotFound", "there is no Service \(name)")
            }
            let port = Int(url.effectivePort)
            let ports = service.spec?.ports ?? []
            let isThere = ports.contains { $0.port == port && $0.protocol ?? "TCP" == "TCP" }
            return isThere ? [] : problem("ServicePortNotFound", "Service \(name) has no port \(port)")
        }
        guard case .named(let name) = url.host, IPAddress(name) == nil else { return [] }
        let isOurs = (spec.rules ?? []).contains { $0.host == name } || rivals.host(name) != nil
        return isOurs
            ? []
            : problem(
                "AuthenticationNotFound",
                "\(name) is neither a Service (NAME.NAMESPACE.svc.cluster.local) nor a host of a route, and other names are not"
                    + " looked up")
    }

    /// What a canary says of trust has no effect: what its main Ingress says holds for it.
    func trustOfCanaryProblems(_ annotations: IngressAnnotations) -> [IngressProblem] {
        let keys =
            (annotations.backendTLS.tls == nil ? [] : [annotations.backendTLS.secretKey])
            + (annotations.clientCertificates.policy == nil ? [] : [annotations.clientCertificates.secretKey])
            + (annotations.filters.filters?.basicAuthentication == nil ? [] : [annotations.filters.passwordsKey])
            + (annotations.filters.filters?.externalAuthentication == nil ? [] : [annotations.filters.externalKey])
        return keys.map { key in
            IngressProblem(
                reason: "InvalidAnnotation",
                message: "\(key): has no effect on a canary, for which what its main Ingress says holds", concern: .none
            )
        }
    }

    private func speaksTLS(_ backend: RouteBackend) -> Bool {
        let ports = service(backend.serviceName)?.spec?.ports ?? []
        let port: ServicePort?
        switch ServicePortSelector(backend.port) {
        case .number(let number): port = ports.first { $0.port == number }
        case .name(let name): port = ports.first { $0.name == name }
        case nil: port = ports.count == 1 ? ports[0] : nil
        }
        // One that is missing is told of by itself.
        guard let spoken = backend.appProtocol ?? (port == nil ? "https" : port?.appProtocol) else { return false }
        return ["https", "grpcs"].contains(spoken.lowercased())
    }
}
