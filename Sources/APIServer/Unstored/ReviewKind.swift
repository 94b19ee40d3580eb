import APIResources
import KubeModel

/// The questions about access that are posted and answered, and kept nowhere.
enum ReviewKind: Sendable, CaseIterable {
    case selfSubjectReview, tokenReview
    case localSubjectAccessReview, selfSubjectAccessReview, selfSubjectRulesReview, subjectAccessReview

    var definition: ResourceDefinition {
        switch self {
        case .selfSubjectReview:
            .builtIn(Self.authentication, "v1", "SelfSubjectReview", "selfsubjectreviews", namespaced: false)
        case .tokenReview: .builtIn(Self.authentication, "v1", "TokenReview", "tokenreviews", namespaced: false)
        case .localSubjectAccessReview:
            .builtIn(Self.authorization, "v1", "LocalSubjectAccessReview", "localsubjectaccessreviews")
        case .selfSubjectAccessReview:
            .builtIn(Self.authorization, "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced: false)
        case .selfSubjectRulesReview:
            .builtIn(Self.authorization, "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", namespaced: false)
        case .subjectAccessReview:
            .builtIn(Self.authorization, "v1", "SubjectAccessReview", "subjectaccessreviews", namespaced: false)
        }
    }

    private static let authentication = "authentication.k8s.io"
    private static let authorization = "authorization.k8s.io"
}
