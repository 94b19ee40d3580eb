import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of ConfigMaps") struct ConfigMapStrategyTests {
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
