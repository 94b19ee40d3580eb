import KubeModel
import Testing

@testable import Controllers

@Suite("Who uses a claim") struct ClaimUseTests {
    private static let claim = ObjectMeta(name: "data", namespace: "shop")

    private static func pod(_ volume: JSONValue, node: String? = "one") -> JSONValue {
        var pod: JSONValue = ["metadata": ["name": "web", "uid": "u"], "spec": ["volumes": [volume]]]
        pod["spec"]["nodeName"] = node.map { .string($0) }
        return pod
    }

    private static let mounts: JSONValue = ["name": "v", "persistentVolumeClaim": ["claimName": "data"]]

    @Test func `a Pod on a node that names the claim uses it, running or ended`() {
        var pod = Self.pod(Self.mounts)
        #expect(ClaimUse.uses(pod, Self.claim))
        pod["status"] = ["phase": "Succeeded"]
        #expect(ClaimUse.uses(pod, Self.claim))
    }

    @Test func `a Pod without a node, or with another claim, does not`() {
        #expect(!ClaimUse.uses(Self.pod(Self.mounts, node: nil), Self.claim))
        #expect(!ClaimUse.uses(Self.pod(Self.mounts, node: ""), Self.claim))
        #expect(!ClaimUse.uses(Self.pod(["persistentVolumeClaim": ["claimName": "other"]]), Self.claim))
        #expect(!ClaimUse.uses(Self.pod(["name": "data", "emptyDir": [:]]), Self.claim))
    }

    @Test func `a claim made for a Pod's volume is that Pod's until it is shut down`() {
        let owner = OwnerReference(apiVersion: "v1", kind: "Pod", name: "web", uid: "u", controller: true)
        var claim = ObjectMeta(name: "web-v", namespace: "shop", ownerReferences: [owner])
        var pod = Self.pod(["name": "v", "ephemeral": [:]])
        #expect(ClaimUse.uses(pod, claim))
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        #expect(ClaimUse.uses(pod, claim))
        pod["metadata"]["deletionGracePeriodSeconds"] = 0
        #expect(!ClaimUse.uses(pod, claim))
        claim.ownerReferences = nil
        pod["metadata"]["deletionTimestamp"] = nil
        #expect(!ClaimUse.uses(pod, claim))
    }
}
