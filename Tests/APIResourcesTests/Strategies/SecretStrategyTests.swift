import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Secrets") struct SecretStrategyTests {
    static func secret(_ type: String, _ data: JSONValue = [:], annotations: JSONValue = [:]) -> JSONValue {
        ["metadata": ["name": "s", "annotations": annotations], "type": .string(type), "data": data]
    }

    static let cases: [RefusalCase] = [
        RefusalCase("opaque", secret("Opaque", ["a.b_c-D": "aGk="])),
        RefusalCase("of the user's own type", secret("example.com/x")),
        RefusalCase("TLS", secret("kubernetes.io/tls", ["tls.crt": "YQ==", "tls.key": ""])),
        RefusalCase(
            "TLS without data", secret("kubernetes.io/tls"), "data[tls.crt]: Required value",
            "data[tls.key]: Required value"),
        RefusalCase(
            "bad keys", secret("Opaque", ["a/b": "", "..": "", "..x": ""]),
            "data[a/b]: Invalid value: \"a/b\": \(Wording.dataKey)",
            "data[..]: Invalid value: \"..\": must not be '..'",
            "data[..x]: Invalid value: \"..x\": must not start with '..'"),
        RefusalCase(
            "bad base64", secret("Opaque", ["a": "%", "b": "YQ"]),
            "data[a]: Invalid value: \"<contents redacted>\": illegal base64 data",
            "data[b]: Invalid value: \"<contents redacted>\": illegal base64 data"),
        RefusalCase(
            "more than 1 MiB", secret("Opaque", ["a": .string(String(repeating: "AAAA", count: 349_526))]),
            "data: Too long: may not be more than 1048576 bytes"),
        RefusalCase(
            "basic auth", secret("kubernetes.io/basic-auth"), "data[username]: Required value",
            "data[password]: Required value"),
        RefusalCase("basic auth with a password", secret("kubernetes.io/basic-auth", ["password": "YQ=="])),
        RefusalCase("SSH", secret("kubernetes.io/ssh-auth"), "data[ssh-privatekey]: Required value"),
        RefusalCase("docker", secret("kubernetes.io/dockercfg"), "data[.dockercfg]: Required value"),
        RefusalCase("docker JSON", secret("kubernetes.io/dockerconfigjson", [".dockerconfigjson": "e30="])),
        RefusalCase(
            "a token", secret("kubernetes.io/service-account-token"),
            "metadata.annotations[kubernetes.io/service-account.name]: Required value"),
    ]

    @Test(arguments: cases)
    func `a Secret is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(SecretStrategy())
    }

    @Test func `docker configuration has to be JSON`() {
        let outcome = StrategyFixture(strategy: SecretStrategy()).create(
            Self.secret("kubernetes.io/dockercfg", [".dockercfg": "e3s="]))
        #expect(outcome.refusals.count == 1)
        #expect(outcome.refusals[0].hasPrefix("data[.dockercfg]: Invalid value: \"<secret contents redacted>\": "))
    }

    @Test func `stringData ends up in data and wins`() throws {
        let object: JSONValue = [
            "metadata": ["name": "s"], "data": ["a": "YQ==", "b": "YQ=="], "stringData": ["b": "hü", "c": ""],
        ]
        let stored = try #require(StrategyFixture(strategy: SecretStrategy()).create(object).document)
        #expect(stored["data"] == ["a": "YQ==", "b": "aMO8", "c": ""])
        #expect(stored["stringData"] == nil)
        #expect(stored["type"] == "Opaque")
    }

    @Test func `type and immutable data stay`() {
        let fixture = StrategyFixture(strategy: SecretStrategy())
        var old = Self.secret("Opaque", ["a": "YQ=="])
        #expect(
            fixture.update(Self.secret("example.com/x", ["a": "YQ=="]), from: old).refusals
                == ["type: Invalid value: \"example.com/x\": field is immutable"])
        old["immutable"] = true
        #expect(
            fixture.update(Self.secret("", ["a": "Yg=="]), from: old).refusals == [
                "immutable: Forbidden: field is immutable when `immutable` is set",
                "data: Forbidden: field is immutable when `immutable` is set",
            ])
        #expect(fixture.update(old, from: old).refusals.isEmpty)
    }
}
