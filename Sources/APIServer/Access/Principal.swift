import APIResources
import KubeModel

/// What kind of sender a user is: the one place that says which users are limited, and to what.
///
/// - members of `system:masters`: everything.
/// - `system:node:NAME` in `system:nodes`, a machine that joined: what a data plane needs (``NodeAccess``).
/// - members of `system:bootstrappers`, a machine with a bootstrap token: a certificate for itself
///   (``BootstrapAccess``).
/// - nobody known: health, version and how to find the authority (``KnownCallersAuthorizer``, ``ClusterInfoAccess``).
/// - every other authenticated user: everything, until roles say otherwise (``KnownCallersAuthorizer``).
///
/// Whoever claims to be a node or a bootstrapper and is not understood is nobody: a guard that cannot be understood is
/// closed.
enum Principal: Sendable, Hashable {
    case unlimited
    case node(name: String)
    case bootstrapper
    case anonymous
    case unreadable

    static let administrators = "system:masters"
    static let nodes = "system:nodes"
    static let nodePrefix = "system:node:"

    init(_ user: UserInfo) {
        if user.groups.contains(Self.administrators) {
            self = .unlimited
        } else if user.name.hasPrefix(Self.nodePrefix) || user.groups.contains(Self.nodes) {
            let name = user.name.hasPrefix(Self.nodePrefix) ? String(user.name.dropFirst(Self.nodePrefix.count)) : ""
            let isNode = user.groups.contains(Self.nodes) && Validation.dns1123Subdomain(name).isEmpty
            self = isNode ? .node(name: name) : .unreadable
        } else if user.name.hasPrefix(BootstrapTokenAuthenticator.userPrefix)
            || user.groups.contains(where: { $0 == BootstrapToken.group || $0.hasPrefix("\(BootstrapToken.group):") })
        {
            self = user.groups.contains(BootstrapToken.group) ? .bootstrapper : .unreadable
        } else {
            self = user.isAnonymous ? .anonymous : .unlimited
        }
    }
}
