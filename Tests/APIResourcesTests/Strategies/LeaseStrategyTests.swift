import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Leases") struct LeaseStrategyTests {
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
