import KubeModel
import Testing

@Suite("Status documents") struct StatusTests {
    private let services = GroupResource(group: "", resource: "services")
    private let ingresses = GroupResource(group: "networking.k8s.io", resource: "ingresses")

    @Test func usesKubernetesWords() {
        #expect(Status.notFound(services, "web").message == #"services "web" not found"#)
        #expect(Status.alreadyExists(ingresses, "a").message == #"ingresses.networking.k8s.io "a" already exists"#)
        #expect(
            Status.conflict(services, "web").message
                == #"Operation cannot be fulfilled on services "web": the object has been modified; please apply your "#
                + "changes to the latest version and try again")
        #expect(Status.internalError("x").message == "Internal error occurred: x")
        #expect(
            Status.notFound(ingresses, "a").json.description
                == #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"ingresses.networking"#
                + #".k8s.io \"a\" not found","reason":"NotFound","details":{"name":"a","group":"networking.k8s.io","#
                + #""kind":"ingresses"},"code":404}"#)
    }

    @Test func listsEveryInvalidField() {
        let path = FieldPath("spec", "ports").index(0)
        let status = Status.invalid(
            GroupKind(group: "", kind: "Service"), "web",
            [
                .required(path.child("port")), .invalid(path.child("name"), "A_b", "must be lower case"),
                .notSupported(path.child("protocol"), "X", supported: ["TCP", "UDP"]),
                .required(path.child("port")),
            ])
        #expect(
            status.message
                == #"Service "web" is invalid: [spec.ports[0].port: Required value, spec.ports[0].name: Invalid value: "#
                + #""A_b": must be lower case, spec.ports[0].protocol: Unsupported value: "X": supported values: "TCP", "#
                + #""UDP"]"#)
        #expect(status.details?.causes?.count == 4)
        #expect(
            status.details?.causes?[1]
                == Status.Cause(
                    reason: "FieldValueInvalid", message: #"Invalid value: "A_b": must be lower case"#,
                    field: "spec.ports[0].name"))
        #expect(Status(json: status.json) == status)
    }

    @Test func printsValuesAsGo() {
        let path = FieldPath("a").key("b/c")
        #expect(path.description == "a[b/c]")
        #expect(FieldError.invalid(path, 70000, "no").message == "a[b/c]: Invalid value: 70000: no")
        #expect(FieldError.invalid(path, ["x": 1], "").message == #"a[b/c]: Invalid value: {"x":1}"#)
        #expect(FieldError.duplicate(path, "x\n").message == #"a[b/c]: Duplicate value: "x\n""#)
        #expect(FieldError.tooLong(path, maximum: 63).message == "a[b/c]: Too long: may not be more than 63 bytes")
        #expect(
            FieldError.tooMany(path, actual: 5, maximum: 2).message == "a[b/c]: Too many: 5: must have at most 2 items")
        #expect(FieldError.forbidden(FieldPath(), "x").message == "<nil>: Forbidden: x")
    }
}
