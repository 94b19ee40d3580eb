import APIResources
import KubeModel

/// One kind of review: `authentication.k8s.io` says who somebody is, `authorization.k8s.io` what they may do. Decided by the
/// same `Authenticator` and `Authorizer` that requests meet.
struct Review: UnstoredResource {
    let kind: ReviewKind
    let definition: ResourceDefinition
    let authenticator: Authenticator
    let authorizer: any Authorizer

    init(_ kind: ReviewKind, authenticator: Authenticator, authorizer: any Authorizer) {
        self.kind = kind
        definition = kind.definition
        self.authenticator = authenticator
        self.authorizer = authorizer
    }

    var verbs: [Verb] { [.create] }

    func answer(_ request: UnstoredRequest, _ done: @escaping @Sendable (Result<UnstoredAnswer, Status>) -> Void) {
        done(Result { () throws(Status) in UnstoredAnswer(status: 201, document: try answered(request)) })
    }

    private func answered(_ request: UnstoredRequest) throws(Status) -> JSONValue {
        switch kind {
        case .selfSubjectReview: return selfSubject(request)
        case .tokenReview: return try token(request)
        case .selfSubjectRulesReview: return try rules(request)
        case .localSubjectAccessReview, .selfSubjectAccessReview, .subjectAccessReview: return try access(request)
        }
    }

    // MARK: - Who

    private func selfSubject(_ request: UnstoredRequest) -> JSONValue {
        [
            "kind": .string(definition.kind), "apiVersion": .string(definition.apiVersion),
            "metadata": ["creationTimestamp": .string(request.now.description)],
            "status": ["userInfo": .object(request.user.fields)],
        ]
    }

    private func token(_ request: UnstoredRequest) throws(Status) -> JSONValue {
        let spec = request.document["spec"]
        let token = spec["token"].string ?? ""
        guard !token.isEmpty else {
            throw .badRequest("token is required for TokenReview in authentication")
        }
        let wanted = spec["audiences"].array?.compactMap(\.string) ?? []
        let audiences = Authenticator.audiences.filter { wanted.isEmpty || wanted.contains($0) }
        guard !audiences.isEmpty, let user = authenticator.user(ofToken: token) else {
            return answered(request, status: ["user": [:], "error": "invalid bearer token"])
        }
        return answered(
            request,
            status: [
                "authenticated": true, "user": .object(user.fields), "audiences": JSONValue(audiences),
            ])
    }

    // MARK: - What they may do

    private func access(_ request: UnstoredRequest) throws(Status) -> JSONValue {
        let errors = AccessReviewRules(kind).errors(in: request.document)
        guard errors.isEmpty else { throw .invalid(definition.groupKind, "", errors) }
        let spec = request.document["spec"]
        let user = kind == .selfSubjectAccessReview ? request.user : Self.subject(spec)
        let decision = authorizer.decide(Self.attributes(user, spec))
        var status: JSONObject = ["allowed": .bool(decision.isAllowed)]
        if decision.outcome == .denied { status["denied"] = true }
        if !decision.reason.isEmpty { status["reason"] = .string(decision.reason) }
        if !decision.evaluationError.isEmpty { status["evaluationError"] = .string(decision.evaluationError) }
        return answered(request, status: .object(status))
    }

    private static func subject(_ spec: JSONValue?) -> UserInfo {
        UserInfo(
            name: spec["user"].string ?? "", uid: spec["uid"].string ?? "",
            groups: spec["groups"].array?.compactMap(\.string) ?? [],
            extra: (spec["extra"].object ?? [:]).reduce(into: [:]) { extra, entry in
                extra[entry.key] = entry.value.array?.compactMap(\.string) ?? []
            })
    }

    private static func attributes(_ user: UserInfo, _ spec: JSONValue?) -> AccessAttributes {
        if let path = spec["nonResourceAttributes"] {
            return AccessAttributes(
                user: user, verb: path["verb"].string ?? "", target: .path(path["path"].string ?? ""))
        }
        let wanted = spec["resourceAttributes"]
        return AccessAttributes(
            user: user, verb: wanted["verb"].string ?? "",
            target: .resource(
                AccessAttributes.Resource(
                    group: wanted["group"].string ?? "", version: wanted["version"].string ?? "",
                    plural: wanted["resource"].string ?? "", subresource: wanted["subresource"].string ?? "",
                    namespace: wanted["namespace"].string ?? "", name: wanted["name"].string ?? "")))
    }

    private func rules(_ request: UnstoredRequest) throws(Status) -> JSONValue {
        let namespace = request.document["spec"]["namespace"].string ?? ""
        guard !namespace.isEmpty else { throw .badRequest("no namespace on request") }
        let rules = authorizer.rules(of: request.user, namespace: namespace)
        let resources: [JSONValue] = rules.resources.map { rule in
            var entry: JSONObject = [
                "verbs": JSONValue(rule.verbs), "apiGroups": JSONValue(rule.groups),
                "resources": JSONValue(rule.resources),
            ]
            if !rule.names.isEmpty { entry["resourceNames"] = JSONValue(rule.names) }
            return .object(entry)
        }
        let paths: [JSONValue] = rules.paths.map {
            ["verbs": JSONValue($0.verbs), "nonResourceURLs": JSONValue($0.paths)]
        }
        var status: JSONObject = [
            "resourceRules": .array(resources), "nonResourceRules": .array(paths),
            "incomplete": .bool(rules.isIncomplete),
        ]
        if !rules.evaluationError.isEmpty { status["evaluationError"] = .string(rules.evaluationError) }
        // Kubernetes answers with the rules alone: the question is not repeated.
        return [
            "kind": .string(definition.kind), "apiVersion": .string(definition.apiVersion), "metadata": [:],
            "spec": [:], "status": .object(status),
        ]
    }

    /// The question with its answer.
    private func answered(_ request: UnstoredRequest, status: JSONValue) -> JSONValue {
        [
            "kind": .string(definition.kind), "apiVersion": .string(definition.apiVersion),
            "metadata": request.document["metadata"] ?? [:], "spec": request.document["spec"] ?? [:],
            "status": status,
        ]
    }
}
