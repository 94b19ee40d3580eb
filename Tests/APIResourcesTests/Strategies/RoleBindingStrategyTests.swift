import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of role bindings") struct RoleBindingStrategyTests {
    @Test func `only a ClusterRoleBinding has to name the namespace of an account`() {
        let subjects: JSONValue = [["kind": "ServiceAccount", "name": "a"]]
        let role: JSONValue = ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"]
        let binding: JSONValue = [
            "metadata": ["name": "b", "namespace": "default"], "roleRef": role, "subjects": subjects,
        ]
        #expect(StrategyFixture(strategy: RoleBindingStrategy(isClusterWide: false)).create(binding).refusals.isEmpty)
        #expect(
            StrategyFixture(strategy: RoleBindingStrategy(isClusterWide: true)).create(binding).refusals
                == ["subjects[0].namespace: Required value"])
    }
}
