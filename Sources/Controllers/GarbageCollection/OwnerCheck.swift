import KubeModel

/// Decides whether an object outlived its owners.
enum OwnerCheck {
    /// The kinds of owners that are understood. An object with any other owner is left alone.
    static let kinds: [String: String] = [
        "Service": "v1", "Endpoints": "v1", "Ingress": "networking.k8s.io/v1",
    ]

    /// Whether every owner is gone.
    ///
    /// - Parameter uid: of the object of a kind and name in the dependent's namespace; nil when there is none.
    static func isOrphan(_ metadata: ObjectMeta, uid: (_ kind: String, _ name: String) -> String?) -> Bool {
        let owners = metadata.ownerReferences ?? []
        guard !owners.isEmpty, metadata.deletionTimestamp == nil else { return false }
        return owners.allSatisfy { owner in
            kinds[owner.kind] == owner.apiVersion && uid(owner.kind, owner.name) != owner.uid
        }
    }
}
