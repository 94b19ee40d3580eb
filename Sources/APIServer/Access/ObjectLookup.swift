import KubeModel

/// An object as it is now, for rules that ask more than names: by group, plural, namespace and name; nil when there is
/// none, or none that can be read.
typealias ObjectLookup =
    @Sendable (_ group: String, _ plural: String, _ namespace: String, _ name: String) -> JSONValue?

/// The objects of a namespace as they are now, without those that can't be read; by group, plural and namespace.
typealias ObjectListing = @Sendable (_ group: String, _ plural: String, _ namespace: String) -> [JSONValue]
