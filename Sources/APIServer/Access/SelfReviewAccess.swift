/// Kubernetes' `system:basic-user`: everybody whom the server knows may ask who that is and what they may do.
enum SelfReviewAccess {
    private static let kinds = [
        "authorization.k8s.io": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        "authentication.k8s.io": ["selfsubjectreviews"],
    ]

    static func allows(_ verb: String, _ resource: AccessAttributes.Resource) -> Bool {
        verb == "create" && resource.subresource.isEmpty && kinds[resource.group]?.contains(resource.plural) == true
    }

    static let rules = kinds.sorted { $0.key < $1.key }.map { group, resources in
        AccessRules.ResourceRule(verbs: ["create"], groups: [group], resources: resources)
    }
}
