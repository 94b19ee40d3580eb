extension ProtobufFields {
    /// What every client reads: discovery, Status, and objects of which only the metadata is wanted.
    static let discoveryTable = """
        APIGroup name:1:s versions:2:*GroupVersionForDiscovery preferredVersion:3:GroupVersionForDiscovery \
        serverAddressByClientCIDRs:4:*ServerAddressByClientCIDR
        APIGroupDiscovery metadata:1:ObjectMeta versions:2:*APIVersionDiscovery
        APIGroupDiscoveryList metadata:1:ListMeta items:2:*APIGroupDiscovery
        APIGroupList groups:1:*APIGroup
        APIResource name:1:s namespaced:2:b kind:3:s verbs:4:?ls shortNames:5:*s singularName:6:s categories:7:*s \
        group:8:s version:9:s storageVersionHash:10:s
        APIResourceDiscovery resource:1:s responseKind:2:?KindForDiscovery scope:3:s singularResource:4:s verbs:5:*s \
        shortNames:6:*s categories:7:*s subresources:8:*APISubresourceDiscovery
        APIResourceList groupVersion:1:s resources:2:*APIResource
        APISubresourceDiscovery subresource:1:s responseKind:2:?KindForDiscovery acceptedTypes:3:*KindForDiscovery \
        verbs:4:*s
        APIVersionDiscovery version:1:s resources:2:*APIResourceDiscovery freshness:3:s
        APIVersions versions:1:*s serverAddressByClientCIDRs:2:*ServerAddressByClientCIDR
        GroupVersionForDiscovery groupVersion:1:s version:2:s
        KindForDiscovery group:1:s version:2:s kind:3:s
        PartialObjectMetadata metadata:1:ObjectMeta
        PartialObjectMetadataList metadata:1:ListMeta items:2:*PartialObjectMetadata
        ServerAddressByClientCIDR clientCIDR:1:s serverAddress:2:s
        Status metadata:1:ListMeta status:2:s message:3:s reason:4:s details:5:?StatusDetails code:6:i
        StatusCause reason:1:s message:2:s field:3:s
        StatusDetails name:1:s group:2:s kind:3:s causes:4:*StatusCause retryAfterSeconds:5:i uid:6:s
        """
}
