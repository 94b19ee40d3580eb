import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Nodes") struct NodeStrategyTests {
    static let cases: [RefusalCase] = [
        RefusalCase("good", ["metadata": ["name": "n"], "spec": ["podCIDRs": ["10.0.0.0/24", "fd00::/64"]]]),
        RefusalCase(
            "taints and ranges",
            [
                "metadata": ["name": "n"],
                "spec": [
                    "taints": [["key": "a", "effect": "Odd"], ["key": "a", "effect": "Odd"]],
                    "podCIDRs": ["10.0.0.0/24", "10.1.0.0/24"],
                ],
            ],
            "spec.taints[0].effect: Unsupported value: \"Odd\": supported values: \"NoExecute\", \"NoSchedule\", "
                + "\"PreferNoSchedule\"",
            "spec.taints[1].effect: Unsupported value: \"Odd\": supported values: \"NoExecute\", \"NoSchedule\", "
                + "\"PreferNoSchedule\"", "spec.taints[1]: Duplicate value: {\"key\":\"a\",\"effect\":\"Odd\"}",
            "spec.podCIDRs: Invalid value: [\"10.0.0.0/24\",\"10.1.0.0/24\"]: may specify no more than one CIDR "
                + "for each "
                + "IP family"),
    ]

    @Test(arguments: cases)
    func `a Node is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(NodeStrategy())
    }

    @Test func `an assigned provider and range stay`() {
        let old: JSONValue = ["metadata": ["name": "n"], "spec": ["providerID": "a", "podCIDRs": ["10.0.0.0/24"]]]
        #expect(
            StrategyFixture(strategy: NodeStrategy()).update(
                ["metadata": ["name": "n"], "spec": ["providerID": "b"]], from: old
            ).refusals == [
                "spec.providerID: Forbidden: node updates may not change providerID except from \"\" to valid",
                "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid",
            ])
    }

    @Test func `a node that says nothing is schedulable`() {
        #expect(NodeStrategy().selectableFields(of: ["spec": [:]]) == ["spec.unschedulable": "false"])
        #expect(
            NodeStrategy().selectableFields(of: ["spec": ["unschedulable": true]]) == ["spec.unschedulable": "true"])
    }
}
