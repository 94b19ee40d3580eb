import APIResources
import KubeModel

/// What a node may write into the objects that it may write (Kubernetes' admission plugin of this name): its own name,
/// and nothing by which it would change how others judge it.
enum NodeRestriction {
    /// - Parameter old: the object as it was; nil for a create.
    /// - Throws: 403 for what is not the node's to say.
    static func check(_ request: WriteRequest, _ object: JSONValue, replacing old: JSONValue?) throws(Status) {
        // Nearly nobody is a node: no more than a look at the name.
        guard request.user.name.hasPrefix(Principal.nodePrefix), case .node(let node) = Principal(request.user) else {
            return
        }
        let definition = request.resource.definition
        let name = object["metadata"]["name"].string ?? ""
        func refuse(_ reason: String) throws(Status) {
            throw Status.forbidden(definition.groupResource, name, "node \(goQuoted(node)) \(reason)")
        }
        switch (definition.group, definition.plural) {
        case ("", "nodes"):
            guard name == node else { return try refuse("is not allowed to write node \(goQuoted(name))") }
            let labels = changed(object["metadata"]["labels"].object, old["metadata"]["labels"].object)
                .filter { !NodeLabel.mayBeSetByNode($0) }.sorted().joined(separator: ", ")
            guard let old else {
                if !labels.isEmpty { try refuse("is not allowed to set the following labels: \(labels)") }
                return
            }
            if object["spec"]["taints"] != old["spec"]["taints"] { try refuse("is not allowed to modify taints") }
            if !labels.isEmpty { try refuse("is not allowed to modify labels: \(labels)") }
        case ("coordination.k8s.io", "leases"):
            if object["metadata"]["namespace"].string == AnnouncementLease.namespace {
                guard NodeAccess.mayWriteLease(name, node) else {
                    return try refuse("may only write leases of announcements and its own")
                }
                let holder = object["spec"]["holderIdentity"].string ?? ""
                if !holder.isEmpty, holder != node, holder != old["spec"]["holderIdentity"].string {
                    try refuse("may make no other node the holder")
                }
            } else if name != node {
                try refuse("may only have the lease of its own name")
            }
        case ("metallb.io", "servicel2statuses"), ("metallb.io", "servicebgpstatuses"):
            let claimed = [
                object["metadata"]["labels"][AnnouncementLabel.node], object["status"]["node"] ?? .string(node),
            ]
            if claimed != [.string(node), .string(node)] { try refuse("may only speak of what it announces itself") }
        case ("", "pods"):
            if (old ?? object)["spec"]["nodeName"].string != node { try refuse("may only write Pods bound to itself") }
        default: return
        }
    }

    /// The keys whose values differ.
    private static func changed(_ new: JSONObject?, _ old: JSONObject?) -> [String] {
        let (new, old) = (new ?? JSONObject(), old ?? JSONObject())
        return new.filter { old[$0.key] != $0.value }.map(\.key) + old.filter { new[$0.key] == nil }.map(\.key)
    }
}
