/// CustomResourceDefinitions of others whose resources the server has itself, so that the others' installation manifests
/// apply: the definition is kept and called established, and changes nothing of how the resource is served.
package enum ProvidedDefinitions {
    /// Name of the definition → kind.
    private static let kinds = [
        "bfdprofiles.metallb.io": "BFDProfile", "bgpadvertisements.metallb.io": "BGPAdvertisement",
        "bgppeers.metallb.io": "BGPPeer", "communities.metallb.io": "Community",
        "ipaddresspools.metallb.io": "IPAddressPool", "l2advertisements.metallb.io": "L2Advertisement",
        "servicebgpstatuses.metallb.io": "ServiceBGPStatus", "servicel2statuses.metallb.io": "ServiceL2Status",
    ]

    /// What is said where an establishing condition or a warning says it.
    package static let message =
        "the server has this resource itself: schema, versions and columns of the definition are not used"

    /// Whether the definition declares such a resource, under the kind that it has here.
    package static func contains(_ name: String, kind: String) -> Bool { kinds[name] == kind }

    /// What those should know who bring a definition of objects that another kind of the server's own has replaced.
    package static func successor(of name: String) -> String? {
        guard name == "addresspools.metallb.io" else { return nil }
        return "nothing acts on these objects, and no Service gets an address of them: IPAddressPool, and "
            + "L2Advertisement or BGPAdvertisement, say the same, as in MetalLB since v0.14"
    }

    package static var names: [String] { kinds.keys.sorted() }
}
