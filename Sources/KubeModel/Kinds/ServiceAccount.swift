/// A ServiceAccount (core/v1).
public struct ServiceAccount: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", singular: "serviceaccount",
        namespaced: true,
        shortNames: ["sa"], categories: [], hasStatus: false)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Secrets that its Pods may use.
    public var secrets: [ObjectReference]?
    /// Secrets for pulling images.
    public var imagePullSecrets: [LocalObjectReference]?
    /// Whether Pods get its token.
    public var automountServiceAccountToken: Bool?

    public init(
        metadata: ObjectMeta = ObjectMeta(), secrets: [ObjectReference]? = nil,
        imagePullSecrets: [LocalObjectReference]? = nil, automountServiceAccountToken: Bool? = nil
    ) {
        self.metadata = metadata
        self.secrets = secrets
        self.imagePullSecrets = imagePullSecrets
        self.automountServiceAccountToken = automountServiceAccountToken
    }
}
