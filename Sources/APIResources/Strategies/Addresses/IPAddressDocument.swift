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
        var text = #"{"apiVersion":"networking.k8s.io/v1","kind":"IPAddress","metadata":{"name":""#
        text.reserveCapacity(448)
        text += address.description
        text += #"","uid":""#
        text += NameGenerator.uid()
        text += #"","creationTimestamp":""#
        text += now.description
        text += #"","labels":{""#
        text += familyLabel
        text += #"":""#
        text += address.family.kubernetesName
        text += #"",""#
        text += managedByLabel
        text += #"":""#
        text += allocator
        text += #""}},"spec":{"parentRef":{"resource":"services","namespace":""#
        text += namespace
        text += #"","name":""#
        text += service
        text += #""}}}"#
        return Array(text.utf8)
    }
}
