import KubeModel

/// The rule that nodes and bootstrappers share: create requests, read one's own.
enum CertificateRequestAccess {
    static let rule = AccessRules.ResourceRule(
        verbs: ["create"], groups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"])

    static func allows(
        _ verb: String, _ access: AccessAttributes.Resource, _ user: String, _ lookup: ObjectLookup
    ) -> Bool {
        guard access.group == "certificates.k8s.io", access.plural == "certificatesigningrequests",
            access.subresource.isEmpty
        else { return false }
        switch verb {
        case "create": return true
        case "get": return lookup(access.group, access.plural, "", access.name)?["spec"]["username"].string == user
        default: return false
        }
    }
}
