import KubeModel
import Testing

@testable import APIServer

struct SecretStrategyTests {
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

struct ConfigMapStrategyTests {
    static func map(_ data: JSONValue, _ binary: JSONValue = [:]) -> JSONValue {
        ["metadata": ["name": "c"], "data": data, "binaryData": binary]
    }

    static let cases: [RefusalCase] = [
        RefusalCase("good", map(["a": "text"], ["b": "YQ=="])),
        RefusalCase(
            "keys", map(["a b": "", "c": ""], ["c": "YQ==", "d": "!"]),
            "data[a b]: Invalid value: \"a b\": \(Wording.dataKey)",
            "data[c]: Invalid value: \"c\": duplicate of key present in binaryData",
            "binaryData[d]: Invalid value: \"<contents redacted>\": illegal base64 data"),
        RefusalCase("1 MiB", map(["a": .string(String(repeating: "x", count: 1 << 20))])),
        RefusalCase(
            "more than 1 MiB", map(["a": .string(String(repeating: "x", count: 1 << 20 + 1))]),
            ": Too long: may not be more than 1048576 bytes"),
    ]

    @Test(arguments: cases)
    func `a ConfigMap is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(ConfigMapStrategy())
    }

    @Test func `an immutable ConfigMap stays as it is`() {
        var old = Self.map(["a": "x"])
        old["immutable"] = true
        #expect(
            StrategyFixture(strategy: ConfigMapStrategy()).update(Self.map(["a": "y"], ["b": ""]), from: old).refusals
                == [
                    "immutable: Forbidden: field is immutable when `immutable` is set",
                    "data: Forbidden: field is immutable when `immutable` is set",
                    "binaryData: Forbidden: field is immutable when `immutable` is set",
                ])
    }
}

struct NamespaceStrategyTests {
    let fixture = StrategyFixture(strategy: NamespaceStrategy())

    @Test func `a namespace begins active, labelled with its name and with a finalizer`() throws {
        let stored = try #require(fixture.create(["metadata": ["name": "shop"], "status": ["phase": "Odd"]]).document)
        #expect(stored["metadata"]["labels"] == ["kubernetes.io/metadata.name": "shop"])
        #expect(stored["spec"] == ["finalizers": ["kubernetes"]])
        #expect(stored["status"] == ["phase": "Active"])
        #expect(NamespaceStrategy().selectableFields(of: stored) == ["status.phase": "Active"])
    }

    @Test func `an update changes neither finalizers nor phase nor the label`() throws {
        let old = try #require(fixture.create(["metadata": ["name": "shop"]]).document)
        var changed = old
        changed["spec"] = ["finalizers": []]
        changed["status"] = ["phase": "Terminating"]
        changed["metadata"]["labels"] = ["a": "b", "kubernetes.io/metadata.name": "other"]
        let stored = try #require(fixture.update(changed, from: old).document)
        #expect(stored["spec"] == old["spec"] && stored["status"] == old["status"])
        #expect(stored["metadata"]["labels"] == ["a": "b", "kubernetes.io/metadata.name": "shop"])
    }

    @Test func `a finalizer is qualified`() {
        #expect(
            fixture.create(["metadata": ["name": "shop"], "spec": ["finalizers": ["odd", "example.com/x"]]]).refusals
                == [
                    "spec.finalizers[0]: Invalid value: \"odd\": name is neither a standard finalizer name nor is it fully "
                        + "qualified"
                ])
    }

    @Test func `the phase follows the deletion`() {
        let active: JSONValue = ["metadata": ["name": "a"], "status": ["phase": "Active"]]
        var odd = active
        odd["status"]["phase"] = "Terminating"
        #expect(
            fixture.updateStatus(odd, from: active).refusals == [
                "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"
            ])
    }
}

struct LeaseStrategyTests {
    @Test func `durations and counts are checked`() {
        let object: JSONValue = [
            "metadata": ["name": "l"],
            "spec": ["leaseDurationSeconds": 0, "leaseTransitions": -1, "preferredHolder": "x"],
        ]
        #expect(
            StrategyFixture(strategy: LeaseStrategy()).create(object).refusals == [
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
                "spec.preferredHolder: Forbidden: may not be specified when `strategy` is not set",
            ])
    }
}
