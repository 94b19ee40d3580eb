/// A verb on a resource.
struct ResourceOperation: Sendable {
    var verb: Verb
    var resource: ServedResource
    /// "" for cluster-scoped resources and for collections over all namespaces.
    var namespace: String
    /// "" for collections.
    var name: String
    var subresource: Subresource?
    var isWatchPath = false
}

extension ResourceOperation {
    /// In which forms its answer can be shown.
    var offer: ResponseShape.Offer {
        ResponseShape.Offer(protobuf: subresource == .scale || resource.protobufMessage != nil)
    }
}
