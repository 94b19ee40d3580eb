import APIResources
import KubeModel
import Testing

@testable import APIResources
@testable import APIServer

@Suite("Reviews") struct ReviewTests {
    static let access = "/apis/authorization.k8s.io/v1"
    static let identity = "/apis/authentication.k8s.io/v1"
    static let selfAccess = "\(access)/selfsubjectaccessreviews"
    static let pods: JSONValue = ["verb": "list", "resource": "pods", "namespace": "default"]

    // MARK: - Who

    @Test func `the caller learns who the server takes them for`() async throws {
        let server = try await TestServer()
        let response = await server.send("POST", "\(Self.identity)/selfsubjectreviews", [:])
        #expect(response.status == 201)
        #expect(response.json["kind"] == "SelfSubjectReview")
        #expect(response.json["apiVersion"] == "authentication.k8s.io/v1")
        #expect(response.json["metadata"]["creationTimestamp"].string?.isEmpty == false)
        #expect(
            response.json["status"]["userInfo"]
                == ["username": "tester", "uid": "1", "groups": ["a", "b", "system:authenticated"]])
    }

    @Test func `a token belongs to a user, or to nobody`() async throws {
        let server = try await TestServer()
        let path = "\(Self.identity)/tokenreviews"
        let known = await server.send("POST", path, ["spec": ["token": .string(TestServer.token)]])
        #expect(known.status == 201)
        #expect(known.json["status"]["authenticated"] == true)
        #expect(known.json["status"]["user"]["username"] == "tester")
        #expect(known.json["status"]["audiences"] == ["https://kubernetes.default.svc.cluster.local"])
        #expect(known.json["spec"]["token"].string == TestServer.token)
        let audience: JSONValue = ["token": .string(TestServer.token), "audiences": ["vault"]]
        for spec in [["token": "nobody's"], audience] {
            let unknown = await server.send("POST", path, ["spec": spec])
            #expect(unknown.status == 201)
            #expect(unknown.json["status"] == ["user": [:], "error": "invalid bearer token"])
        }
        let empty = await server.send("POST", path, ["spec": [:]])
        #expect(empty.status == 400)
        #expect(empty.message == "token is required for TokenReview in authentication")
    }

    // MARK: - What they may do

    @Test func `the caller may do everything`() async throws {
        let server = try await TestServer()
        let own = await server.send("POST", Self.selfAccess, ["spec": ["resourceAttributes": Self.pods]])
        #expect(own.status == 201)
        #expect(own.json["status"] == ["allowed": true])
        #expect(own.json["spec"]["resourceAttributes"] == Self.pods)
        let path: JSONValue = ["spec": ["nonResourceAttributes": ["verb": "get", "path": "/metrics"]]]
        #expect(await server.send("POST", Self.selfAccess, path).json["status"]["allowed"] == true)
        let rules = await server.send(
            "POST", "\(Self.access)/selfsubjectrulesreviews", ["spec": ["namespace": "default"]])
        #expect(
            rules.json["status"] == [
                "resourceRules": [["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]]],
                "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]], "incomplete": false,
            ])
        let nowhere = await server.send("POST", "\(Self.access)/selfsubjectrulesreviews", ["spec": [:]])
        #expect(nowhere.status == 400 && nowhere.message == "no namespace on request")
    }

    @Test func `of others the server says what a request of theirs would meet`() async throws {
        let server = try await TestServer()
        let path = "\(Self.access)/subjectaccessreviews"
        func status(_ subject: JSONObject) async -> JSONValue? {
            var spec = subject
            spec["resourceAttributes"] = Self.pods
            return await server.send("POST", path, ["spec": .object(spec)]).json["status"]
        }
        #expect(await status(["user": "tester"]) == ["allowed": true])
        #expect(await status(["user": "system:admin"]) == ["allowed": true])
        #expect(await status(["groups": ["system:authenticated"]]) == ["allowed": true])
        #expect(
            await status(["user": "nobody"])
                == ["allowed": false, "reason": "this server has no credentials for the user"])
        #expect(await status(["user": "system:anonymous"])?["allowed"] == false)
        let probe: JSONValue = [
            "spec": ["user": "system:anonymous", "nonResourceAttributes": ["verb": "get", "path": "/livez"]]
        ]
        #expect(await server.send("POST", path, probe).json["status"]["allowed"] == true)
        let local = "\(Self.access)/namespaces/default/localsubjectaccessreviews"
        let question: JSONValue = ["spec": ["user": "tester", "resourceAttributes": Self.pods]]
        let answer = await server.send("POST", local, question)
        #expect(answer.json["status"]["allowed"] == true && answer.json["metadata"]["namespace"] == "default")
    }

    @Test func `what a review lacks is named`() async throws {
        let server = try await TestServer()
        let none = await server.send("POST", Self.selfAccess, ["spec": [:]])
        #expect(none.status == 422)
        #expect(
            none.message == "SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: "
                + "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified")
        let both: JSONValue = ["resourceAttributes": Self.pods, "nonResourceAttributes": ["verb": "get"]]
        let two = await server.send("POST", Self.selfAccess, ["spec": both])
        #expect(two.message.contains("cannot be specified in combination with resourceAttributes"))
        let path = "\(Self.access)/subjectaccessreviews"
        let nobody = await server.send("POST", path, ["spec": ["resourceAttributes": Self.pods]])
        #expect(
            nobody.message.contains("spec.user: Invalid value: \"\": at least one of user or group must be specified"))
        let named = await server.send(
            "POST", path, ["metadata": ["name": "x"], "spec": ["user": "a", "resourceAttributes": Self.pods]])
        #expect(named.status == 422 && named.message.contains("must be empty"))
        let ownNamed = await server.send(
            "POST", Self.selfAccess, ["metadata": ["labels": ["a": "b"]], "spec": ["resourceAttributes": Self.pods]])
        #expect(ownNamed.status == 422 && ownNamed.message.contains("must be empty"))
        let selectors: JSONValue = [
            "verb": "list", "resource": "pods",
            "fieldSelector": ["requirements": [["key": "", "operator": "In"]]], "labelSelector": [:],
        ]
        let selected = await server.send("POST", Self.selfAccess, ["spec": ["resourceAttributes": selectors]])
        #expect(
            Set(selected.json["details"]["causes"].array?.compactMap { $0["field"].string } ?? []) == [
                "spec.resourceAttributes.fieldSelector.requirements[0].key",
                "spec.resourceAttributes.fieldSelector.requirements[0].values",
                "spec.resourceAttributes.labelSelector.requirements",
            ])
    }

    @Test func `a local review stays in its namespace`() async throws {
        let server = try await TestServer()
        let local = "\(Self.access)/namespaces/other/localsubjectaccessreviews"
        let wrong = await server.send("POST", local, ["spec": ["user": "a", "resourceAttributes": Self.pods]])
        #expect(wrong.status == 422)
        #expect(wrong.message.contains("spec.resourceAttributes.namespace: Invalid value: \"default\": must match"))
        let path = await server.send(
            "POST", local, ["spec": ["user": "a", "nonResourceAttributes": ["verb": "get", "path": "/"]]])
        #expect(path.message.contains("disallowed on this kind of request"))
        let foreign = await server.send(
            "POST", local,
            ["metadata": ["namespace": "x"], "spec": ["user": "a", "resourceAttributes": Self.pods]])
        #expect(foreign.status == 400)
    }

    // MARK: - As every resource

    @Test func `reviews are posted only, and shown in every form that fits`() async throws {
        let server = try await TestServer()
        #expect(await server.send("GET", Self.selfAccess).status == 405)
        #expect(await server.send("DELETE", Self.selfAccess).status == 405)
        #expect(await server.send("GET", "\(Self.selfAccess)/x").status == 404)
        #expect(await server.send("POST", "\(Self.access)/localsubjectaccessreviews", [:]).status == 404)
        let body: JSONValue = ["spec": ["resourceAttributes": Self.pods]]
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io"
        #expect(await server.send("POST", Self.selfAccess, body, accept: table).status == 406)
        let fallback = await server.send("POST", Self.selfAccess, body, accept: "\(table),application/json")
        #expect(fallback.status == 201 && fallback.json["kind"] == "SelfSubjectAccessReview")
        let yaml = await server.send("POST", Self.selfAccess, body, accept: "application/yaml")
        #expect(yaml.text.contains("allowed: true"))
        #expect(await server.send("POST", Self.selfAccess + "?dryRun=All", body).status == 201)
        #expect(await server.send("POST", Self.selfAccess + "?dryRun=Some", body).status == 422)
        let strict = await server.send("POST", Self.selfAccess + "?fieldValidation=Strict", ["spec": ["user": "a"]])
        #expect(strict.status == 400 && strict.message.contains("unknown field \"spec.user\""))
        #expect(await server.send("POST", Self.selfAccess, body, token: nil).status == 401)
    }

    @Test func `who is called as those without credentials are may do no more than they`() async throws {
        let server = try await TestServer()
        let refused = await server.send("GET", Samples.configMaps, token: TestServer.nobodysToken)
        #expect(refused.status == 403, "\(refused.message)")
        #expect(await server.send("GET", "/version", token: TestServer.nobodysToken).status == 200)
        #expect(await server.send("GET", "/apis", token: TestServer.nobodysToken).status == 403)
    }

    @Test func `Go clients may ask in protobuf`() async throws {
        let server = try await TestServer()
        let kind = "authorization.k8s.io/v1/SelfSubjectAccessReview"
        let message = ProtobufEncoder.message(
            ["spec": ["resourceAttributes": Self.pods]], named: try #require(ProtobufFields.kinds[kind]))
        let body = ProtobufEncoder.envelope(
            apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", message)
        let response = await server.sendBytes("POST", Self.selfAccess, body, contentType: ProtobufDocument.mediaType)
        #expect(response.status == 201 && response.json["status"] == ["allowed": true])
    }

    @Test func `discovery and OpenAPI list them with create alone`() async throws {
        let server = try await TestServer()
        let list = await server.send("GET", Self.access).json["resources"].array ?? []
        #expect(
            list.compactMap { $0["name"].string } == [
                "localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews",
                "subjectaccessreviews",
            ])
        for entry in list {
            #expect(entry["verbs"] == ["create"])
            #expect(entry["storageVersionHash"] == nil)
            #expect(entry["namespaced"] == .bool(entry["name"] == "localsubjectaccessreviews"))
        }
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        let groups = await server.send("GET", "/apis", accept: accept).json["items"].array ?? []
        let group = groups.first { $0["metadata"]["name"] == "authentication.k8s.io" }
        #expect(group?["versions"][0]["resources"][0]["verbs"] == ["create"])
        let document = await server.send("GET", "/openapi/v3/apis/authorization.k8s.io/v1")
        let local = document.json["paths"]["\(Self.access)/namespaces/{namespace}/localsubjectaccessreviews"]
        #expect(local["post"]["operationId"] == "createAuthorizationV1NamespacedLocalSubjectAccessReview")
        #expect(local["get"] == nil && local["delete"] == nil)
        #expect(document.json["paths"].object?.count == 5)
    }

    @Test func `requests and reviews meet the same authorizer`() async throws {
        struct ReadOnly: Authorizer {
            func decide(_ attributes: AccessAttributes) -> AccessDecision {
                guard !attributes.user.isAnonymous else { return AccessDecision(outcome: .noOpinion) }
                if attributes.verb == "delete" { return AccessDecision(outcome: .denied, reason: "nothing ends here") }
                return .allowed
            }
            func rules(of user: UserInfo, namespace: String) -> AccessRules { AccessRules() }
        }
        let server = try await TestServer(authorizer: ReadOnly())
        let wanted: JSONValue = ["verb": "delete", "resource": "services", "namespace": "default", "name": "a"]
        let review = await server.send("POST", Self.selfAccess, ["spec": ["resourceAttributes": wanted]])
        #expect(review.json["status"] == ["allowed": false, "denied": true, "reason": "nothing ends here"])
        let request = await server.send("DELETE", "\(Samples.services)/a")
        #expect(request.status == 403)
        #expect(
            request.message
                == "services \"a\" is forbidden: User \"tester\" cannot delete resource \"services\" in API "
                + "group \"\" in the namespace \"default\": nothing ends here")
        #expect(await server.send("GET", Samples.services).status == 200)
        #expect(await server.send("DELETE", "/version").message.contains("cannot delete path \"/version\""))
        #expect(await server.send("GET", "/livez", token: nil).status == 401)
    }
}
