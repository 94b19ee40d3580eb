import KubeModel
import Testing

@testable import APIServer

/// What the server generates belongs to nobody, so that whoever takes an object over can neither lose nor fight for it.
@Suite("Fields that the server fills in") struct GeneratedFieldTests {
    private static let job: JSONValue = [
        "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "once"],
        "spec": [
            "template": [
                "metadata": ["labels": ["app": "once"]],
                "spec": ["restartPolicy": "Never", "containers": [["name": "a", "image": "i"]]],
            ]
        ],
    ]

    private func owned(_ object: JSONValue) -> JSONValue? { object["metadata"]["managedFields"][0]["fieldsV1"] }

    @Test func `a Job's selector and generated labels are not its creator's, and it can be applied then`() async throws
    {
        let server = try await TestServer()
        let path = "/apis/batch/v1/namespaces/default/jobs"
        let created = await server.send("POST", "\(path)?fieldManager=kubectl-client-side-apply", Self.job)
        #expect(created.status == 201, "\(created.text)")
        let spec = owned(created.json)?["f:spec"]
        #expect(spec["f:selector"] == nil)
        #expect(spec["f:template"]["f:metadata"]["f:labels"] == [".": [:], "f:app": [:]])
        #expect(owned(created.json)?["f:metadata"]["f:labels"] == [".": [:], "f:app": [:]])
        let uid = created.json["metadata"]["uid"]
        #expect(created.json["metadata"]["labels"]["controller-uid"] == uid)
        #expect(created.json["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] == uid)
        for _ in 0..<2 {
            let applied = await server.send(
                "PATCH", "\(path)/once?fieldManager=x&force=true", Self.job, contentType: "application/apply-patch+yaml"
            )
            #expect(applied.status == 200, "\(applied.text)")
            #expect(applied.json["spec"]["selector"] == created.json["spec"]["selector"])
        }
    }

    @Test func `a Namespace's finalizer is not its creator's`() async throws {
        let server = try await TestServer()
        let created = await server.send(
            "POST", "/api/v1/namespaces", ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "place"]])
        #expect(created.status == 201)
        #expect(created.json["spec"]["finalizers"] == ["kubernetes"])
        #expect(owned(created.json)?["f:spec"] == nil)
        #expect(owned(created.json)?["f:metadata"]["f:labels"]["f:kubernetes.io/metadata.name"] == [:])
    }

    @Test func `an Ingress keeps the class that was filled in, whoever applies it`() async throws {
        let server = try await TestServer()
        let classes = "/apis/networking.k8s.io/v1/ingressclasses"
        let standard: JSONValue = [
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": ["name": "std", "annotations": ["ingressclass.kubernetes.io/is-default-class": "true"]],
            "spec": ["controller": "example.com/x"],
        ]
        #expect(await server.send("POST", classes, standard).status == 201)
        let path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
        let ingress: JSONValue = [
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": ["name": "site"],
            "spec": ["defaultBackend": ["service": ["name": "a", "port": ["number": 80]]]],
        ]
        let created = await server.send("POST", path, ingress)
        #expect(created.json["spec"]["ingressClassName"] == "std", "\(created.text)")
        #expect(owned(created.json)?["f:spec"]["f:ingressClassName"] == nil)
        let applied = await server.send(
            "PATCH", "\(path)/site?fieldManager=x&force=true", ingress, contentType: "application/apply-patch+yaml")
        #expect(applied.json["spec"]["ingressClassName"] == "std", "\(applied.text)")
    }
}
