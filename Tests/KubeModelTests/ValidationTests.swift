import KubeModel
import Testing

@Suite("Validation of names and values") struct ValidationTests {
    private static let long63 = String(repeating: "a", count: 63)
    private static let label =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
        + "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    private static let subdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
        + "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

    @Test func labelsAndSubdomains() {
        for good in ["a", "0", "a-b", "a--b", Self.long63] { #expect(Validation.dns1123Label(good) == [], "\(good)") }
        for bad in ["", "-a", "a-", "A", "a_b", "ä"] { #expect(Validation.dns1123Label(bad) == [Self.label], "\(bad)") }
        #expect(Validation.dns1123Label("a.b") == ["must not contain dots"])
        #expect(Validation.dns1123Label(Self.long63 + "a") == ["must be no more than 63 characters"])
        for good in ["a", "a.b-c.d", Self.long63 + "aaa.b"] {
            #expect(Validation.dns1123Subdomain(good) == [], "\(good)")
        }
        for bad in ["", ".", "a..b", ".a", "a.", "a.-b", "A.b"] {
            #expect(Validation.dns1123Subdomain(bad) == [Self.subdomain], "\(bad)")
        }
        #expect(Validation.dns1035Label("a1") == [])
        #expect(Validation.dns1035Label("1a").first?.hasPrefix("a DNS-1035 label must consist of") == true)
        #expect(Validation.wildcardDNS1123Subdomain("*.example.com") == [])
        for bad in ["*", "*.", "example.com", "*.*.a", "a.*.b"] {
            #expect(Validation.wildcardDNS1123Subdomain(bad).count == 1, "\(bad)")
        }
    }

    @Test func qualifiedNamesAndValues() {
        for good in ["a", "A_b.c-D", "example.com/x", "a/b"] {
            #expect(Validation.qualifiedName(good) == [], "\(good)")
        }
        #expect(Validation.qualifiedName("/a") == ["prefix part must be non-empty"])
        #expect(Validation.qualifiedName("a/").first == "name part must be non-empty")
        #expect(Validation.qualifiedName("a/b/c").first?.hasPrefix("a valid label key must consist of") == true)
        #expect(Validation.qualifiedName(Self.long63 + "x") == ["name part must be no more than 63 bytes"])
        #expect(Validation.qualifiedName("A.com/x") == ["prefix part " + Self.subdomain])
        #expect(Validation.labelValue("") == [])
        #expect(Validation.labelValue("a b").count == 1)
    }

    @Test func portsAndNumbers() {
        for good in ["http", "a1", "1-a"] { #expect(Validation.portName(good) == [], "\(good)") }
        #expect(Validation.portName("1") == ["must contain at least one letter (a-z)"])
        #expect(Validation.portName("a--b") == ["must not contain consecutive hyphens"])
        #expect(Validation.portName("-a") == ["must not begin or end with a hyphen"])
        #expect(Validation.portName("aaaaaaaaaaaaaaaa") == ["must be no more than 15 characters"])
        #expect(Validation.portName("").count == 2)
        #expect(Validation.portNumber(0) == ["must be between 1 and 65535, inclusive"])
        #expect(Validation.portNumber(65535) == [])
        #expect(
            Validation.percent("5%") == [] && Validation.percent("%").count == 1 && Validation.percent("5").count == 1)
        #expect(Validation.configMapKey("..a") == ["must not start with '..'"])
        #expect(Validation.configMapKey("tls.crt") == [])
        #expect(Validation.pathSegmentName("a/%") == ["may not contain '/'", "may not contain '%'"])
        #expect(Validation.httpHeaderName("X-A") == [] && Validation.httpHeaderName("X A").count == 1)
    }

    @Test func addresses() {
        let path = FieldPath("spec", "ip")
        #expect(Validation.ip("10.0.0.1", at: path) == [])
        #expect(
            Validation.ip("10.0.0.01", at: path).map(\.message) == [
                "spec.ip: Invalid value: \"10.0.0.01\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            ])
        #expect(Validation.ip("::ffff:1.2.3.4", at: path).count == 1)
        #expect(Validation.cidr("10.0.0.0/8", at: path) == [] && Validation.cidr("10.0.0.0", at: path).count == 1)
        #expect(Validation.domainPrefixedPath("martlet.dev/ingress", at: path) == [])
        for bad in ["", "a", "/a", "a/", "A/b", "a.b/c d"] {
            #expect(Validation.domainPrefixedPath(bad, at: path).count == 1, "\(bad)")
        }
        #expect(Validation.fullyQualifiedDomainName("a.b.", at: path) == [])
        #expect(Validation.fullyQualifiedDomainName("a", at: path).count == 1)
    }

    @Test func metadataOnCreate() {
        let good = ObjectMeta(name: "web", generateName: "web-", namespace: "shop", labels: ["a": "b"])
        #expect(Validation.objectMeta(good, namespaced: true, name: .dnsSubdomain) == [])
        var bad = ObjectMeta(name: "We", generateName: "-", generation: -1)
        bad.labels = ["-": "", "b": "!"]
        bad.annotations = ["A/b": "x", "c d": String(repeating: "x", count: 256 << 10)]
        bad.finalizers = ["orphan", "foregroundDeletion"]
        bad.ownerReferences = [
            OwnerReference(apiVersion: "v1", kind: "A", name: "a", uid: "1", controller: true),
            OwnerReference(apiVersion: "", kind: "", name: "", uid: "", controller: true),
        ]
        let errors = Validation.objectMeta(bad, namespaced: true, name: .dnsLabel)
        #expect(
            errors.map { "\($0.field) \($0.kind)" } == [
                "metadata.generateName invalid", "metadata.name invalid", "metadata.namespace required",
                "metadata.generation invalid", "metadata.labels invalid", "metadata.labels invalid",
                "metadata.annotations invalid", "metadata.annotations tooLong",
                "metadata.ownerReferences.apiVersion invalid", "metadata.ownerReferences.kind invalid",
                "metadata.ownerReferences.name invalid", "metadata.ownerReferences.uid invalid",
                "metadata.ownerReferences invalid", "metadata.finalizers invalid",
            ])
        #expect(
            Validation.objectMeta(ObjectMeta(name: "a", namespace: "b"), namespaced: false, name: .dnsLabel).map(
                \.message)
                == ["metadata.namespace: Forbidden: not allowed on this type"])
    }

    @Test func metadataOnUpdate() {
        let old = ObjectMeta(
            name: "a", namespace: "b", uid: "u", resourceVersion: "1", generation: 2, finalizers: ["x/y"])
        #expect(Validation.objectMetaUpdate(old, old: old) == [])
        var new = old
        new.name = "c"
        new.uid = nil
        new.generation = 1
        new.resourceVersion = nil
        new.creationTimestamp = Timestamp(secondsSinceEpoch: 0)
        #expect(
            Validation.objectMetaUpdate(new, old: old).map(\.message) == [
                "metadata.resourceVersion: Invalid value: \"\": must be specified for an update",
                "metadata.generation: Invalid value: 1: must not be decremented",
                "metadata.name: Invalid value: \"c\": field is immutable",
                "metadata.uid: Invalid value: \"\": field is immutable",
                "metadata.creationTimestamp: Invalid value: \"1970-01-01T00:00:00Z\": field is immutable",
            ])
        var deleting = old
        deleting.deletionTimestamp = Timestamp(secondsSinceEpoch: 1)
        new = deleting
        new.finalizers = ["x/y", "z"]
        #expect(
            Validation.objectMetaUpdate(new, old: deleting).map(\.message) == [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new "
                    + "finalizers []string{\"z\"}"
            ])
    }

    @Test func labelSelectors() {
        let selector = LabelSelector(
            matchLabels: ["a": "b"],
            matchExpressions: [
                .init(key: "a", operator: "In"), .init(key: "a", operator: "Exists", values: ["x"]),
                .init(key: "-", operator: "No"),
            ])
        #expect(
            Validation.labelSelector(selector, at: FieldPath("s")).map(\.field) == [
                "s.matchExpressions[0].values", "s.matchExpressions[1].values", "s.matchExpressions[2].operator",
                "s.matchExpressions[2].key",
            ])
    }
}
