/// An API group and version: `v1` for the core group, `apps/v1` for others.
public struct GroupVersion: Hashable, Sendable, Codable {
    /// Empty for the core group.
    public var group: String
    public var version: String

    public init(group: String, version: String) {
        self.group = group
        self.version = version
    }

    /// Reads an `apiVersion`. nil when empty or when it has more than one slash.
    public init?(_ apiVersion: String) {
        let parts = apiVersion.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1 where !parts[0].isEmpty: self.init(group: "", version: apiVersion)
        case 2 where !parts[1].isEmpty: self.init(group: String(parts[0]), version: String(parts[1]))
        default: return nil
        }
    }

    public func kind(_ kind: String) -> GroupVersionKind {
        GroupVersionKind(group: group, version: version, kind: kind)
    }
}

extension GroupVersion: CustomStringConvertible {
    /// The `apiVersion`.
    public var description: String { group.isEmpty ? version : "\(group)/\(version)" }
}

/// A kind of object in one version of a group.
public struct GroupVersionKind: Hashable, Sendable, Codable {
    public var group: String
    public var version: String
    public var kind: String

    public init(group: String, version: String, kind: String) {
        self.group = group
        self.version = version
        self.kind = kind
    }

    public var groupVersion: GroupVersion { GroupVersion(group: group, version: version) }
    public var groupKind: GroupKind { GroupKind(group: group, kind: kind) }
    public var apiVersion: String { groupVersion.description }
}

extension GroupVersionKind: CustomStringConvertible {
    /// As Go writes it: `apps/v1, Kind=Deployment`.
    public var description: String { "\(group)/\(version), Kind=\(kind)" }
}

/// A plural resource in one version of a group.
public struct GroupVersionResource: Hashable, Sendable, Codable {
    public var group: String
    public var version: String
    public var resource: String

    public init(group: String, version: String, resource: String) {
        self.group = group
        self.version = version
        self.resource = resource
    }

    public var groupVersion: GroupVersion { GroupVersion(group: group, version: version) }
    public var groupResource: GroupResource { GroupResource(group: group, resource: resource) }
}

extension GroupVersionResource: CustomStringConvertible {
    /// As Go writes it: `apps/v1, Resource=deployments`.
    public var description: String { "\(group)/\(version), Resource=\(resource)" }
}

/// A kind whatever its version.
public struct GroupKind: Hashable, Sendable, Codable {
    public var group: String
    public var kind: String

    public init(group: String, kind: String) {
        self.group = group
        self.kind = kind
    }
}

extension GroupKind: CustomStringConvertible {
    /// `Service`, or `Ingress.networking.k8s.io`.
    public var description: String { group.isEmpty ? kind : "\(kind).\(group)" }
}

/// A plural resource whatever its version.
public struct GroupResource: Hashable, Sendable, Codable {
    public var group: String
    public var resource: String

    public init(group: String, resource: String) {
        self.group = group
        self.resource = resource
    }
}

extension GroupResource: CustomStringConvertible {
    /// `services`, or `ingresses.networking.k8s.io`.
    public var description: String { group.isEmpty ? resource : "\(resource).\(group)" }
}
