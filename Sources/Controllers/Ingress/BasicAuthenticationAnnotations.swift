import KubeModel

/// ingress-nginx' annotations about names and passwords, `auth-type` with its companions and `satisfy`, and ours of the same names,
/// which come first. Pure.
///
/// They guard access: what of them cannot be honoured as it is written closes the routes.
struct BasicAuthenticationAnnotations: Hashable, Sendable {
    static let names = ["auth-type", "auth-secret", "auth-secret-type", "auth-realm", "satisfy"]

    /// nil where nobody is asked.
    private(set) var policy: RouteBasicAuthentication?
    /// Whether one of several guards is enough.
    private(set) var satisfiesAny = false
    /// What has no effect, each a sentence that begins with the annotation's key.
    let problems: [String]
    /// What lets nobody in, likewise.
    let closing: [String]
    /// The annotation that names the Secret.
    let secretKey: String

    /// - Parameter namespace: of the Ingress.
    init(_ annotations: [String: String], namespace: String) {
        var reader = AnnotationReader(twins: annotations)
        var guards = AnnotationReader(
            annotations, prefixes: [AnnotationReader.martlet, AnnotationReader.nginx],
            consequence: "so that nobody is let in")
        secretKey = reader.key("auth-secret")
        for prefix in [AnnotationReader.martlet, AnnotationReader.nginx] {
            // Both are read: one that another comes before must not be lost.
            guard let type = annotations[prefix + "auth-type"], !type.isEmpty, type != "basic" else { continue }
            guards.tell(
                "auth-type",
                type == "digest"
                    ? "digest is not there: use basic over HTTPS, which keeps no password in a form that lets in whoever reads it;"
                        + " nobody is let in until then"
                    : "\(AnnotationReader.quoted(type)) is not known (basic is), so that nobody is let in")
        }
        switch guards["satisfy"] {
        case nil, "all": break
        case "any": satisfiesAny = true
        default: guards.refuse("satisfy", "is neither any nor all")
        }
        var policy = RouteBasicAuthentication()
        policy.secretType = guards.word("auth-secret-type", of: RouteBasicAuthentication.allSecretTypes)
        if let realm = reader["auth-realm"] {
            if RouteBasicAuthentication.isRealm(realm) {
                policy.realm = realm
            } else {
                reader.refuse("auth-realm", "is no text of up to 256 characters of ASCII")
            }
        }
        switch (guards["auth-type"], guards["auth-secret"]) {
        case (nil, nil): break
        case (nil, _?): guards.tell("auth-secret", "there is no auth-type beside it, so that nobody is let in")
        case (_?, nil):
            guards.tell("auth-type", "there is no auth-secret with names and passwords, so that nobody is let in")
        case (_?, let reference?):
            switch SecretReference.read(reference, namespace: namespace) {
            case .name(let name):
                policy.secretName = name
                self.policy = policy
            case .problem(let problem): guards.refuse("auth-secret", problem)
            }
        }
        problems = reader.problems
        closing = guards.problems
        if !closing.isEmpty {
            satisfiesAny = false
            self.policy = nil
        }
    }
}
