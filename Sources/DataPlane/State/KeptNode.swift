package import KubeModel
package import NetworkTypes

/// What is kept of a Node: what it is called and where it is.
package struct KeptNode: KeptObject {
    package var identity: KeptIdentity
    /// Its InternalIPs, else its ExternalIPs.
    package var addresses: [IPAddress]
    /// Other names that it says it has (`Hostname`, `InternalDNS`).
    package var names: [String]

    package init(_ node: Node) {
        identity = KeptIdentity(node.metadata)
        let said = node.status?.addresses ?? []
        func texts(_ types: String...) -> [String] { said.filter { types.contains($0.type) }.map(\.address) }
        let inside = texts("InternalIP").compactMap { IPAddress($0) }
        addresses = inside.isEmpty ? texts("ExternalIP").compactMap { IPAddress($0) } : inside
        names = texts("Hostname", "InternalDNS")
    }
}
