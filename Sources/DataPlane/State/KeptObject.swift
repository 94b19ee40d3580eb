package import KubeModel

/// What the data plane keeps of an object of the API: reduced to what is used where it is decoded, before anything
/// holds it.
///
/// An informer's store shares these values with the tables that are built from them, so that nothing (a private key
/// least of all) is kept twice. They are read only, and encode their metadata alone.
package protocol KeptObject: KubeObject {
    associatedtype Source: KubeObject
    var identity: KeptIdentity { get set }
    init(_ source: Source)
}

extension KeptObject {
    package static var definition: ResourceDefinition { Source.definition }

    package var metadata: ObjectMeta {
        get { identity.metadata }
        set { identity = KeptIdentity(newValue) }
    }

    package init(from decoder: any Decoder) throws { self.init(try Source(from: decoder)) }

    package func encode(to encoder: any Encoder) throws { try KeptMetadata(metadata: metadata).encode(to: encoder) }
}

extension RouteTable {
    /// Drops what the data plane does not use: everything but who it is, how old, its routes and its conditions.
    package mutating func reduceToUsed() {
        let previous = metadata
        metadata = KeptIdentity(previous).metadata
        metadata.generation = previous.generation
        metadata.creationTimestamp = previous.creationTimestamp
    }
}

/// The encoded form of what is kept: its metadata alone.
private struct KeptMetadata: Encodable {
    var metadata: ObjectMeta
}
