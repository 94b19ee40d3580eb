package import KubeModel
package import NetworkTypes
package import Store

/// The IPAddress of a Service's cluster IP, as it is stored.
package enum IPAddressDocument {
    package static let keyPrefix = "/registry/networking.k8s.io/ipaddresses/"
    package static let managedByLabel = "ipaddress.kubernetes.io/managed-by"
    package static let familyLabel = "ipaddress.kubernetes.io/ip-family"
    /// The value of `managedByLabel` for addresses that the server allocates.
    package static let allocator = "ipallocator.k8s.io"

    package static func deletion(of address: IPAddress) -> Write {
        .delete(key: keyPrefix + address.description, ifRevision: nil)
    }

    package static func creation(of address: IPAddress, service: String, namespace: String, now: Timestamp) -> Write {
        .create(
            key: keyPrefix + address.description,
            value: bytes(of: address, service: service, namespace: namespace, now: now))
    }

    /// Written out by hand, since every create of a Service pays for it. Names of Services and namespaces are DNS labels:
    /// nothing in them needs escaping.
    private static func bytes(of address: IPAddress, service: String, namespace: String, now: Timestamp) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(448)
        text += #"{"apiVersion":"networking.k8s.io/v1","kind":"IPAddress","metadata":{"name":""#.utf8
        text += address.description.utf8
        text += #"","uid":""#.utf8
        text += NameGenerator.uid().utf8
        text += #"","creationTimestamp":""#.utf8
        text += now.description.utf8
        text += #"","labels":{""#.utf8
        text += familyLabel.utf8
        text += #"":""#.utf8
        text += address.family.kubernetesName.utf8
        text += #"",""#.utf8
        text += managedByLabel.utf8
        text += #"":""#.utf8
        text += allocator.utf8
        text += #""}},"spec":{"parentRef":{"resource":"services","namespace":""#.utf8
        text += namespace.utf8
        text += #"","name":""#.utf8
        text += service.utf8
        text += #""}}}"#.utf8
        return text
    }
}
