import KubeModel

/// An object as it is now, for rules that ask more than names: by group, plural, namespace and name; nil when there is
/// none, or none that can be read.
typealias ObjectLookup =
    @Sendable (_ group: String, _ plural: String, _ namespace: String, _ name: String) -> JSONValue?
