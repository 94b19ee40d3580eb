import KubeModel
import Testing

/// Short ways to write objects in these tests.
enum Sample {
    static func service(_ name: String = "web", change: (inout Service) -> Void = { _ in }) -> Service {
        var service = Service(
            metadata: ObjectMeta(name: name, namespace: "shop", uid: "uid-\(name)"),
            spec: ServiceSpec(
                type: "ClusterIP", clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"], ipFamilies: ["IPv4"],
                ports: [ServicePort(name: "http", protocol: "TCP", port: 80, targetPort: 8080)],
                selector: ["app": name]))
        change(&service)
        return service
    }

    static func pod(
        _ name: String, _ ips: String..., app: String = "web", ready: Bool = true,
        change: (inout Pod) -> Void = { _ in }
    ) -> Pod {
        var pod = Pod(
            metadata: ObjectMeta(name: name, namespace: "shop", uid: "uid-\(name)", labels: ["app": app]),
            spec: PodSpec(containers: [Container(name: "main", image: "web:1")]),
            status: PodStatus(
                phase: "Running", conditions: [PodCondition(type: "Ready", status: ready ? "True" : "False")],
                podIP: ips.first, podIPs: ips.map { PodIP(ip: $0) }))
        change(&pod)
        return pod
    }

    static func ingress(
        _ name: String = "shop", className: String? = "martlet", created: Int64 = 100,
        _ rules: [(String?, String, String, String)] = [("shop.example.com", "/", "Prefix", "web")],
        change: (inout Ingress) -> Void = { _ in }
    ) -> Ingress {
        var ingress = Ingress(
            metadata: ObjectMeta(
                name: name, namespace: "shop", uid: "uid-\(name)",
                creationTimestamp: Timestamp(secondsSinceEpoch: created)),
            spec: IngressSpec(
                ingressClassName: className,
                rules: rules.map { rule in
                    IngressRule(
                        host: rule.0,
                        http: HTTPIngressRuleValue(paths: [
                            HTTPIngressPath(path: rule.1, pathType: rule.2, backend: backend(rule.3))
                        ]))
                }))
        change(&ingress)
        return ingress
    }

    static func backend(_ service: String, port: Int = 80) -> IngressBackend {
        IngressBackend(service: IngressServiceBackend(name: service, port: ServiceBackendPort(number: port)))
    }

    static func ingressClass(
        _ name: String, controller: String, isDefault: Bool = false, created: Int64 = 0
    ) -> IngressClass {
        IngressClass(
            metadata: ObjectMeta(
                name: name, creationTimestamp: Timestamp(secondsSinceEpoch: created),
                annotations: isDefault ? ["ingressclass.kubernetes.io/is-default-class": "true"] : nil),
            spec: IngressClassSpec(controller: controller))
    }

    static func key(_ name: String) -> NamespacedName { NamespacedName(namespace: "shop", name: name) }
}

/// Waits for a condition by polling; records an issue when it does not come true in time.
func eventually(
    _ what: Comment = "the condition comes true", within limit: Duration = .seconds(120),
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(2))
    }
    Issue.record(what, sourceLocation: sourceLocation)
}
