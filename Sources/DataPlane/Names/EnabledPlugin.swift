package import DNS

/// A plugin of a Corefile that does its work here, as `coredns_plugin_enabled` tells of it.
package struct EnabledPlugin: Hashable, Sendable {
    /// That of its block.
    package var zone: DomainName
    package var name: String

    package init(zone: DomainName, name: String) {
        self.zone = zone
        self.name = name
    }
}
