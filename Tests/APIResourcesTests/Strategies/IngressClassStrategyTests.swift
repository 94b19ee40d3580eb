import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of IngressClasses") struct IngressClassStrategyTests {
    static func ingressClass(_ controller: String, _ parameters: JSONValue? = nil) -> JSONValue {
        var object: JSONValue = ["metadata": ["name": "shop"], "spec": ["controller": .string(controller)]]
        object["spec"]["parameters"] = parameters
        return object
    }

    static let cases: [RefusalCase] = [
        RefusalCase("good", ingressClass("example.com/a/b", ["kind": "K", "name": "n"])),
        RefusalCase("empty", ingressClass(""), "spec.controller: Required value"),
        RefusalCase(
            "no path", ingressClass("example.com"),
            "spec.controller: Invalid value: \"example.com\": must be a domain-prefixed path (such as "
                + "\"acme.io/foo\")"),
        RefusalCase(
            "a bad domain", ingressClass("A/b"), "spec.controller: Invalid value: \"A\": \(Wording.subdomain)"),
        RefusalCase(
            "a bad path", ingressClass("a.b/c d"),
            "spec.controller: Invalid value: \"c d\": Invalid path (regex used for validation is "
                + "'[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"),
        RefusalCase(
            "too long", ingressClass("a.b/" + String(repeating: "c", count: 250)),
            "spec.controller: Too long: may not be more than 250 bytes"),
        RefusalCase(
            "parameters", ingressClass("a.b/c", ["scope": "Namespace"]),
            "spec.parameters.kind: Required value",
            "spec.parameters.name: Required value",
            "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"),
        RefusalCase(
            "a namespace for the cluster", ingressClass("a.b/c", ["kind": "K", "name": "n", "namespace": "x"]),
            "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"),
        RefusalCase(
            "an unknown scope", ingressClass("a.b/c", ["kind": "K", "name": "n", "scope": "World"]),
            "spec.parameters.scope: Unsupported value: \"World\": supported values: \"Cluster\", \"Namespace\""),
    ]

    @Test(arguments: cases)
    func `an IngressClass is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(IngressClassStrategy(defaultClasses: DefaultIngressClasses()))
    }

    @Test func `the controller can't be changed`() {
        let fixture = StrategyFixture(strategy: IngressClassStrategy(defaultClasses: DefaultIngressClasses()))
        #expect(
            fixture.update(Self.ingressClass("a.b/d"), from: Self.ingressClass("a.b/c")).refusals
                == ["spec.controller: Invalid value: \"a.b/d\": field is immutable"])
    }
}
