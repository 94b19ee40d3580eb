import KubeModel
import Testing
import TrafficModel

@testable import Controllers

@Suite("Annotations about balancing") struct BalancingAnnotationsTests {
    private static let nginx = "nginx.ingress.kubernetes.io/"
    private static let ours = "traffic.martlet.dev/"

    @Test(arguments: [
        ([nginx + "load-balance": "ewma"], RouteBackendPolicy(balancing: "peak-ewma")),
        ([nginx + "load-balance": "least_conn"], RouteBackendPolicy(balancing: "least-connections")),
        ([nginx + "load-balance": "ip_hash"], RouteBackendPolicy(balancing: "consistent-hash")),
        (
            [nginx + "load-balance": "ewma", nginx + "upstream-hash-by": "$request_uri"],
            RouteBackendPolicy(balancing: "consistent-hash", hashBy: "$request_uri")
        ),
        (
            [nginx + "upstream-hash-by": "$host", ours + "balancing": "least-connections"],
            RouteBackendPolicy(balancing: "least-connections")
        ),
        (
            [ours + "balancing": "consistent-hash", ours + "hash-by": "$http_x_user"],
            RouteBackendPolicy(balancing: "consistent-hash", hashBy: "$http_x_user")
        ),
        ([ours + "balancing": "consistent-hash"], RouteBackendPolicy(balancing: "consistent-hash")),
        ([ours + "hash-by": "$arg_id"], RouteBackendPolicy(balancing: "consistent-hash", hashBy: "$arg_id")),
    ])
    func `they are read, ours before others'`(annotations: [String: String], policy: RouteBackendPolicy) {
        let read = IngressAnnotations(annotations)
        #expect(read.balancing.policy(service: [Self.ours + "balancing": "consistent-hash"]) == policy)
        #expect(read.balancing.problems == [])
        #expect(read.guards == [] && read.ignored == [])
    }

    @Test func `the Service's counts where the Ingress says nothing`() {
        let none = IngressAnnotations([:]).balancing
        let service = { (value: String) in [Self.ours + "balancing": value] }
        #expect(none.policy(service: nil) == nil)
        #expect(none.policy(service: service("random")) == nil)
        #expect(none.policy(service: service("nonsense")) == nil)
        #expect(none.policy(service: service("least-connections"))?.balancing == "least-connections")
        #expect(none.policy(service: service("consistent-hash")) == RouteBackendPolicy(balancing: "consistent-hash"))
        let plain = IngressAnnotations([Self.nginx + "load-balance": "round_robin"]).balancing
        #expect(plain.policy(service: service("least-connections")) == nil)
    }

    @Test(arguments: [
        (nginx + "load-balance", "chash"), (nginx + "upstream-hash-by", "$nope"), (ours + "balancing", "best"),
        (ours + "hash-by", "$"),
    ])
    func `what is not known has no effect, and an Event names the annotation`(key: String, value: String) {
        let ingress = Sample.ingress { $0.metadata.annotations = [key: value] }
        let compiled = IngressCompiler(
            controllerName: "martlet.dev/ingress",
            service: { _ in
                Service(metadata: ObjectMeta(name: "web"), spec: ServiceSpec(ports: [ServicePort(port: 80)]))
            },
            secretProblem: { _ in nil }, winner: { _ in nil }
        ).compile(ingress, className: "martlet")
        let backends = compiled.table.spec?.rules?.flatMap { ($0.paths ?? []).map(\.backend) } ?? []
        #expect(!backends.isEmpty && backends.allSatisfy { $0 != nil && $0?.policy == nil })
        #expect(compiled.problems.map(\.reason) == ["InvalidAnnotation"])
        #expect(compiled.problems.first?.message.hasPrefix("\(key): \"\(value)\"") == true)
        #expect(compiled.problems.first?.concern == IngressProblem.Concern.none)
    }
}
