import KubeModel

/// Whether a Pod uses a PersistentVolumeClaim (Kubernetes' `pvc-protection` controller). Pure.
enum ClaimUse {
    /// - Parameter claim: name and uid.
    static func uses(_ pod: JSONValue, _ claim: ObjectMeta) -> Bool {
        // What is on no node has not begun to use anything, and no kubelet starts a Pod whose claim goes.
        guard pod["spec"]["nodeName"].string?.isEmpty == false else { return false }
        return (pod["spec"]["volumes"].array ?? []).contains { volume in
            if volume["persistentVolumeClaim"]["claimName"].string == claim.name { return true }
            return volume["ephemeral"]?.object != nil && !isShutDown(pod) && owns(pod, volume, claim)
        }
    }

    /// A claim that was made for the Pod is named for Pod and volume, and owned by the Pod.
    private static func owns(_ pod: JSONValue, _ volume: JSONValue, _ claim: ObjectMeta) -> Bool {
        let name = "\(pod["metadata"]["name"].string ?? "")-\(volume["name"].string ?? "")"
        let uid = pod["metadata"]["uid"].string
        return claim.name == name && (claim.ownerReferences ?? []).contains { $0.controller == true && $0.uid == uid }
    }

    /// The node has let go of the Pod: only its removal is left.
    private static func isShutDown(_ pod: JSONValue) -> Bool {
        pod["metadata"]["deletionTimestamp"] != nil && pod["metadata"]["deletionGracePeriodSeconds"].int == 0
    }
}
