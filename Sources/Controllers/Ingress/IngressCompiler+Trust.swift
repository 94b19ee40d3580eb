import KubeModel
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

    /// What a canary says of trust has no effect: what its main Ingress says holds for it.
    func trustOfCanaryProblems(_ annotations: IngressAnnotations) -> [IngressProblem] {
        let keys =
            (annotations.backendTLS.tls == nil ? [] : [annotations.backendTLS.secretKey])
            + (annotations.clientCertificates.policy == nil ? [] : [annotations.clientCertificates.secretKey])
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
