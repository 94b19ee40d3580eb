import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Namespaces") struct NamespaceStrategyTests {
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
                    "spec.finalizers[0]: Invalid value: \"odd\": name is neither a standard finalizer name nor is "
                        + "it fully "
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
